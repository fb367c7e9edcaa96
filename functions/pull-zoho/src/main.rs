//! Wiring of [`pull_zoho`].

use pull_zoho::App;
use shared::clock;
use shared::config::Route;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let zoho = match start.environment.parsed("ZOHO_SYNC_ROUTE")? {
        Route::Native => Some(start.secrets().followed("ZOHO_SECRET", clock::now()).await?),
        Route::Middleware => None,
    };
    let app = App {
        database: start.database().await?,
        zoho,
        queues: start.queues(&[Kind::PullZoho, Kind::SyncZoho, Kind::DeliverUserWebhook])?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::PullZoho], app, pull_zoho::handle).await
}
