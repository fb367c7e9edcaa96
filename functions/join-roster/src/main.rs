//! Wiring of [`join_roster`].

use shared::lambda::{Start, StartError, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    http::run(start.database().await?, join_roster::handle).await
}
