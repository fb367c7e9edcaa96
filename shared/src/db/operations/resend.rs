//! Telling an endpoint again: an admin says that it is alive, or that it lost what it was told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::column::stored;
use super::super::session::Session;
use super::super::statement::Statement;
use super::super::{Transaction, tasks, webhook_events};
use crate::domain::{DeliveryId, HostName, WebhookEventType};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// What an endpoint is to be told again.
#[derive(Debug)]
pub struct Since {
    pub endpoint: HostName,
    /// Events that happened before are left out.
    pub since: DateTime<Utc>,
    /// The last event of the request before: only what comes after it is sent.
    pub after: Option<EventPlace>,
    /// So many events at most, the oldest first.
    pub most: i64,
    /// Also what it has taken already.
    pub delivered: bool,
}

/// Where an event stands in the order in which events are sent: by its moment, then by its id, since many may share
/// one moment.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventPlace {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

/// What is on its way now.
#[derive(Debug, Default)]
#[must_use = "workers are woken after the commit"]
pub struct Resent {
    pub deliveries: usize,
    /// The last of these events, if others follow that the cap has left behind.
    pub next: Option<EventPlace>,
    pub follow_up: FollowUp,
}

/// Sends one delivery again, also one that has arrived.
///
/// # Errors
/// `unknown-delivery`, `unknown-endpoint` (404).
pub async fn resend_one(tx: &Transaction<'_>, id: DeliveryId) -> Result<Resent, Error> {
    let unknown = Error::NotFound { code: "unknown-delivery", detail: "There is no delivery with this delivery_id." };
    let endpoint = tx.row(&ENDPOINT, [&id.0]).await?;
    enable(tx, endpoint.as_ref().ok_or(unknown)?.get("endpoint")).await?;
    let rows = tx.rows(&RESEND_ONE, [&id.0]).await?;
    let follow_up = ask(tx, &rows).await?;
    Ok(Resent { deliveries: rows.len(), next: None, follow_up })
}

pub(super) static ENDPOINT: Statement<1> =
    Statement::new("select endpoint from webhook_deliveries where id = $1", [Type::UUID]);

pub(super) static RESEND_ONE: Statement<1> = Statement::new(
    "update webhook_deliveries as delivery set status = 'pending', attempts = 0, delivered_at = null
     from webhook_events as event
     where delivery.id = $1 and event.id = delivery.event_id
     returning delivery.id, event.type",
    [Type::UUID],
);

/// Sends everything that an endpoint was to be told since a time, also events of which there is no delivery: they
/// happened while it was disabled, or before it was there. What is sent for the first time within a minute anyway is left
/// alone, so that the same request again takes up where the cap ended. Of events that say how a subject is now only the last
/// is sent. What there is already is locked in the order of
/// its ids before anything is written, as workers do.
///
/// # Errors
/// `unknown-endpoint` (404).
pub async fn resend_since(tx: &Transaction<'_>, wanted: &Since) -> Result<Resent, Error> {
    enable(tx, wanted.endpoint.as_str()).await?;
    let kinds = [Kind::DeliverWebhook, Kind::DeliverUserWebhook].map(Kind::as_str);
    let states = webhook_events::STATES.map(WebhookEventType::as_str);
    let rows = tx
        .rows(
            &RESEND_SINCE,
            [
                &wanted.endpoint.as_str(),
                &wanted.since,
                &wanted.most,
                &wanted.delivered,
                &wanted.after.as_ref().map(|place| place.at),
                &wanted.after.as_ref().map(|place| place.id),
                &kinds.as_slice(),
                &states.as_slice(),
            ],
        )
        .await?;
    let follow_up = ask(tx, &rows).await?;
    let last = rows.last().filter(|row| row.get("more"));
    let next = last.map(|row| EventPlace { at: row.get("occurred_at"), id: row.get("event_id") });
    Ok(Resent { deliveries: rows.len(), next, follow_up })
}

pub(super) static RESEND_SINCE: Statement<8> = Statement::new(
    "with open as materialized (
         select event.id, event.type, event.occurred_at,
             row_number() over (order by event.occurred_at, event.id) as place
         from webhook_endpoints as endpoint
         join webhook_events as event on event.type = any (endpoint.events)
         left join webhook_deliveries as delivery
             on delivery.event_id = event.id and delivery.endpoint = endpoint.name
         where endpoint.name = $1 and event.occurred_at >= greatest($2, $5)
           and ($5 is null or (event.occurred_at, event.id) > ($5, $6))
           -- of what says how a subject is now, the last one
           and not (event.type = any ($8) and exists (
               select from webhook_events as later
               where later.user_id = event.user_id and later.type = event.type
                 and (later.occurred_at, later.id) > (event.occurred_at, event.id)
           ))
           and (delivery.id is null or case delivery.status
               when 'delivered' then $4
               when 'pending' then delivery.attempts > 0 or not exists (
                   select from tasks
                   where key = delivery.id and kind = any ($7) and failed_at is null
                     and not_before < now() + interval '1 minute'
               )
               else true
           end)
         order by event.occurred_at, event.id
         limit $3 + 1
     ),
     locked as materialized (
         select id from webhook_deliveries
         where endpoint = $1 and event_id in (select id from open where place <= $3)
         order by id
         for update
     ),
     sent as (
         insert into webhook_deliveries (id, event_id, endpoint)
         select new_uuid_v7(), id, $1 from open
         where place <= $3 and (select count(*) from locked) >= 0
         order by place
         on conflict (event_id, endpoint) do update set status = 'pending', attempts = 0, delivered_at = null
         returning id, event_id
     )
     select sent.id, open.type, open.occurred_at, open.id as event_id, (select count(*) from open) > $3 as more
     from sent join open on open.id = sent.event_id
     order by open.place",
    [
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::BOOL,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
    ],
);

/// Deliveries whose failed tasks are about to run again. One may be `pending`: its worker died before it could say how
/// its last attempt ended.
pub async fn reopen(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<(), Error> {
    tx.rows(&REOPEN, [&ids]).await?;
    Ok(())
}

static REOPEN: Statement<1> = Statement::new(
    "with waiting as materialized (
         select id from webhook_deliveries
         where id = any ($1) and status in ('failed', 'pending')
         order by id
         for update
     )
     update webhook_deliveries set status = 'pending', attempts = 0
     where id = any (array(select id from waiting))",
    [Type::UUID_ARRAY],
);

/// To ask an endpoint for something is to say that it is alive: it is disabled no more. Two admins take turns here.
async fn enable(tx: &Transaction<'_>, endpoint: &str) -> Result<(), Error> {
    let row = tx.row(&ENABLE, [&endpoint]).await?;
    row.map(drop).ok_or(Error::NotFound {
        code: "unknown-endpoint",
        detail: "There is no endpoint of this name, or it was removed. `GET /api/admin/integrations` lists them.",
    })
}

pub(super) static ENABLE: Statement<1> = Statement::new(
    "update webhook_endpoints set
         disabled_at = null,
         disabled_reason = null,
         failing_since = case when disabled_at is null then failing_since end,
         paused_until = case when disabled_at is null then paused_until end,
         throttles = case when disabled_at is null then throttles else 0 end
     where name = $1 and removed_at is null
     returning name",
    [Type::TEXT],
);

/// One task for each delivery, of the kind that its event is delivered by.
async fn ask(tx: &Transaction<'_>, rows: &[Row]) -> Result<FollowUp, Error> {
    let mut due = FollowUp::default();
    for row in rows {
        let event: WebhookEventType = stored(row, "type")?;
        due.and(FollowUp::of(webhook_events::kind_of(event), &[row.get("id")]));
    }
    let mut follow_up = FollowUp::default();
    for kind in Kind::ALL {
        follow_up.and(tasks::enqueue(tx, kind, due.keys(kind)).await?);
    }
    Ok(follow_up)
}
