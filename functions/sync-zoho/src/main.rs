//! Wiring of [`sync_zoho`].

use shared::config::Route;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;
use shared::zoho::ZohoSettings;
use sync_zoho::{App, Way};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let way = match start.environment.parsed("ZOHO_SYNC_ROUTE")? {
        Route::Native => Way::Native(Box::new(start.secrets().json::<ZohoSettings>("ZOHO_SECRET").await?.try_into()?)),
        Route::Middleware => Way::Middleware(start.queues(&[Kind::DeliverUserWebhook])?),
    };
    let app = App {
        database: start.database().await?,
        way,
        queue: start.queue(Kind::SyncZoho)?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::SyncZoho], app, sync_zoho::handle).await
}
