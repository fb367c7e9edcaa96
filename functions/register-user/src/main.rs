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
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(app, register_user::handle).await
}
