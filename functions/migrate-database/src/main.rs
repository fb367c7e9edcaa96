//! Wiring of [`migrate_database`].

use migrate_database::App;
use shared::lambda::{Start, StartError, schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let secrets = start.secrets();
    let app = App {
        settings: start.database_settings().await?,
        logins: vec![secrets.json("API_DATABASE_SECRET").await?, secrets.json("WORKER_DATABASE_SECRET").await?],
    };
    schedule::run(app, migrate_database::handle).await
}
