//! `zoho_token`: the access token that all workers share. Zoho gives ten in ten minutes, so exactly one
//! worker refreshes it, under a short lease and without holding a lock during the call. A token counts only for the
//! credentials with which it was got: once the secret has others, they get one of their own.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;

/// To read the token, and to refresh it, which one of the workers does every hour.
pub static HOT: Hot = &[&READ, &LEASE, &STORE];

/// The SHA-256 of the credentials with which tokens are got.
pub type Credentials = [u8; 32];

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

/// The token as it stands for somebody with these credentials. For some minutes those that were replaced count as well:
/// a worker whose copy of the secret is old takes the new token, instead of getting one that the others would replace in
/// their turn.
pub async fn read(session: &impl Session, credentials: &Credentials) -> Result<StoredToken, Error> {
    let row = session
        .row(&READ, [&credentials.as_slice()])
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

static READ: Statement<1> = Statement::new(
    "select access_token, api_domain, version,
         counts and expires_at > now() + interval '5 minutes' as fresh,
         counts and expires_at > now() + interval '30 seconds' as alive
     from (
         select *,
             coalesce(credentials_sha256 = $1, false)
                 or coalesce(superseded_sha256 = $1 and superseded_at > now() - interval '6 minutes', false)
                 as counts
         from zoho_token
     ) as token",
    [Type::BYTEA],
);

/// Whether this worker is the one to refresh that version, for as long as the lease lasts. Other credentials need not
/// wait for it.
pub async fn lease(
    session: &impl Session,
    version: i64,
    lease: Duration,
    credentials: &Credentials,
) -> Result<bool, Error> {
    let row = session.row(&LEASE, [&version, &lease.as_secs_f64(), &credentials.as_slice()]).await?;
    Ok(row.is_some())
}

static LEASE: Statement<3> = Statement::new(
    "update zoho_token set refreshing_until = now() + make_interval(secs => $2), refreshing_sha256 = $3
     where version = $1 and (refreshing_until <= now() or refreshing_sha256 is distinct from $3)
     returning version",
    [Type::INT8, Type::FLOAT8, Type::BYTEA],
);

/// What came of a refresh. It prints without the token.
pub struct Got<'a> {
    pub token: &'a str,
    pub api_domain: Option<&'a str>,
    pub valid_for: Duration,
}

impl std::fmt::Debug for Got<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Got(valid for {:?})", self.valid_for)
    }
}

/// Stores what came of the refresh of that version and ends the lease. Returns its own version; `None`: another one was
/// stored meanwhile, and stays.
pub async fn store(
    session: &impl Session,
    version: i64,
    got: &Got<'_>,
    credentials: &Credentials,
) -> Result<Option<i64>, Error> {
    let row = session
        .row(&STORE, [&version, &got.token, &got.api_domain, &got.valid_for.as_secs_f64(), &credentials.as_slice()])
        .await?;
    Ok(row.map(|row| row.get("version")))
}

static STORE: Statement<5> = Statement::new(
    "update zoho_token set
         access_token = $2,
         api_domain = $3,
         expires_at = now() + make_interval(secs => $4),
         version = version + 1,
         refreshing_until = '-infinity',
         superseded_sha256 = case when credentials_sha256 = $5 then superseded_sha256 else credentials_sha256 end,
         superseded_at = case when credentials_sha256 = $5 then superseded_at else now() end,
         credentials_sha256 = $5
     where version = $1
     returning version",
    [Type::INT8, Type::TEXT, Type::TEXT, Type::FLOAT8, Type::BYTEA],
);

/// Ends a lease that came to nothing; nobody tries again before `wait` is over.
pub async fn give_up(session: &impl Session, version: i64, wait: Duration) -> Result<(), Error> {
    session.rows(&GIVE_UP, [&version, &wait.as_secs_f64()]).await?;
    Ok(())
}

static GIVE_UP: Statement<2> = Statement::new(
    "update zoho_token set refreshing_until = now() + make_interval(secs => $2) where version = $1",
    [Type::INT8, Type::FLOAT8],
);

/// Zoho refused that version: whoever reads next refreshes it, unless somebody has already.
pub async fn invalidate(session: &impl Session, version: i64) -> Result<(), Error> {
    session.rows(&INVALIDATE, [&version]).await?;
    Ok(())
}

static INVALIDATE: Statement<1> =
    Statement::new("update zoho_token set expires_at = '-infinity' where version = $1", [Type::INT8]);
