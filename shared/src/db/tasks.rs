//! `tasks` and `task_kinds`: follow-up work, claimed under a lease. The database's clock rules throughout.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use crate::error::Error;
use crate::tasks::{Failure, Kind};

/// How long after the commit the sweep waits for the messages that the enqueuer itself sends.
const GRACE_SECONDS: f64 = 60.0;
/// How long after the sweep's message the next one follows, should nothing have come of it.
const NEXT_DISPATCH_SECONDS: f64 = 180.0;
/// So many leases may end without an outcome; then the task itself is taken for the cause.
const MOST_CRASHES: i32 = 5;

/// Tasks that this invocation alone may work on, until its lease ends.
#[derive(Debug)]
pub struct Claim {
    kind: Kind,
    lease: Uuid,
    pub tasks: Vec<ClaimedTask>,
    /// Whether more is due than fitted in: another message is worth sending.
    pub more: bool,
}

/// One task as it was when it was claimed.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedTask {
    pub key: Uuid,
    revision: i64,
    /// Counting this one.
    pub attempts: u32,
}

/// Writes the tasks beside the change that asks for them: a new row, or the old one with a fresh start.
pub async fn enqueue(tx: &Transaction<'_>, kind: Kind, keys: &[Uuid]) -> Result<(), Error> {
    tx.rows(
        "insert into tasks (kind, key, not_before, dispatch_at)
         select $1, key, now(), now() + make_interval(secs => $3)
         from unnest($2) as key
         order by key
         on conflict (kind, key) do update set
             revision = tasks.revision + 1,
             not_before = excluded.not_before,
             dispatch_at = excluded.dispatch_at,
             attempts = 0,
             crashes = 0,
             failed_at = null,
             failure = null",
        &[(&kind.as_str(), Type::TEXT), (&keys, Type::UUID_ARRAY), (&GRACE_SECONDS, Type::FLOAT8)],
    )
    .await?;
    Ok(())
}

/// Claims up to `most` due tasks, the named ones first. A task whose lease has ended without an outcome runs
/// alone, so that it takes no neighbour down; one that did so too often fails here.
///
/// Every condition stands on the row that is locked: a row that another worker has claimed meanwhile is checked
/// again as it is by then. The keys reach the update as an array, so that it takes the primary key whatever the
/// planner thinks of the limit. 3 ms with 100,000 tasks waiting.
pub async fn claim(
    session: &impl Session,
    kind: Kind,
    named: &[Uuid],
    most: usize,
    lease: Uuid,
    lease_for: Duration,
) -> Result<Claim, Error> {
    let rows = session
        .rows(
            "with asked as materialized (
                 select key, 0 as place, priority, not_before, crashes + (lease is not null)::int as crashes
                 from tasks
                 where kind = $1 and key = any ($2) and failed_at is null and not_before <= now()
                   and (lease is null or leased_until <= now())
                   and not exists (select from task_kinds where kind = $1 and paused_until > now())
                 order by priority, not_before
                 limit $3 + 1
                 for update skip locked
             ),
             others as materialized (
                 select key, 1 as place, priority, not_before, crashes + (lease is not null)::int as crashes
                 from tasks
                 where kind = $1 and key <> all ($2) and failed_at is null and not_before <= now()
                   and (lease is null or leased_until <= now())
                   and not exists (select from task_kinds where kind = $1 and paused_until > now())
                 order by priority, not_before
                 limit $3 + 1 - (select count(*) from asked)
                 for update skip locked
             ),
             ranked as (
                 select key, crashes > 0 as crashed,
                     first_value(crashes > 0) over first_in_line as alone,
                     row_number() over first_in_line as rank
                 from (select * from asked union all select * from others) as candidate
                 window first_in_line as (order by place, crashes, priority, not_before, key)
             ),
             chosen as materialized (
                 select key from ranked where rank <= case when alone then 1 else $3 end and crashed = alone
             ),
             claimed as (
                 update tasks set
                     lease = case when crashes + (lease is not null)::int < $6 then $4::uuid end,
                     leased_until = case
                         when crashes + (lease is not null)::int < $6 then now() + make_interval(secs => $5)
                     end,
                     dispatch_at = now() + make_interval(secs => $5),
                     attempts = attempts + 1,
                     crashes = crashes + (lease is not null)::int,
                     failed_at = case when crashes + (lease is not null)::int >= $6 then now() end,
                     failure = case when crashes + (lease is not null)::int >= $6 then $7::jsonb else failure end
                 where kind = $1 and key = any (array(select key from chosen))
                 returning key, revision, attempts, failed_at
             )
             select
                 key, revision, attempts, failed_at is null as held,
                 (select count(*) from ranked) > (select count(*) from chosen) as more
             from claimed",
            &[
                (&kind.as_str(), Type::TEXT),
                (&named, Type::UUID_ARRAY),
                (&i64::try_from(most).unwrap_or(i64::MAX), Type::INT8),
                (&lease, Type::UUID),
                (&lease_for.as_secs_f64(), Type::FLOAT8),
                (&MOST_CRASHES, Type::INT4),
                (&Json(crashed()), Type::JSONB),
            ],
        )
        .await?;
    Ok(Claim {
        kind,
        lease,
        more: rows.first().is_some_and(|row| row.get("more")),
        tasks: rows.iter().filter(|row| row.get("held")).map(claimed).collect(),
    })
}

fn claimed(row: &Row) -> ClaimedTask {
    ClaimedTask {
        key: row.get("key"),
        revision: row.get("revision"),
        attempts: row.get::<_, i32>("attempts").unsigned_abs(),
    }
}

fn crashed() -> Failure {
    Failure::new(
        "crashed",
        "The worker died or hung five times while it held this task. Find its last log lines by the task's key, mend the \
         cause, and replay the task.",
    )
}

/// What came of one claimed task.
#[derive(Clone, Debug)]
pub enum Outcome {
    Complete,
    /// Not yet: try again after this long, for this reason.
    Retry(Duration, Failure),
    /// Not without a person: for this reason.
    Fail(Failure),
}

impl Claim {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Records the outcomes in one statement for each sort. A task that was asked for again meanwhile is due
    /// at once instead; one whose lease somebody else holds by now is left alone.
    pub async fn record(&self, tx: &Transaction<'_>, outcomes: &[(ClaimedTask, Outcome)]) -> Result<(), Error> {
        self.lock(tx, outcomes).await?;
        self.complete(tx, outcomes).await?;
        self.put_back(tx, outcomes).await
    }

    /// In a statement of its own, so that those that follow see what somebody has asked for until now; in the
    /// order of the keys, as whoever enqueues.
    async fn lock(&self, tx: &Transaction<'_>, outcomes: &[(ClaimedTask, Outcome)]) -> Result<(), Error> {
        let keys: Vec<Uuid> = outcomes.iter().map(|(task, _)| task.key).collect();
        tx.rows(
            "select from tasks where kind = $1 and key = any ($2) and lease = $3 order by key for update",
            &[(&self.kind.as_str(), Type::TEXT), (&keys, Type::UUID_ARRAY), (&self.lease, Type::UUID)],
        )
        .await?;
        Ok(())
    }

    async fn complete(&self, tx: &Transaction<'_>, outcomes: &[(ClaimedTask, Outcome)]) -> Result<(), Error> {
        let (keys, revisions): (Vec<Uuid>, Vec<i64>) = outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Complete))
            .map(|(task, _)| (task.key, task.revision))
            .unzip();
        if keys.is_empty() {
            return Ok(());
        }
        // The two halves never meet a row twice: one takes equal revisions, the other unequal ones.
        tx.rows(
            "with done as (select key, revision from unnest($3, $4) as done (key, revision)),
             finished as (
                 delete from tasks using done
                 where tasks.kind = $1 and tasks.lease = $2 and tasks.key = done.key and tasks.revision = done.revision
             )
             update tasks set lease = null, leased_until = null, not_before = now(), dispatch_at = now()
             from done
             where tasks.kind = $1 and tasks.lease = $2 and tasks.key = done.key and tasks.revision <> done.revision",
            &[
                (&self.kind.as_str(), Type::TEXT),
                (&self.lease, Type::UUID),
                (&keys, Type::UUID_ARRAY),
                (&revisions, Type::INT8_ARRAY),
            ],
        )
        .await?;
        Ok(())
    }

    async fn put_back(&self, tx: &Transaction<'_>, outcomes: &[(ClaimedTask, Outcome)]) -> Result<(), Error> {
        let mut keys = Vec::new();
        let mut revisions = Vec::new();
        let mut delays: Vec<Option<f64>> = Vec::new();
        let mut failures = Vec::new();
        for (task, outcome) in outcomes {
            let (delay, failure) = match outcome {
                Outcome::Complete => continue,
                Outcome::Retry(delay, failure) => (Some(delay.as_secs_f64()), failure),
                Outcome::Fail(failure) => (None, failure),
            };
            keys.push(task.key);
            revisions.push(task.revision);
            delays.push(delay);
            failures.push(Json(failure));
        }
        if keys.is_empty() {
            return Ok(());
        }
        tx.rows(
            "update tasks set
                 lease = null,
                 leased_until = null,
                 not_before = now() + make_interval(secs => case when same then coalesce(delay, 0) else 0 end),
                 dispatch_at = now() + make_interval(secs => case when same then coalesce(delay, 0) else 0 end),
                 failed_at = case when same and delay is null then now() end,
                 failure = case when same then outcome.failure end
             from (
                 select put_back.*, tasks.revision = put_back.revision as same
                 from unnest($3, $4, $5, $6) as put_back (key, revision, delay, failure)
                 join tasks on tasks.kind = $1 and tasks.key = put_back.key
             ) as outcome
             where tasks.kind = $1 and tasks.lease = $2 and tasks.key = outcome.key",
            &[
                (&self.kind.as_str(), Type::TEXT),
                (&self.lease, Type::UUID),
                (&keys, Type::UUID_ARRAY),
                (&revisions, Type::INT8_ARRAY),
                (&delays, Type::FLOAT8_ARRAY),
                (&failures, Type::JSONB_ARRAY),
            ],
        )
        .await?;
        Ok(())
    }
}

/// What the sweep found due: keys that may travel in one message, and those that must travel alone.
#[derive(Debug, Default)]
pub struct Due {
    pub together: Vec<Uuid>,
    pub alone: Vec<Uuid>,
}

/// Takes note of up to `most` tasks whose message is due and moves their next message on.
pub async fn due_for_dispatch(session: &impl Session, kind: Kind, most: usize) -> Result<Due, Error> {
    let rows = session
        .rows(
            "with due as materialized (
                 select key
                 from tasks
                 where kind = $1 and failed_at is null and not_before <= now() and dispatch_at <= now()
                   and not exists (select from task_kinds where kind = $1 and paused_until > now())
                 order by priority, not_before
                 limit $2
                 for update skip locked
             )
             update tasks set dispatch_at = now() + make_interval(secs => $3)
             where kind = $1 and key = any (array(select key from due))
             returning key, crashes + (lease is not null)::int > 0 as alone",
            &[
                (&kind.as_str(), Type::TEXT),
                (&i64::try_from(most).unwrap_or(i64::MAX), Type::INT8),
                (&NEXT_DISPATCH_SECONDS, Type::FLOAT8),
            ],
        )
        .await?;
    let mut due = Due::default();
    for row in rows {
        let list = if row.get("alone") { &mut due.alone } else { &mut due.together };
        list.push(row.get("key"));
    }
    Ok(due)
}

/// Stops a whole kind for a while: the other side has had enough, or does not know us any more.
pub async fn pause(session: &impl Session, kind: Kind, pause: Duration, reason: &str) -> Result<(), Error> {
    session
        .rows(
            "update task_kinds set paused_until = now() + make_interval(secs => $2), reason = $3
             where kind = $1 and coalesce(paused_until, '-infinity') < now() + make_interval(secs => $2)",
            &[(&kind.as_str(), Type::TEXT), (&pause.as_secs_f64(), Type::FLOAT8), (&reason, Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// How much work of one kind there is.
#[derive(Debug)]
pub struct Backlog {
    pub kind: String,
    /// At most a thousand are counted, here and below: the sweep must not read a backlog through to say that it is large.
    pub waiting: i64,
    pub failed: i64,
    /// Since when the oldest task could have been done, in seconds; a pause does not stop this clock.
    pub oldest_seconds: i64,
    pub paused: bool,
}

/// The backlog of every kind.
pub async fn backlog(session: &impl Session) -> Result<Vec<Backlog>, Error> {
    let rows = session
        .rows(
            "select
                 kind.kind,
                 (select count(*) from (
                     select from tasks where tasks.kind = kind.kind and failed_at is null order by priority, not_before limit 1000
                 ) as waiting) as waiting,
                 (select count(*) from (
                     select from tasks where tasks.kind = kind.kind and failed_at is not null order by failed_at limit 1000
                 ) as failed) as failed,
                 greatest(0, coalesce(extract(epoch from now() - (
                     select not_before from tasks
                     where tasks.kind = kind.kind and failed_at is null
                     order by priority, not_before
                     limit 1
                 )), 0))::bigint as oldest_seconds,
                 coalesce(kind.paused_until > now(), false) as paused
             from task_kinds as kind
             order by kind.kind",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Backlog {
            kind: row.get("kind"),
            waiting: row.get("waiting"),
            failed: row.get("failed"),
            oldest_seconds: row.get("oldest_seconds"),
            paused: row.get("paused"),
        })
        .collect())
}
