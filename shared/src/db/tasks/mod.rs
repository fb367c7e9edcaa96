//! `tasks` and `task_kinds`: follow-up work, claimed under a lease. The database's clock rules throughout.

mod claim;
mod failures;
mod outcome;
mod replay;
mod sweep;

use std::time::Duration;

use tokio_postgres::types::Type;
use uuid::Uuid;

pub use claim::{Claim, ClaimedTask, claim};
pub use failures::{Failed, Failures, Place, State, failures};
pub use outcome::Outcome;
pub use replay::{failed, failed_keys, revive, revive_for};
pub use sweep::{Backlog, Due, Pause, backlog, due_for_dispatch};

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind, Priority};

/// To ask for work.
pub static HOT: Hot = &[&ENQUEUE];

/// To claim work, and to complete it.
pub static HOT_WORK: Hot = &[&claim::CLAIM, &outcome::LOCK, &outcome::COMPLETE];

/// To list what failed.
pub static HOT_FAILURES: Hot = &[&failures::FAILURES];

/// To let tasks run again.
pub static HOT_REVIVE: Hot = &[&replay::REVIVE];

/// To let failed tasks run again, those that an admin names or all.
pub static HOT_REPLAY: Hot = &[&replay::FAILED_AMONG, &replay::FIRST_FAILED, &replay::REVIVE, &replay::FAILED];

/// To see whether a kind is paused.
pub static HOT_PAUSE: Hot = &[&IS_PAUSED];

/// To measure how much work there is.
pub static HOT_BACKLOG: Hot = &[&sweep::BACKLOG];

/// To find whom to wake, and to measure.
pub static HOT_SWEEP: Hot = &[&REFUSED, &sweep::DUE_FOR_DISPATCH, &sweep::BACKLOG];

/// How long after the commit the sweep waits for the messages that the enqueuer itself sends.
const GRACE_SECONDS: f64 = 60.0;

/// Writes the tasks beside the change that asks for them: a new row, or the old one with a fresh start. Returns whom
/// to wake after the commit.
pub async fn enqueue(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid]) -> Result<FollowUp, Error> {
    enqueue_at(tx, kind, keys, Priority::Now).await
}

/// The same with a place in line; a task that is there already never loses the better one.
pub async fn enqueue_at(
    tx: &Transaction<'_>,
    kind: Kind,
    keys: &[Uuid],
    priority: Priority,
) -> Result<FollowUp, Error> {
    if keys.is_empty() {
        return Ok(FollowUp::default());
    }
    tx.rows(&ENQUEUE, [&kind.as_str(), &keys, &GRACE_SECONDS, &priority.as_i16()]).await?;
    Ok(FollowUp::of(kind, keys))
}

pub(super) static ENQUEUE: Statement<4> = Statement::new(
    "insert into tasks (kind, key, priority, not_before, dispatch_at)
     select $1, key, $4, now(), now() + make_interval(secs => $3)
     from unnest($2) as key
     order by key
     on conflict (kind, key) do update set
         revision = tasks.revision + 1,
         priority = least(tasks.priority, excluded.priority),
         not_before = excluded.not_before,
         dispatch_at = excluded.dispatch_at,
         attempts = 0,
         crashes = 0,
         failed_at = null,
         failure = null",
    [Type::TEXT, Type::UUID_ARRAY, Type::FLOAT8, Type::INT2],
);

/// Stops a whole kind for a while: the other side has had enough, or does not know us any more.
pub async fn pause(session: &impl Session, kind: Kind, pause: Duration, reason: &str) -> Result<(), Error> {
    session.rows(&PAUSE, [&kind.as_str(), &pause.as_secs_f64(), &reason]).await?;
    Ok(())
}

static PAUSE: Statement<3> = Statement::new(
    "update task_kinds set paused_until = now() + make_interval(secs => $2), reason = $3
     where kind = $1 and coalesce(paused_until, '-infinity') < now() + make_interval(secs => $2)",
    [Type::TEXT, Type::FLOAT8, Type::TEXT],
);

/// Stops kinds until the secret has another fingerprint than this one, with which Zoho refuses us, or an admin says so. A
/// kind that somebody has stopped for good stays stopped for his reason.
pub async fn pause_refused(
    tx: &Transaction<'_>,
    kinds: &[Kind],
    fingerprint: &[u8; 32],
    reason: &str,
) -> Result<(), Error> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    tx.rows(&PAUSE_REFUSED, [&kinds, &fingerprint.as_slice(), &reason]).await?;
    Ok(())
}

static PAUSE_REFUSED: Statement<3> = Statement::new(
    "with stopped as materialized (
         select kind from task_kinds
         where kind = any ($1)
           and (paused_until is distinct from 'infinity' or refused_credentials is not null)
         order by kind
         for update
     )
     update task_kinds set paused_until = 'infinity', reason = $3, refused_credentials = $2
     where kind = any (array(select kind from stopped))",
    [Type::TEXT_ARRAY, Type::BYTEA, Type::TEXT],
);

/// How many kinds are stopped because Zoho refuses us.
pub async fn refused(session: &impl Session) -> Result<i64, Error> {
    let row = session.row(&REFUSED, []).await?;
    Ok(row.map_or(0, |row| row.get("refused")))
}

static REFUSED: Statement<0> = Statement::new(
    "select count(*) as refused from task_kinds where refused_credentials is not null and paused_until > now()",
    [],
);

/// Lets the kinds go on that are stopped for a secret with another fingerprint than this one. Returns how many.
pub async fn resume_refused(tx: &Transaction<'_>, fingerprint: &[u8; 32]) -> Result<usize, Error> {
    let rows = tx.rows(&RESUME_REFUSED, [&fingerprint.as_slice()]).await?;
    Ok(rows.len())
}

static RESUME_REFUSED: Statement<1> = Statement::new(
    "with stopped as materialized (
         select kind from task_kinds where refused_credentials <> $1 order by kind for update
     )
     update task_kinds set paused_until = null, reason = null, refused_credentials = null
     where kind = any (array(select kind from stopped))
     returning kind",
    [Type::BYTEA],
);

/// Lets those of these kinds go on that are stopped because Zoho refuses us: their work does without it by now. Returns how
/// many.
pub async fn resume_unused(tx: &Transaction<'_>, kinds: &[Kind]) -> Result<usize, Error> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let rows = tx.rows(&RESUME_UNUSED, [&kinds]).await?;
    Ok(rows.len())
}

static RESUME_UNUSED: Statement<1> = Statement::new(
    "with stopped as materialized (
         select kind from task_kinds
         where kind = any ($1) and refused_credentials is not null
         order by kind
         for update
     )
     update task_kinds set paused_until = null, reason = null, refused_credentials = null
     where kind = any (array(select kind from stopped))
     returning kind",
    [Type::TEXT_ARRAY],
);

/// Lets a paused kind go on at once. Returns whether it was paused.
pub async fn resume(tx: &Transaction<'_>, kind: Kind) -> Result<bool, Error> {
    let row = tx.row(&RESUME, [&kind.as_str()]).await?;
    Ok(row.is_some())
}

static RESUME: Statement<1> = Statement::new(
    "update task_kinds set paused_until = null, reason = null, refused_credentials = null
     where kind = $1 and paused_until > now()
     returning kind",
    [Type::TEXT],
);

/// Whether nobody works on this kind just now.
pub async fn is_paused(session: &impl Session, kind: Kind) -> Result<bool, Error> {
    let row = session.row(&IS_PAUSED, [&kind.as_str()]).await?;
    Ok(row.is_some())
}

static IS_PAUSED: Statement<1> =
    Statement::new("select from task_kinds where kind = $1 and paused_until > now()", [Type::TEXT]);
