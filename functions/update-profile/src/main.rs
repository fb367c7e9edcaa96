//! Wiring of [`update_profile`].

use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;
use update_profile::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(app, update_profile::handle).await
}
