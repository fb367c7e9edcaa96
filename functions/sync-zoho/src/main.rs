//! Wiring of [`sync_zoho`].

use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;
use shared::zoho::Zoho;
use sync_zoho::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        zoho: Zoho::new(start.secrets().json("ZOHO_SECRET").await?)?,
        queue: start.queue(Kind::SyncZoho)?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
    };
    sqs::run(&start, &[Kind::SyncZoho], app, sync_zoho::handle).await
}
