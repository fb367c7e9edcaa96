//! `zoho_token`: the access token that all workers share. Zoho gives ten in ten minutes, so exactly one
//! worker refreshes it, under a short lease and without holding a lock during the call.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::session::Session;
use crate::error::Error;

/// The token as it stands. It prints without itself.
pub struct StoredToken {
    pub access_token: String,
    pub api_domain: Option<String>,
    pub version: i64,
    /// More than five minutes left.
    pub fresh: bool,
    /// More than half a minute left: good enough while another worker refreshes it.
    pub alive: bool,
}

impl std::fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredToken(version {}, fresh {}, alive {})", self.version, self.fresh, self.alive)
    }
}

pub async fn read(session: &impl Session) -> Result<StoredToken, Error> {
    let row = session
        .row(
            "select access_token, api_domain, version,
                 expires_at > now() + interval '5 minutes' as fresh,
                 expires_at > now() + interval '30 seconds' as alive
             from zoho_token",
            &[],
        )
        .await?
        .ok_or_else(|| Error::internal("zoho_token has lost its row", "the migration puts it there"))?;
    Ok(StoredToken {
        access_token: row.get("access_token"),
        api_domain: row.get("api_domain"),
        version: row.get("version"),
        fresh: row.get("fresh"),
        alive: row.get("alive"),
    })
}

/// Whether this worker is the one to refresh that version, for as long as the lease lasts.
pub async fn lease(session: &impl Session, version: i64, lease: Duration) -> Result<bool, Error> {
    let row = session
        .row(
            "update zoho_token set refreshing_until = now() + make_interval(secs => $2)
             where version = $1 and refreshing_until <= now()
             returning version",
            &[(&version, Type::INT8), (&lease.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    Ok(row.is_some())
}

/// Stores what came of the refresh of that version and ends the lease.
pub async fn store(
    session: &impl Session,
    version: i64,
    token: &str,
    api_domain: Option<&str>,
    valid_for: Duration,
) -> Result<(), Error> {
    session
        .rows(
            "update zoho_token set
                 access_token = $2,
                 api_domain = $3,
                 expires_at = now() + make_interval(secs => $4),
                 version = version + 1,
                 refreshing_until = '-infinity'
             where version = $1",
            &[
                (&version, Type::INT8),
                (&token, Type::TEXT),
                (&api_domain, Type::TEXT),
                (&valid_for.as_secs_f64(), Type::FLOAT8),
            ],
        )
        .await?;
    Ok(())
}

/// Ends a lease that came to nothing; nobody tries again before `wait` is over.
pub async fn give_up(session: &impl Session, version: i64, wait: Duration) -> Result<(), Error> {
    session
        .rows(
            "update zoho_token set refreshing_until = now() + make_interval(secs => $2) where version = $1",
            &[(&version, Type::INT8), (&wait.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    Ok(())
}

/// Zoho refused that version: whoever reads next refreshes it, unless somebody has already.
pub async fn invalidate(session: &impl Session, version: i64) -> Result<(), Error> {
    session
        .rows("update zoho_token set expires_at = '-infinity' where version = $1", &[(&version, Type::INT8)])
        .await?;
    Ok(())
}
