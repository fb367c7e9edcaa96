//! Wiring of [`resend_deliveries`].

use resend_deliveries::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let queues = start.queues(&[Kind::DeliverWebhook, Kind::DeliverUserWebhook])?;
    http::run(App { database: start.database().await?, queues }, resend_deliveries::handle).await
}
