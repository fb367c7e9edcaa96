//! Kinds that are stopped because Zoho refuses us: they go on once the secret has other credentials, or other names of
//! fields, that workers can use; and those of the CRM at once, where the route leads over middleware, which Zoho does not
//! refuse.

use shared::config::Route;
use shared::db::{self, Connection};
use shared::tasks::Kind;
use shared::zoho::{Zoho, ZohoSettings};
use shared::{Error, clock};

use crate::App;

/// How many kinds go on. Those that stay stopped are told to the alarm, also when the secret cannot be read or used.
pub(crate) async fn look(app: &App, connection: &mut Connection) -> Result<usize, Error> {
    let stopped = db::tasks::refused(connection).await?;
    let resumed = if stopped > 0 { resume(app, connection).await } else { Ok(0) };
    let left = match &resumed {
        Ok(resumed) => stopped - i64::try_from(*resumed).unwrap_or(stopped),
        Err(_) => stopped,
    };
    app.metrics.put(clock::now(), "zoho", &[("CredentialsRefused", left)]);
    resumed
}

async fn resume(app: &App, connection: &mut Connection) -> Result<usize, Error> {
    let over_middleware = if app.route == Route::Middleware { on_middleware(connection).await? } else { 0 };
    if db::tasks::refused(connection).await? == 0 {
        return Ok(over_middleware);
    }
    // As workers read it: where it is wrong, they stay with the one that Zoho refuses.
    let zoho = app.zoho.checked::<ZohoSettings, Zoho>().await;
    let zoho = zoho.map_err(|error| Error::unavailable("the secret with our credentials at Zoho", error))?;
    let tx = connection.transaction().await?;
    let resumed = db::tasks::resume_refused(&tx, &zoho.fingerprint()).await?;
    tx.commit().await?;
    if resumed > 0 {
        tracing::info!(kinds = resumed, "the secret is another one than that with which Zoho refused us");
    }
    Ok(over_middleware + resumed)
}

async fn on_middleware(connection: &mut Connection) -> Result<usize, Error> {
    let tx = connection.transaction().await?;
    let resumed = db::tasks::resume_unused(&tx, &[Kind::SyncZoho, Kind::PullZoho]).await?;
    tx.commit().await?;
    Ok(resumed)
}
