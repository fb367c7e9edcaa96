//! Recording what came of claimed tasks.

use std::time::Duration;

use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use super::claim::{Claim, ClaimedTask};
use crate::error::Error;
use crate::tasks::Failure;

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
        tx.rows(&LOCK, [&self.kind.as_str(), &keys, &self.lease]).await?;
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
        tx.rows(&COMPLETE, [&self.kind.as_str(), &self.lease, &keys, &revisions]).await?;
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
        tx.rows(&PUT_BACK, [&self.kind.as_str(), &self.lease, &keys, &revisions, &delays, &failures]).await?;
        Ok(())
    }
}

pub(super) static LOCK: Statement<3> = Statement::new(
    "select from tasks where kind = $1 and key = any ($2) and lease = $3 order by key for update",
    [Type::TEXT, Type::UUID_ARRAY, Type::UUID],
);

// The two halves never meet a row twice: one takes equal revisions, the other unequal ones.
pub(super) static COMPLETE: Statement<4> = Statement::new(
    "with done as (select key, revision from unnest($3, $4) as done (key, revision)),
     finished as (
         delete from tasks using done
         where tasks.kind = $1 and tasks.lease = $2 and tasks.key = done.key and tasks.revision = done.revision
     )
     update tasks set lease = null, leased_until = null, not_before = now(), dispatch_at = now()
     from done
     where tasks.kind = $1 and tasks.lease = $2 and tasks.key = done.key and tasks.revision <> done.revision",
    [Type::TEXT, Type::UUID, Type::UUID_ARRAY, Type::INT8_ARRAY],
);

static PUT_BACK: Statement<6> = Statement::new(
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
    [Type::TEXT, Type::UUID, Type::UUID_ARRAY, Type::INT8_ARRAY, Type::FLOAT8_ARRAY, Type::JSONB_ARRAY],
);
