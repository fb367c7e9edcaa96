//! The secrets that list others: endpoints are registered, and the alarm is told how many entries are wrong and left out.

use shared::db::{self, Connection};
use shared::deliveries::{Endpoints, EndpointsSettings};
use shared::secrets::SecretError;
use shared::webhooks::{Sources, SourcesSettings};
use shared::{Error, clock};

use crate::App;

/// Makes the endpoints that hear of events those of the secret.
pub(crate) async fn endpoints(app: &App, connection: &mut Connection) -> Result<usize, Error> {
    let settings = app.endpoints.json::<EndpointsSettings>().await;
    let endpoints = settings.map(|settings| Endpoints::of(settings, app.guard));
    tell(app, "webhook-endpoints", endpoints.as_ref().map(|endpoints| endpoints.wrong().len()));
    let endpoints = endpoints.map_err(|error| Error::unavailable("the endpoints' secret", error))?;
    let tx = connection.transaction().await?;
    let changed = db::webhook_endpoints::register(&tx, &endpoints).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Whether all sources can push events in.
pub(crate) async fn sources(app: &App) -> Result<(), Error> {
    let sources = app.sources.json::<SourcesSettings>().await.map(Sources::of);
    tell(app, "webhook-sources", sources.as_ref().map(|sources| sources.wrong().len()));
    sources.map(drop).map_err(|error| Error::unavailable("the sources' secret", error))
}

/// A secret that cannot be used as a whole counts as one wrong entry.
fn tell(app: &App, secret: &str, wrong: Result<usize, &SecretError>) {
    let wrong = i64::try_from(wrong.unwrap_or(1)).unwrap_or(i64::MAX);
    app.metrics.put(clock::now(), secret, &[("SecretEntriesWrong", wrong)]);
}
