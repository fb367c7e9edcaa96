//! Wiring of [`list_conflicts`].

use shared::lambda::{Start, StartError, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    http::run(start.database().await?, list_conflicts::handle).await
}
