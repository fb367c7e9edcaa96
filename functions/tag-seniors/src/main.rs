//! Wiring of [`tag_seniors`].

use shared::lambda::{Start, StartError, schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    schedule::run(start.database().await?, tag_seniors::handle).await
}
