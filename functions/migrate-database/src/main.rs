//! Wiring of [`migrate_database`].

use migrate_database::App;
use shared::db::{DatabaseSettings, Logins};
use shared::lambda::{Start, StartError, schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let secrets = start.secrets();
    let app = App {
        settings: DatabaseSettings::read(&start.environment)?,
        owner: Logins::of_secret(secrets.named("DATABASE_SECRET")?),
        roles: vec![secrets.named("API_DATABASE_SECRET")?, secrets.named("WORKER_DATABASE_SECRET")?],
    };
    schedule::run(app, migrate_database::handle).await
}
