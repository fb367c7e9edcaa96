//! Wiring of [`create_gallery`].

use create_gallery::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App { database: start.database().await?, fan_out_gallery: start.queue(Kind::FanOutGallery)? };
    http::run(app, create_gallery::handle).await
}
