//! Wiring of [`fan_out_gallery`].

use fan_out_gallery::App;
use shared::lambda::{Start, StartError, sqs};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        queue: start.queue(Kind::FanOutGallery)?,
        send_alerts: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
    };
    sqs::run(&start, &[Kind::FanOutGallery], app, fan_out_gallery::handle).await
}
