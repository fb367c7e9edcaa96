//! Wiring of [`list_deliveries`].

use shared::lambda::{Start, StartError, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    http::run(start.database().await?, list_deliveries::handle).await
}
