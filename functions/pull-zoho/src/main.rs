//! Wiring of [`pull_zoho`].

use pull_zoho::App;
use shared::clock;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let zoho =
        if start.reads_crm()? { Some(start.secrets().followed("ZOHO_SECRET", clock::now()).await?) } else { None };
    let app = App {
        database: start.database().await?,
        zoho,
        queues: start.queues(&[Kind::PullZoho, Kind::SyncZoho, Kind::DeliverUserWebhook])?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::PullZoho], app, pull_zoho::handle).await
}
