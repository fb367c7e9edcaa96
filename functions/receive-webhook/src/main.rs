//! Wiring of [`receive_webhook`].

use receive_webhook::App;
use shared::clock;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;
use shared::webhooks::Door;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        door: Door::new(&start.secrets(), clock::now()).await?,
        database: start.database().await?,
        queues: start.queues(&[
            Kind::FanOutGallery,
            Kind::SyncZoho,
            Kind::PullZoho,
            Kind::DeliverWebhook,
            Kind::DeliverUserWebhook,
        ])?,
    };
    http::run(app, receive_webhook::handle).await
}
