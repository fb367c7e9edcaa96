//! Wiring of [`delete_user`].

use delete_user::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(app, delete_user::handle).await
}
