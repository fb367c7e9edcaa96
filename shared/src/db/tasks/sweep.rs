//! What the sweep asks: for whom a message is due, and how much work there is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::session::Session;
use super::super::statement::Statement;
use super::claim;
use crate::error::Error;
use crate::tasks::{Kind, Priority};

/// How long after the sweep's message the next one follows, should nothing have come of it.
const NEXT_DISPATCH_SECONDS: f64 = 180.0;

/// What the sweep found due: keys that may travel in one message, and groups of those that have crashed, each of which
/// travels apart.
#[derive(Debug, Default)]
pub struct Due {
    pub together: Vec<Uuid>,
    pub apart: Vec<Vec<Uuid>>,
}

impl Due {
    /// How many tasks.
    pub fn tasks(&self) -> usize {
        self.together.len() + self.apart.iter().map(Vec::len).sum::<usize>()
    }

    /// Those that have crashed as often travel together, as they are claimed.
    fn of(kind: Kind, mut by_crashes: BTreeMap<usize, Vec<Uuid>>) -> Self {
        let together = by_crashes.remove(&0).unwrap_or_default();
        let groups = by_crashes.iter().flat_map(|(crashes, keys)| {
            let group = claim::together(kind.batch_size(), *crashes);
            keys.chunks(group).map(<[Uuid]>::to_vec)
        });
        Self { together, apart: groups.collect() }
    }
}

/// Takes note of up to `most` tasks whose message is due and moves their next message on.
pub async fn due_for_dispatch(session: &impl Session, kind: Kind, most: usize) -> Result<Due, Error> {
    let rows = session
        .rows(&DUE_FOR_DISPATCH, [&kind.as_str(), &i64::try_from(most).unwrap_or(i64::MAX), &NEXT_DISPATCH_SECONDS])
        .await?;
    let mut by_crashes: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
    for row in rows {
        let crashes = usize::try_from(row.get::<_, i32>("crashes")).unwrap_or_default();
        by_crashes.entry(crashes).or_default().push(row.get("key"));
    }
    Ok(Due::of(kind, by_crashes))
}

pub(super) static DUE_FOR_DISPATCH: Statement<3> = Statement::new(
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
     returning key, crashes + (lease is not null)::int as crashes",
    [Type::TEXT, Type::INT8, Type::FLOAT8],
);

/// How much work of one kind there is.
#[derive(Debug)]
pub struct Backlog {
    pub kind: String,
    /// At most a thousand are counted, here and below: the sweep must not read a backlog through to say that it is large.
    pub waiting: i64,
    pub failed: i64,
    /// Since when the oldest task could have been done, in seconds; a pause does not stop this clock.
    pub oldest_seconds: i64,
    pub pause: Option<Pause>,
}

/// Nobody works on a paused kind.
#[derive(Debug)]
pub struct Pause {
    /// `None`: until an admin says so.
    pub until: Option<DateTime<Utc>>,
    pub reason: String,
}

/// The backlog of every kind.
pub async fn backlog(session: &impl Session) -> Result<Vec<Backlog>, Error> {
    let rows = session.rows(&BACKLOG, [&Priority::ALL.map(Priority::as_i16).as_slice()]).await?;
    Ok(rows
        .iter()
        .map(|row| Backlog {
            kind: row.get("kind"),
            waiting: row.get("waiting"),
            failed: row.get("failed"),
            oldest_seconds: row.get("oldest_seconds"),
            pause: row
                .get::<_, Option<String>>("reason")
                .map(|reason| Pause { until: row.get("paused_until"), reason }),
        })
        .collect())
}

pub(super) static BACKLOG: Statement<1> = Statement::new(
    "select
         kind.kind,
         (select count(*) from (
             select from tasks where tasks.kind = kind.kind and failed_at is null order by priority, not_before limit 1000
         ) as waiting) as waiting,
         (select count(*) from (
             select from tasks where tasks.kind = kind.kind and failed_at is not null order by failed_at limit 1000
         ) as failed) as failed,
         greatest(0, coalesce(extract(epoch from now() - (
             -- the first of each place in line, so that one that backs off hides none that stands behind it
             select min(first.not_before)
             from unnest($1) as place (priority)
             cross join lateral (
                 select not_before from tasks
                 where tasks.kind = kind.kind and failed_at is null and tasks.priority = place.priority
                 order by not_before
                 limit 1
             ) as first
         )), 0))::bigint as oldest_seconds,
         nullif(kind.paused_until, 'infinity') as paused_until,
         case when kind.paused_until > now() then kind.reason end as reason
     from task_kinds as kind
     order by kind.kind",
    [Type::INT2_ARRAY],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_have_crashed_travel_apart_in_groups_that_are_claimed_together() {
        let keys = |number: u128| (0..number).map(Uuid::from_u128).collect::<Vec<_>>();
        let by_crashes = BTreeMap::from([(0, keys(150)), (1, keys(60)), (4, keys(2))]);

        let due = Due::of(Kind::SyncZoho, by_crashes);

        assert_eq!((due.together.len(), due.tasks()), (150, 212));
        assert_eq!(due.apart.iter().map(Vec::len).collect::<Vec<_>>(), [50, 10, 1, 1]);
    }
}
