//! Wiring of [`sweep_tasks`].

use shared::deliveries::Guard;
use shared::lambda::{Start, StartError, schedule};
use shared::metrics::Metrics;
use shared::tasks::Kind;
use sweep_tasks::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let queues = start.queues(&Kind::ALL)?;
    let metrics = Metrics::read(&start.environment)?;
    let app = App {
        database: start.database().await?,
        queues,
        metrics,
        endpoints: start.secrets().named("WEBHOOK_ENDPOINTS_SECRET")?,
        sources: start.secrets().named("WEBHOOK_SOURCES_SECRET")?,
        guard: Guard::read(&start.environment)?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        route: start.environment.parsed("ZOHO_SYNC_ROUTE")?,
        reads_crm: start.reads_crm()?,
    };
    schedule::run(app, sweep_tasks::handle).await
}
