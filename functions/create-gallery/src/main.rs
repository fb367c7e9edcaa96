//! Wiring of [`create_gallery`].

use create_gallery::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let queues = start.queues(&[Kind::FanOutGallery, Kind::DeliverWebhook])?;
    let app = App { database: start.database().await?, queues };
    http::run(app, create_gallery::handle).await
}
