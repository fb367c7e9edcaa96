//! Wiring of [`sync_zoho`].

use shared::clock;
use shared::config::Route;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;
use sync_zoho::{App, Way};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let way = match start.environment.parsed("ZOHO_SYNC_ROUTE")? {
        Route::Native => Way::Native(Box::new(start.secrets().followed("ZOHO_SECRET", clock::now()).await?)),
        Route::Middleware => Way::Middleware,
    };
    let app = App {
        database: start.database().await?,
        way,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverUserWebhook])?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::SyncZoho], app, sync_zoho::handle).await
}
