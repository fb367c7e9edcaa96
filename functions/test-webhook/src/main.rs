//! Wiring of [`test_webhook`].

use shared::clock;
use shared::lambda::{Start, StartError, http};
use shared::webhooks::Door;
use test_webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App { door: Door::new(&start.secrets(), clock::now()).await? };
    http::run(app, test_webhook::handle).await
}
