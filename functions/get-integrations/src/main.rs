//! Wiring of [`get_integrations`].

use get_integrations::{App, Flags};
use shared::clock;
use shared::deliveries::{Endpoints, Guard};
use shared::lambda::{Start, StartError, http};
use shared::webhooks::Sources;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let flags = Flags {
        enable_zoho_sync: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        enable_email_alerts: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
        zoho_sync_route: start.environment.parsed("ZOHO_SYNC_ROUTE")?,
    };
    let (secrets, now, guard) = (start.secrets(), clock::now(), Guard::read(&start.environment)?);
    let endpoints = move |settings| Endpoints::of(settings, guard);
    let app = App {
        database: start.database().await?,
        sources: secrets.followed_or("WEBHOOK_SOURCES_SECRET", now, Sources::of, Sources::unusable).await?,
        endpoints: secrets.followed_or("WEBHOOK_ENDPOINTS_SECRET", now, endpoints, Endpoints::unusable).await?,
        flags,
    };
    http::run(app, get_integrations::handle).await
}
