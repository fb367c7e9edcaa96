//! Wiring of [`register_user`].

use register_user::App;
use shared::lambda::identity::EmailClaim;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        email_claim: EmailClaim::read(&start.environment)?,
        sync_zoho: start.queue_if_enabled(Kind::SyncZoho)?,
    };
    http::run(app, register_user::handle).await
}
