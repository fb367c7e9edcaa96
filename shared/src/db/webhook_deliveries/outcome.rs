//! What becomes of deliveries: attempts counted, outcomes written down, and what waits for a slow endpoint put off.

use std::collections::HashSet;
use std::time::Duration;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::{DeliveryId, DeliveryStatus};
use crate::error::Error;
use crate::tasks::Kind;

/// What became of an attempt, or that there will be none.
#[derive(Debug)]
pub struct Recorded {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub http_status: Option<u16>,
    pub error: Option<String>,
    pub answer: Option<String>,
}

/// Counts an attempt of each, before it is made and before its subject is read: one whose outcome is lost counts too. What
/// was given up and is asked for again begins anew. Returns the number of each attempt, but for what is skipped by now.
pub async fn begin(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<Vec<(DeliveryId, u32)>, Error> {
    lock(tx, ids).await?;
    let rows = tx.rows(&BEGIN, [&ids]).await?;
    Ok(rows.iter().map(|row| (DeliveryId(row.get("id")), row.get::<_, i32>("attempts").unsigned_abs())).collect())
}

pub(super) static BEGIN: Statement<1> = Statement::new(
    "update webhook_deliveries set
         attempts = case when status = 'pending' then attempts else 0 end + 1,
         status = 'pending',
         last_attempt_at = now()
     where id = any ($1) and status <> 'skipped'
     returning id, attempts",
    [Type::UUID_ARRAY],
);

/// Those of the deliveries that are to be sent after all, though they were about to be skipped: their endpoint was enabled,
/// or wants their event, by now. Locks all that is about to be written down.
pub async fn wanted_again(tx: &Transaction<'_>, recorded: &[Recorded]) -> Result<HashSet<Uuid>, Error> {
    let ids: Vec<Uuid> = recorded.iter().map(|one| one.id.0).collect();
    let is_planned = |one: &&Recorded| one.status == DeliveryStatus::Skipped && one.http_status.is_none();
    let skipped: Vec<Uuid> = recorded.iter().filter(is_planned).map(|one| one.id.0).collect();
    if skipped.is_empty() {
        return Ok(HashSet::new());
    }
    lock(tx, &ids).await?;
    let rows = tx.rows(&WANTED_AGAIN, [&skipped]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

static WANTED_AGAIN: Statement<1> = Statement::new(
    "select delivery.id
     from webhook_deliveries as delivery
     join webhook_events as event on event.id = delivery.event_id
     join webhook_endpoints as endpoint on endpoint.name = delivery.endpoint
     where delivery.id = any ($1) and delivery.status = 'pending'
       and endpoint.removed_at is null and endpoint.disabled_at is null and event.type = any (endpoint.events)",
    [Type::UUID_ARRAY],
);

/// Writes down what became of deliveries. One that is skipped keeps what its last attempt has brought. One whose place
/// another has taken during the call has arrived, or is not tried again.
pub async fn record(tx: &Transaction<'_>, recorded: &[&Recorded]) -> Result<(), Error> {
    if recorded.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = recorded.iter().map(|one| one.id.0).collect();
    lock(tx, &ids).await?;
    tx.rows(
        &RECORD,
        [
            &ids,
            &recorded.iter().map(|one| one.status.as_str()).collect::<Vec<_>>(),
            &recorded.iter().map(|one| one.http_status.map(i32::from)).collect::<Vec<_>>(),
            &recorded.iter().map(|one| one.error.as_deref()).collect::<Vec<_>>(),
            &recorded.iter().map(|one| one.answer.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await?;
    Ok(())
}

pub(super) static RECORD: Statement<5> = Statement::new(
    "update webhook_deliveries as delivery set
         status = case
             when delivery.status = 'skipped' and done.status <> 'delivered' then 'skipped'
             else done.status::delivery_status
         end,
         last_status = case when done.status = 'skipped' then coalesce(done.http_status, last_status) else done.http_status end,
         last_error = case
             when delivery.status = 'skipped' and done.status <> 'delivered' then delivery.last_error
             else done.error
         end,
         last_answer = case when done.status = 'skipped' then coalesce(done.answer, last_answer) else done.answer end,
         delivered_at = case when done.status = 'delivered' then now() end
     from unnest($1, $2, $3, $4, $5) as done (id, status, http_status, error, answer)
     where delivery.id = done.id",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::INT4_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// Deliveries whose tasks have failed because nobody survives them: they wait for a person, too.
pub async fn crashed(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<(), Error> {
    lock(tx, ids).await?;
    tx.rows(&CRASHED, [&ids]).await?;
    Ok(())
}

static CRASHED: Statement<1> = Statement::new(
    "update webhook_deliveries set
         status = 'failed',
         last_error = 'The worker died or hung five times while it held this delivery.'
     where id = any ($1) and status = 'pending'",
    [Type::UUID_ARRAY],
);

/// In the order of the ids, as whoever has deliveries sent again.
async fn lock(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<(), Error> {
    tx.rows(&LOCK, [&ids]).await?;
    Ok(())
}

pub(super) static LOCK: Statement<1> =
    Statement::new("select from webhook_deliveries where id = any ($1) order by id for update", [Type::UUID_ARRAY]);

/// Moves what waits for an endpoint behind its pause, the first of it, a little apart from each other; what comes after
/// them is put back when its turn comes. What somebody works on is left to him.
pub async fn postpone(tx: &Transaction<'_>, endpoint: &str, pause: Duration) -> Result<(), Error> {
    const MOST: i64 = 5_000;
    let kinds = [Kind::DeliverWebhook, Kind::DeliverUserWebhook].map(Kind::as_str);
    tx.rows(&POSTPONE, [&endpoint, &kinds.as_slice(), &pause.as_secs_f64(), &MOST]).await?;
    Ok(())
}

static POSTPONE: Statement<4> = Statement::new(
    "with waiting as materialized (
         select task.kind, task.key, now() + make_interval(secs => $3) + random() * interval '5 seconds' as moment
         from tasks as task
         join webhook_deliveries as delivery on delivery.id = task.key
         where delivery.endpoint = $1 and delivery.status = 'pending' and task.kind = any ($2)
           and task.failed_at is null and task.lease is null and task.not_before < now() + make_interval(secs => $3)
         order by task.not_before
         limit $4
         for update of task skip locked
     )
     update tasks set not_before = moment, dispatch_at = moment
     from waiting
     where tasks.kind = waiting.kind and tasks.key = waiting.key",
    [Type::TEXT, Type::TEXT_ARRAY, Type::FLOAT8, Type::INT8],
);
