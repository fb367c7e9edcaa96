//! Failed work that an admin lets run again.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use super::GRACE_SECONDS;
use crate::domain::CrmId;
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// How many tasks of a kind wait for a person; at most a thousand are counted.
pub async fn failed(session: &impl Session, kind: Kind) -> Result<i64, Error> {
    let row = session.row(&FAILED, [&kind.as_str()]).await?;
    Ok(row.map_or(0, |row| row.get("failed")))
}

pub(super) static FAILED: Statement<1> = Statement::new(
    "select count(*) as failed
     from (select from tasks where kind = $1 and failed_at is not null limit 1000) as failed",
    [Type::TEXT],
);

/// Failed tasks of a kind: those of the named ones that are, or the first that failed.
pub async fn failed_keys(
    session: &impl Session,
    kind: Kind,
    named: Option<&[Uuid]>,
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    let rows = match named {
        Some(keys) => session.rows(&FAILED_AMONG, [&kind.as_str(), &keys]).await?,
        None => session.rows(&FIRST_FAILED, [&kind.as_str(), &most]).await?,
    };
    Ok(rows.iter().map(|row| row.get("key")).collect())
}

pub(super) static FAILED_AMONG: Statement<2> = Statement::new(
    "select key from tasks where kind = $1 and key = any ($2) and failed_at is not null",
    [Type::TEXT, Type::UUID_ARRAY],
);

pub(super) static FIRST_FAILED: Statement<2> = Statement::new(
    "select key from tasks where kind = $1 and failed_at is not null order by failed_at, key limit $2",
    [Type::TEXT, Type::INT8],
);

/// Gives failed tasks a fresh start; one that is not failed any more is left alone. Returns whom to wake after the
/// commit.
pub async fn revive(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid]) -> Result<FollowUp, Error> {
    revive_for(tx, kind, keys, &[]).await
}

/// The same, and for those that failed because of one of these records of the CRM.
pub async fn revive_for(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid], records: &[CrmId]) -> Result<FollowUp, Error> {
    let records: Vec<&str> = records.iter().map(CrmId::as_str).collect();
    let rows = tx.rows(&REVIVE, [&kind.as_str(), &keys, &GRACE_SECONDS, &records]).await?;
    let revived: Vec<Uuid> = rows.iter().map(|row| row.get("key")).collect();
    Ok(FollowUp::of(kind, &revived))
}

pub(super) static REVIVE: Statement<4> = Statement::new(
    "with failed as materialized (
         select key from tasks
         where kind = $1 and failed_at is not null
           and (key = any ($2) or failure ->> 'record' = any ($4))
         order by key
         for update
     )
     update tasks set
         revision = revision + 1,
         not_before = now(),
         dispatch_at = now() + make_interval(secs => $3),
         attempts = 0,
         crashes = 0,
         failed_at = null,
         failure = null
     where kind = $1 and key = any (array(select key from failed))
     returning key",
    [Type::TEXT, Type::UUID_ARRAY, Type::FLOAT8, Type::TEXT_ARRAY],
);
