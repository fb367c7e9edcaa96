//! Wiring of [`get_user_context`].

use shared::lambda::{Start, StartError, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    http::run(start.database().await?, get_user_context::handle).await
}
