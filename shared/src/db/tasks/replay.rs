//! Failed work that an admin lets run again.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::GRACE_SECONDS;
use crate::domain::CrmId;
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// How many tasks of a kind wait for a person; at most a thousand are counted.
pub async fn failed(session: &impl Session, kind: Kind) -> Result<i64, Error> {
    let row = session
        .row(
            "select count(*) as failed
             from (select from tasks where kind = $1 and failed_at is not null limit 1000) as failed",
            &[(&kind.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(row.map_or(0, |row| row.get("failed")))
}

/// Failed tasks of a kind: those of the named ones that are, or the first that failed.
pub async fn failed_keys(
    session: &impl Session,
    kind: Kind,
    named: Option<&[Uuid]>,
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    let rows =
        match named {
            Some(keys) => {
                session
                    .rows(
                        "select key from tasks where kind = $1 and key = any ($2) and failed_at is not null",
                        &[(&kind.as_str(), Type::TEXT), (&keys, Type::UUID_ARRAY)],
                    )
                    .await?
            }
            None => session
                .rows(
                    "select key from tasks where kind = $1 and failed_at is not null order by failed_at, key limit $2",
                    &[(&kind.as_str(), Type::TEXT), (&most, Type::INT8)],
                )
                .await?,
        };
    Ok(rows.iter().map(|row| row.get("key")).collect())
}

/// Gives failed tasks a fresh start; one that is not failed any more is left alone. Returns whom to wake after the
/// commit.
pub async fn revive(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid]) -> Result<FollowUp, Error> {
    revive_for(tx, kind, keys, &[]).await
}

/// The same, and for those that failed because of one of these records of the CRM.
pub async fn revive_for(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid], records: &[CrmId]) -> Result<FollowUp, Error> {
    let records: Vec<&str> = records.iter().map(CrmId::as_str).collect();
    let rows = tx
        .rows(
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
            &[
                (&kind.as_str(), Type::TEXT),
                (&keys, Type::UUID_ARRAY),
                (&GRACE_SECONDS, Type::FLOAT8),
                (&records, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    let revived: Vec<Uuid> = rows.iter().map(|row| row.get("key")).collect();
    Ok(FollowUp::of(kind, &revived))
}
