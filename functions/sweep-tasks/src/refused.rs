//! Kinds that are stopped because Zoho refuses our credentials: they go on once the secret has others.

use shared::db::{self, Connection};
use shared::zoho::ZohoSettings;
use shared::{Error, clock};

use crate::App;

/// How many kinds go on. Those that stay stopped are told to the alarm, also when the secret cannot be read.
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
    let settings: ZohoSettings =
        app.zoho.json().await.map_err(|error| Error::unavailable("the secret with our credentials at Zoho", error))?;
    let tx = connection.transaction().await?;
    let resumed = db::tasks::resume_refused(&tx, &settings.credentials()).await?;
    tx.commit().await?;
    if resumed > 0 {
        tracing::info!(kinds = resumed, "the secret has other credentials than those that Zoho refused");
    }
    Ok(resumed)
}
