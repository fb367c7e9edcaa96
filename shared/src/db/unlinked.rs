//! Users whom middleware has to link to a Contact, and how often it has heard of each.

use std::time::Duration;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::Statement;
use super::webhook_events::kind_of;
use crate::domain::{UserId, WebhookEventType};
use crate::error::Error;

/// A user without a Contact.
#[derive(Debug)]
pub struct Unlinked {
    pub user: UserId,
    /// How often `user.created` was written for her and somebody was there to hear of it.
    pub sent: i64,
    /// How long it is too early to send it again; zero: it is time.
    pub wait: Duration,
    /// The endpoints that hear of new users, by their names; empty if there are none.
    pub endpoints: String,
}

/// Those of the users who are still without a Contact; `patience` is how long middleware has for each time that it
/// hears of one. They stay as they are, and stay, until the transaction ends.
///
/// The time runs from the delivery. While the last event is on its way to its first taker, another one would only
/// stand in the same queue. It is on its way for as long as its endpoint is there and its task goes on: a delivery can
/// stay pending after either has ended. An event without a delivery has told nobody.
pub async fn by_ids(tx: &Transaction<'_>, ids: &[Uuid], patience: Duration) -> Result<Vec<Unlinked>, Error> {
    let rows = tx
        .rows(
            &BY_IDS,
            [
                &ids,
                &WebhookEventType::UserCreated.as_str(),
                &patience.as_secs_f64(),
                &kind_of(WebhookEventType::UserCreated).as_str(),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Unlinked {
            user: UserId(row.get("id")),
            sent: row.get("sent"),
            wait: Duration::from_secs_f64(row.get("wait")),
            endpoints: row.get("endpoints"),
        })
        .collect())
}

static BY_IDS: Statement<4> = Statement::new(
    "select
         users.id,
         (
             select count(*)
             from webhook_events as event
             where user_id = users.id and type = $2
               and exists (select from webhook_deliveries where event_id = event.id)
         ) as sent,
         case
             when last.on_its_way then $3
             else coalesce(greatest(0, $3 - extract(epoch from now() - last.sent_at)), 0)
         end::float8 as wait,
         (
             select coalesce(string_agg(name, ', ' order by name), '')
             from webhook_endpoints
             where $2 = any (events) and removed_at is null and disabled_at is null
         ) as endpoints
     from users
     left join lateral (
         select
             greatest(event.occurred_at, max(delivery.delivered_at)) as sent_at,
             bool_or(
                 delivery.status = 'pending'
                 and endpoint.removed_at is null and endpoint.disabled_at is null
                 and exists (
                     select from tasks where kind = $4 and key = delivery.id and failed_at is null
                 )
             ) and count(delivery.delivered_at) = 0 as on_its_way
         from (
             select id, occurred_at
             from webhook_events as event
             where user_id = users.id and type = $2
               and exists (select from webhook_deliveries where event_id = event.id)
             order by occurred_at desc
             limit 1
         ) as event
         join webhook_deliveries as delivery on delivery.event_id = event.id
         join webhook_endpoints as endpoint on endpoint.name = delivery.endpoint
         group by event.id, event.occurred_at
     ) as last on true
     where users.id = any ($1) and users.zoho_contact_id is null and users.role <> 'admin'
       -- a Contact that was deleted over there is not made again
       and not exists (
           select from zoho_links
           where user_id = users.id and module = 'Contacts' and gone_at is not null
       )
     order by users.id
     for key share of users",
    [Type::UUID_ARRAY, Type::TEXT, Type::FLOAT8, Type::TEXT],
);
