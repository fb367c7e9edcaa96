//! `webhook_deliveries`: one event on its way to one endpoint.

mod outcome;

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

pub use outcome::{Recorded, begin, crashed, postpone, record, wanted_again};

use super::column::{Loaded, each, invalid, stored};
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::deliveries::{Event, Subject};
use crate::domain::{DeliveryId, DeliveryStatus, GalleryId, ReferralId, UserId, WebhookEventId};
use crate::error::Error;

/// To begin attempts, and to write down what became of them.
pub static HOT: Hot = &[&BY_IDS, &outcome::LOCK, &outcome::BEGIN, &outcome::RECORD];

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

/// Those of the deliveries whose subject still exists.
pub async fn by_ids(session: &impl Session, ids: &[Uuid]) -> Result<Loaded<Delivery>, Error> {
    let rows = session.rows(&BY_IDS, [&ids]).await?;
    Ok(each(&rows, "id", from_row))
}

static BY_IDS: Statement<1> = Statement::new(
    "select
         delivery.id,
         delivery.status::text as status,
         event.id as event_id,
         event.type,
         event.user_id,
         event.gallery_id,
         event.referral_id,
         event.deleted_user_id,
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
    [Type::UUID_ARRAY],
);

/// Those that have failed for good and are about this user.
pub async fn failed_of_user(session: &impl Session, user: UserId) -> Result<Vec<Uuid>, Error> {
    let rows = session.rows(&FAILED_OF_USER, [&user.0]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

pub(super) static FAILED_OF_USER: Statement<1> = Statement::new(
    "select delivery.id
     from webhook_events as event join webhook_deliveries as delivery on delivery.event_id = event.id
     where event.user_id = $1 and delivery.status = 'failed'",
    [Type::UUID],
);

fn from_row(row: &Row) -> Result<Delivery, Error> {
    let subject = [
        row.get::<_, Option<Uuid>>("user_id").map(|id| Subject::User(UserId(id))),
        row.get::<_, Option<Uuid>>("gallery_id").map(|id| Subject::Gallery(GalleryId(id))),
        row.get::<_, Option<Uuid>>("referral_id").map(|id| Subject::Referral(ReferralId(id))),
        row.get::<_, Option<Uuid>>("deleted_user_id").map(|id| Subject::DeletedUser(UserId(id))),
    ];
    let subject = subject.into_iter().flatten().next();
    let subject = subject.ok_or_else(|| invalid("subject", "is missing"))?;
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
