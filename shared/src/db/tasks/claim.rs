//! Claiming tasks: who may work on what, and for how long.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::error::Error;
use crate::tasks::{CHANGED_MEANWHILE, Failure, Kind, OVERTAKEN, Priority};

/// So many leases may end without an outcome; then the task itself is taken for the cause.
const MOST_CRASHES: usize = 5;

/// How many tasks of `most` run together that have crashed so often: after each crash half as many, so that a worker that
/// was killed for no fault of theirs costs two claims more, and one of them that is to blame ends up alone before it
/// fails. Those that are to fail do so together.
pub(super) const fn together(most: usize, crashes: usize) -> usize {
    let most = match crashes {
        MOST_CRASHES.. => most,
        _ if crashes + 1 == MOST_CRASHES => 1,
        _ => most >> crashes,
    };
    if most == 0 { 1 } else { most }
}

/// Tasks that this invocation alone may work on, until its lease ends.
#[derive(Debug)]
pub struct Claim {
    pub(super) kind: Kind,
    pub(super) lease: Uuid,
    pub tasks: Vec<ClaimedTask>,
    /// What fails here, because too many of its leases have ended without an outcome.
    pub failed: Vec<Uuid>,
    /// Whether more is due than fitted in: another message is worth sending.
    pub more: bool,
}

/// One task as it was when it was claimed.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedTask {
    pub key: Uuid,
    pub(super) revision: i64,
    /// Counting this one.
    pub attempts: u32,
    /// Its last attempt found that what it is about had changed meanwhile.
    pub was_overtaken: bool,
    /// And it was the other side that refused it for that.
    pub was_stale: bool,
}

impl Claim {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn lease(&self) -> Uuid {
        self.lease
    }

    /// Some of its tasks, under the same lease.
    #[must_use]
    pub fn part(&self, tasks: Vec<ClaimedTask>) -> Self {
        Self { kind: self.kind, lease: self.lease, tasks, failed: Vec::new(), more: false }
    }

    /// A claim of nothing in any database, for tests of what is done with tasks.
    #[cfg(test)]
    pub(crate) fn of(kind: Kind, keys: impl IntoIterator<Item = Uuid>) -> Self {
        let task = |key| ClaimedTask { key, revision: 1, attempts: 1, was_overtaken: false, was_stale: false };
        Self { kind, lease: Uuid::nil(), tasks: keys.into_iter().map(task).collect(), failed: Vec::new(), more: false }
    }
}

/// Claims up to `most` due tasks, the named ones first. While less than `credit_reserve` remains of the day's credits at
/// Zoho, only what somebody waits for ([`Priority::Now`]). Tasks whose leases have ended without an outcome run in smaller
/// groups, with others alone that have crashed as often ([`together`]), so that one that is to blame takes down fewer
/// neighbours each time; one that did so too often fails here.
///
/// Every condition stands on the row that is locked: a row that another worker has claimed meanwhile is checked
/// again as it is by then. The keys reach the update as an array, so that it takes the primary key whatever the
/// planner thinks of the limit. No row is locked that is not taken: another worker would pass it over and leave it
/// behind. 3 ms with 100,000 tasks waiting.
pub async fn claim(
    session: &impl Session,
    kind: Kind,
    named: &[Uuid],
    most: usize,
    lease: Uuid,
    lease_for: Duration,
    credit_reserve: Option<i64>,
) -> Result<Claim, Error> {
    let groups: Vec<i64> = (0..=MOST_CRASHES).map(|crashes| count(together(most, crashes))).collect();
    let rows = session
        .rows(
            &CLAIM,
            [
                &kind.as_str(),
                &named,
                &count(most),
                &lease,
                &lease_for.as_secs_f64(),
                &i32::try_from(MOST_CRASHES).unwrap_or(i32::MAX),
                &Json(crashed()),
                &credit_reserve,
                &Priority::Now.as_i16(),
                &Priority::Backfill.as_i16(),
                &groups,
            ],
        )
        .await?;
    Ok(Claim {
        kind,
        lease,
        more: rows.first().is_some_and(|row| row.get("more")),
        tasks: rows.iter().filter(|row| row.get("held")).map(claimed).collect(),
        failed: rows.iter().filter(|row| !row.get::<_, bool>("held")).map(|row| row.get("key")).collect(),
    })
}

/// $1 is the kind, $2 the named keys, $3 how many, $4 the lease and $5 its seconds, $6 and $7 when and why a task fails for
/// its crashes, $8 the reserve of credits, $9 and $10 the places in line, $11 how many run together by their crashes.
pub(super) static CLAIM: Statement<11> = Statement::new(
    "with place as materialized (
         -- a word of Zoho's counts for a quarter of an hour: then one more batch finds out how things are
         select case when exists (
             select from zoho_budget where credits_remaining < $8 and noted_at > now() - interval '15 minutes'
         ) then $9 else $10 end as lowest
     ),
     asked as materialized (
         select key, 0 as place, priority, not_before, crashes + (lease is not null)::int as crashes
         from tasks
         where kind = $1 and key = any ($2) and failed_at is null and not_before <= now() and priority <= (select lowest from place)
           and (lease is null or leased_until <= now())
           and not exists (select from task_kinds where kind = $1 and paused_until > now())
         order by priority, not_before
         limit $3
         for update skip locked
     ),
     others as materialized (
         select key, 1 as place, priority, not_before, crashes + (lease is not null)::int as crashes
         from tasks
         where kind = $1 and key <> all ($2) and failed_at is null and not_before <= now() and priority <= (select lowest from place)
           and (lease is null or leased_until <= now())
           and not exists (select from task_kinds where kind = $1 and paused_until > now())
         order by priority, not_before
         limit $3 - (select count(*) from asked)
         for update skip locked
     ),
     ranked as (
         select key, crashes,
             first_value(crashes) over (order by place, crashes, priority, not_before, key) as first,
             row_number() over (partition by crashes order by place, priority, not_before, key) as rank
         from (select * from asked union all select * from others) as candidate
     ),
     chosen as materialized (
         select key from ranked where crashes = first and rank <= $11[least(crashes, $6) + 1]
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
         returning key, revision, attempts, failed_at, failure ->> 'code' as code
     )
     select
         key, revision, attempts, failed_at is null as held, code,
         (select count(*) from ranked) > (select count(*) from chosen) or coalesce((
             -- the first one that is due, and not whether one exists: only the former goes by the index
             select true from tasks
             where kind = $1 and failed_at is null and not_before <= now() and priority <= (select lowest from place)
               and (lease is null or leased_until <= now())
               and key <> all (array(select key from ranked))
             order by priority, not_before
             limit 1
         ), false) as more
     from claimed",
    [Type::TEXT, Type::UUID_ARRAY, Type::INT8, Type::UUID, Type::FLOAT8, Type::INT4, Type::JSONB, Type::INT8, Type::INT2, Type::INT2, Type::INT8_ARRAY],
);

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn claimed(row: &Row) -> ClaimedTask {
    let code: Option<&str> = row.get("code");
    ClaimedTask {
        key: row.get("key"),
        revision: row.get("revision"),
        attempts: row.get::<_, i32>("attempts").unsigned_abs(),
        was_overtaken: matches!(code, Some(CHANGED_MEANWHILE | OVERTAKEN)),
        was_stale: code == Some(CHANGED_MEANWHILE),
    }
}

fn crashed() -> Failure {
    Failure::new(
        "crashed",
        "The worker died or hung five times while it held this task. Find its last log lines by the task's key, mend the \
         cause, and replay the task.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_halved_after_each_crash_and_the_last_try_is_alone() {
        let groups = |most| [0, 1, 2, 3, 4, 5, 6].map(|crashes| together(most, crashes));

        assert_eq!(groups(100), [100, 50, 25, 12, 1, 100, 100]);
        assert_eq!(groups(20), [20, 10, 5, 2, 1, 20, 20]);
        assert_eq!(groups(1), [1, 1, 1, 1, 1, 1, 1]);
    }
}
