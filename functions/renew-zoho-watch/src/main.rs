//! Wiring of [`renew_zoho_watch`].

use renew_zoho_watch::App;
use shared::lambda::{Start, StartError, schedule};
use shared::metrics::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        sources: start.secrets().named("WEBHOOK_SOURCES_SECRET")?,
        public_url: start.environment.required("PUBLIC_URL")?.to_owned(),
        metrics: Metrics::read(&start.environment)?,
        enabled: start.reads_crm()?,
    };
    schedule::run(app, renew_zoho_watch::handle).await
}
