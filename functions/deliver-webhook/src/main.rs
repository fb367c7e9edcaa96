//! Wiring of [`deliver_webhook`].

use deliver_webhook::App;
use shared::clock;
use shared::deliveries::{Client, Endpoints, Guard};
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;

/// Their tasks differ in the flag that they wait for, not in the work.
const KINDS: &[Kind] = &[Kind::DeliverWebhook, Kind::DeliverUserWebhook];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let guard = Guard::read(&start.environment)?;
    let read = move |settings| Endpoints::of(settings, guard);
    let secrets = start.secrets();
    let app = App {
        database: start.database().await?,
        client: Client::new(guard)?,
        endpoints: secrets.followed_or("WEBHOOK_ENDPOINTS_SECRET", clock::now(), read, Endpoints::unusable).await?,
        queues: start.queues(KINDS)?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
    };
    sqs::run(&start, KINDS, app, deliver_webhook::handle).await
}
