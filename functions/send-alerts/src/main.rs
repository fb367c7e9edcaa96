//! Wiring of [`send_alerts`].

use send_alerts::App;
use shared::clock;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        campaigns: start.secrets().followed("ZOHO_SECRET", clock::now()).await?,
        queue: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
        names_athletes: start.environment.flag("ALERTS_NAME_ATHLETES")?,
    };
    sqs::run(&start, &[Kind::SendAlerts], app, send_alerts::handle).await
}
