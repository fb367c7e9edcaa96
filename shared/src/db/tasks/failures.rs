//! What did not succeed, for admins to read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::column::stored_json;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::error::Error;
use crate::tasks::{Failure, Kind};

/// A task whose last attempt did not succeed.
#[derive(Debug)]
pub struct Failed {
    pub kind: String,
    pub key: Uuid,
    pub attempts: i32,
    /// `None`: it goes on by itself.
    pub failed_at: Option<DateTime<Utc>>,
    pub not_before: DateTime<Utc>,
    pub failure: Failure,
}

/// Which of them somebody wants to see; `None` is all.
#[derive(Debug)]
pub struct Failures {
    pub kind: Option<Kind>,
    pub state: Option<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a person.
    Failed,
    /// It goes on by itself.
    Retrying,
}

/// Where a failure stands in their order: by the moment at which it failed or may go on, then by kind and key.
#[derive(Debug, Serialize, Deserialize)]
pub struct Place {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub key: Uuid,
}

impl Failed {
    pub fn state(&self) -> State {
        if self.failed_at.is_some() { State::Failed } else { State::Retrying }
    }

    pub fn place(&self) -> Place {
        Place { at: self.failed_at.unwrap_or(self.not_before), kind: self.kind.clone(), key: self.key }
    }
}

/// The newest failures that come after a place, `most` of them.
///
/// Of each kind and state the first `most` are taken out of their index, so no backlog is read through; the
/// edge of the ties lies at the place's own key for its kind, and before or behind all keys for the others.
pub async fn failures(
    session: &impl Session,
    wanted: &Failures,
    after: Option<&Place>,
    most: i64,
) -> Result<Vec<Failed>, Error> {
    let rows = session
        .rows(
            &FAILURES,
            [
                &wanted.kind.map(Kind::as_str),
                &wanted.state.map(|state| state == State::Failed),
                &after.map(|place| place.at),
                &after.map(|place| place.kind.as_str()),
                &after.map(|place| place.key),
                &most,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

pub(super) static FAILURES: Statement<6> = Statement::new(
    "select task.*
     from (
         select
             kind,
             case
                 when kind = $4 then $5::uuid
                 when kind < $4 then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                 else '00000000-0000-0000-0000-000000000000'
             end as edge
         from task_kinds
         where kind = coalesce($1, kind)
     ) as wanted
     cross join lateral (
         (
             select kind, key, attempts, failed_at, not_before, failure, failed_at as at
             from tasks
             where kind = wanted.kind and failed_at is not null and coalesce($2, true)
               and (failed_at, key) < (coalesce($3, 'infinity'), wanted.edge)
             order by failed_at desc, key desc
             limit $6
         )
         union all
         (
             select kind, key, attempts, failed_at, not_before, failure, not_before as at
             from tasks
             where kind = wanted.kind and failed_at is null and failure is not null and not coalesce($2, false)
               and (not_before, key) < (coalesce($3, 'infinity'), wanted.edge)
             order by not_before desc, key desc
             limit $6
         )
     ) as task
     order by at desc, kind desc, key desc
     limit $6",
    [Type::TEXT, Type::BOOL, Type::TIMESTAMPTZ, Type::TEXT, Type::UUID, Type::INT8],
);

fn from_row(row: &Row) -> Failed {
    // A list of what went wrong must not go wrong over one of its rows.
    let failure = stored_json(row, "failure", "failure").ok().flatten();
    Failed {
        kind: row.get("kind"),
        key: row.get("key"),
        attempts: row.get("attempts"),
        failed_at: row.get("failed_at"),
        not_before: row.get("not_before"),
        failure: failure.unwrap_or_else(|| Failure::new("unreadable", "The reason in this row cannot be read.")),
    }
}
