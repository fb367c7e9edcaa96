//! Wiring of [`send_held_alerts`].

use send_held_alerts::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        send_alerts: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
    };
    http::run(app, send_held_alerts::handle).await
}
