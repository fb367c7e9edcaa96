//! What endpoints were told, the newest first.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::{DeliveryId, DeliveryStatus, HostName, WebhookEventType};
use crate::error::Error;

/// One event on its way to one endpoint, as the API shows it.
#[derive(Debug, Serialize)]
pub struct Delivery {
    pub id: DeliveryId,
    /// As the endpoint gets it, in every attempt.
    pub webhook_id: String,
    pub r#type: String,
    pub endpoint: String,
    pub status: String,
    pub attempts: i32,
    pub occurred_at: DateTime<Utc>,
    pub last_attempt_at: Option<DateTime<Utc>>,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub last_answer: Option<String>,
    pub delivered_at: Option<DateTime<Utc>>,
}

/// Which of them somebody wants to see; `None` is all.
#[derive(Debug)]
pub struct DeliveryFilter {
    pub endpoint: Option<HostName>,
    pub status: Option<DeliveryStatus>,
    pub r#type: Option<WebhookEventType>,
}

/// Where a delivery stands in their order: by its id, which has the time in it.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliveryPlace {
    pub id: Uuid,
}

impl Delivery {
    pub fn place(&self) -> DeliveryPlace {
        DeliveryPlace { id: self.id.0 }
    }
}

/// The newest deliveries that come after a place, `most` of them. Of each endpoint and status the first `most` are
/// taken out of their index.
pub async fn deliveries(
    session: &impl Session,
    wanted: &DeliveryFilter,
    after: Option<&DeliveryPlace>,
    most: i64,
) -> Result<Vec<Delivery>, Error> {
    let rows = session
        .rows(
            &DELIVERIES,
            [
                &wanted.endpoint.as_ref().map(HostName::as_str),
                &wanted.status.map(DeliveryStatus::as_str),
                &wanted.r#type.map(WebhookEventType::as_str),
                &after.map(|place| place.id),
                &most,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

pub(super) static DELIVERIES: Statement<5> = Statement::new(
    "select delivery.*
     from (select name from webhook_endpoints where name = coalesce($1, name)) as wanted
     cross join (
         select status from unnest(enum_range(null::delivery_status)) as status
         where status = coalesce($2::text::delivery_status, status)
     ) as state
     cross join lateral (
         select delivery.id, 'msg_' || event.id as webhook_id, event.type, delivery.endpoint,
             delivery.status::text as status, delivery.attempts, event.occurred_at, delivery.last_attempt_at,
             delivery.last_status, delivery.last_error, delivery.last_answer, delivery.delivered_at
         from webhook_deliveries as delivery
         join webhook_events as event on event.id = delivery.event_id
         where delivery.endpoint = wanted.name and delivery.status = state.status
           and delivery.id < coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
           and event.type = coalesce($3, event.type)
         order by delivery.id desc
         limit $5
     ) as delivery
     order by delivery.id desc
     limit $5",
    [Type::TEXT, Type::TEXT, Type::TEXT, Type::UUID, Type::INT8],
);

fn from_row(row: &Row) -> Delivery {
    Delivery {
        id: DeliveryId(row.get("id")),
        webhook_id: row.get("webhook_id"),
        r#type: row.get("type"),
        endpoint: row.get("endpoint"),
        status: row.get("status"),
        attempts: row.get("attempts"),
        occurred_at: row.get("occurred_at"),
        last_attempt_at: row.get("last_attempt_at"),
        last_status: row.get("last_status"),
        last_error: row.get("last_error"),
        last_answer: row.get("last_answer"),
        delivered_at: row.get("delivered_at"),
    }
}
