//! `webhook_deliveries`: one event on its way to one endpoint.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::stored;
use super::session::Session;
use crate::deliveries::{Event, Subject};
use crate::domain::{DeliveryId, DeliveryStatus, GalleryId, ReferralId, UserId, WebhookEventId};
use crate::error::Error;
use crate::tasks::Kind;

/// A delivery, its event, and the endpoint as it stands.
#[derive(Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub event: Event,
    pub endpoint: String,
    /// The address that is registered; the worker's copy of the secret may be older.
    pub url_sha256: Vec<u8>,
    pub standing: Standing,
}

/// How an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes what it is told. It had to be spared so many times in a row: no time, usually.
    Open {
        throttles: i32,
    },
    /// It is to be spared for so long.
    Paused(Duration),
    Disabled(String),
    Removed,
}

/// What became of an attempt, or that there will be none.
#[derive(Debug)]
pub struct Recorded {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub http_status: Option<u16>,
    pub error: Option<String>,
    pub answer: Option<String>,
}

/// Those of the deliveries whose subject still exists.
pub async fn by_ids(session: &impl Session, ids: &[Uuid]) -> Result<Vec<Delivery>, Error> {
    let rows = session
        .rows(
            "select
                 delivery.id,
                 delivery.status::text as status,
                 event.id as event_id,
                 event.type,
                 event.user_id,
                 event.gallery_id,
                 event.referral_id,
                 event.occurred_at,
                 endpoint.name as endpoint,
                 endpoint.url_sha256,
                 endpoint.throttles,
                 endpoint.disabled_reason,
                 endpoint.removed_at is not null as removed,
                 greatest(0, extract(epoch from endpoint.paused_until - now()))::float8 as paused_seconds
             from webhook_deliveries as delivery
             join webhook_events as event on event.id = delivery.event_id
             join webhook_endpoints as endpoint on endpoint.name = delivery.endpoint
             where delivery.id = any ($1)
             order by delivery.id",
            &[(&ids, Type::UUID_ARRAY)],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Delivery, Error> {
    let subject = [
        row.get::<_, Option<Uuid>>("user_id").map(|id| Subject::User(UserId(id))),
        row.get::<_, Option<Uuid>>("gallery_id").map(|id| Subject::Gallery(GalleryId(id))),
        row.get::<_, Option<Uuid>>("referral_id").map(|id| Subject::Referral(ReferralId(id))),
    ];
    let subject = subject.into_iter().flatten().next();
    let subject = subject.ok_or_else(|| Error::internal("a stored value is not valid", "an event about nothing"))?;
    let paused = Duration::from_secs_f64(row.get::<_, Option<f64>>("paused_seconds").unwrap_or_default());
    let standing = match row.get::<_, Option<String>>("disabled_reason") {
        _ if row.get("removed") => Standing::Removed,
        Some(reason) => Standing::Disabled(reason),
        None if paused.is_zero() => Standing::Open { throttles: row.get("throttles") },
        None => Standing::Paused(paused),
    };
    Ok(Delivery {
        id: DeliveryId(row.get("id")),
        status: stored(row, "status")?,
        event: Event {
            id: WebhookEventId(row.get("event_id")),
            kind: stored(row, "type")?,
            subject,
            occurred_at: row.get("occurred_at"),
        },
        endpoint: row.get("endpoint"),
        url_sha256: row.get("url_sha256"),
        standing,
    })
}

/// Counts an attempt of each, before it is made: one whose outcome is lost counts too. What was given up and is asked
/// for again begins anew. Returns the number of each attempt.
pub async fn begin(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<Vec<(DeliveryId, u32)>, Error> {
    let rows = tx
        .rows(
            "update webhook_deliveries set
                 attempts = case when status = 'pending' then attempts else 0 end + 1,
                 status = 'pending',
                 last_attempt_at = now()
             where id = any ($1)
             returning id, attempts",
            &[(&ids, Type::UUID_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| (DeliveryId(row.get("id")), row.get::<_, i32>("attempts").unsigned_abs())).collect())
}

/// Writes down what became of deliveries. One that is skipped keeps what its last attempt has brought.
pub async fn record(tx: &Transaction<'_>, recorded: &[Recorded]) -> Result<(), Error> {
    if recorded.is_empty() {
        return Ok(());
    }
    tx.rows(
        "update webhook_deliveries as delivery set
             status = done.status::delivery_status,
             last_status = case when done.status = 'skipped' then coalesce(done.http_status, last_status) else done.http_status end,
             last_error = done.error,
             last_answer = case when done.status = 'skipped' then coalesce(done.answer, last_answer) else done.answer end,
             delivered_at = case when done.status = 'delivered' then now() end
         from unnest($1, $2, $3, $4, $5) as done (id, status, http_status, error, answer)
         where delivery.id = done.id",
        &[
            (&recorded.iter().map(|one| one.id.0).collect::<Vec<_>>(), Type::UUID_ARRAY),
            (&recorded.iter().map(|one| one.status.as_str()).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&recorded.iter().map(|one| one.http_status.map(i32::from)).collect::<Vec<_>>(), Type::INT4_ARRAY),
            (&recorded.iter().map(|one| one.error.as_deref()).collect::<Vec<_>>(), Type::TEXT_ARRAY),
            (&recorded.iter().map(|one| one.answer.as_deref()).collect::<Vec<_>>(), Type::TEXT_ARRAY),
        ],
    )
    .await?;
    Ok(())
}

/// Moves what waits for an endpoint behind its pause, the first of it, a little apart from each other; what comes after
/// them is put back when its turn comes. What somebody works on is left to him.
pub async fn postpone(tx: &Transaction<'_>, endpoint: &str, pause: Duration) -> Result<(), Error> {
    const MOST: i64 = 5_000;
    let kinds = [Kind::DeliverWebhook, Kind::DeliverUserWebhook].map(Kind::as_str);
    tx.rows(
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
        &[
            (&endpoint, Type::TEXT),
            (&kinds.as_slice(), Type::TEXT_ARRAY),
            (&pause.as_secs_f64(), Type::FLOAT8),
            (&MOST, Type::INT8),
        ],
    )
    .await?;
    Ok(())
}
