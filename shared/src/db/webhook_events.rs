//! `webhook_events`: what happened here that others are told, written in the transaction of the change.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::tasks;
use crate::domain::{GalleryId, ReferralId, UserId, WebhookEventType};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// To write down what happened, with its deliveries and their tasks.
pub static HOT: Hot = &[&EMIT, &tasks::ENQUEUE];

/// Something that happened, and to whom or what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    UsersCreated(&'a [UserId]),
    UserUpdated(UserId),
    UsersUpdated(&'a [UserId]),
    /// Once the user's erasure is written down.
    UserDeleted(UserId),
    GalleriesLive(&'a [GalleryId]),
    ReferralsEarned(&'a [ReferralId]),
}

impl Happening<'_> {
    const fn event_type(&self) -> WebhookEventType {
        match self {
            Self::UsersCreated(_) => WebhookEventType::UserCreated,
            Self::UserUpdated(_) | Self::UsersUpdated(_) => WebhookEventType::UserUpdated,
            Self::UserDeleted(_) => WebhookEventType::UserDeleted,
            Self::GalleriesLive(_) => WebhookEventType::GalleryLive,
            Self::ReferralsEarned(_) => WebhookEventType::ReferralEarned,
        }
    }
}

/// What the deliveries of an event are tasks of: people's data leaves only with `ENABLE_ZOHO_SYNC`.
pub const fn kind_of(event: WebhookEventType) -> Kind {
    match event {
        WebhookEventType::UserCreated | WebhookEventType::UserUpdated | WebhookEventType::UserDeleted => {
            Kind::DeliverUserWebhook
        }
        WebhookEventType::GalleryLive | WebhookEventType::ReferralEarned => Kind::DeliverWebhook,
    }
}

/// Events that say how their subject is now: of several on their way to one endpoint the last one is enough. Every other
/// one is a fact of its own.
pub const STATES: [WebhookEventType; 1] = [WebhookEventType::UserUpdated];

/// Why a delivery is skipped that was tried before its subject changed again.
const REPLACED: &str = "a later event of the same type about the same subject has taken its place";

/// Writes the events down, with a delivery and a task for each endpoint that wants to hear of them. What happens
/// while an endpoint is disabled is written down too, and an admin can still send it.
///
/// One delivery at a time is on its way to an endpoint with an event of one of the [`STATES`]. One that was never tried
/// carries the new event instead: whoever tries it afterwards reads the subject after it has counted the attempt
/// ([`begin`](super::webhook_deliveries::begin)), and so as it is by then. One that was tried may have arrived, under an id
/// that its receiver takes once: a new one takes its place, also while its call is under way. Callers hold the lock of the
/// users.
pub async fn emit(tx: &Transaction<'_>, happening: Happening<'_>) -> Result<FollowUp, Error> {
    let (users, galleries, referrals, deleted) = match happening {
        Happening::UsersCreated([])
        | Happening::UsersUpdated([])
        | Happening::GalleriesLive([])
        | Happening::ReferralsEarned([]) => {
            return Ok(FollowUp::default());
        }
        Happening::UsersCreated(users) | Happening::UsersUpdated(users) => {
            (users.iter().map(|id| id.0).collect(), vec![], vec![], vec![])
        }
        Happening::UserUpdated(user) => (vec![user.0], vec![], vec![], vec![]),
        Happening::UserDeleted(user) => (vec![], vec![], vec![], vec![user.0]),
        Happening::GalleriesLive(galleries) => (vec![], galleries.iter().map(|id| id.0).collect(), vec![], vec![]),
        Happening::ReferralsEarned(referrals) => (vec![], vec![], referrals.iter().map(|id| id.0).collect(), vec![]),
    };
    let event = happening.event_type();
    let rows = tx
        .rows(&EMIT, [&event.as_str(), &users, &galleries, &referrals, &STATES.contains(&event), &REPLACED, &deleted])
        .await?;
    let deliveries: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    tasks::enqueue(tx, kind_of(event), &deliveries).await
}

static EMIT: Statement<7> = Statement::new(
    "with event as (
         insert into webhook_events (id, type, user_id, gallery_id, referral_id, deleted_user_id)
         select new_uuid_v7(), $1, subject.*
         from unnest($2, $3, $4, $7) as subject (user_id, gallery_id, referral_id, deleted_user_id)
         returning id, user_id
     ),
     wanting as materialized (
         select name from webhook_endpoints
         where $1 = any (events) and removed_at is null and disabled_at is null
     ),
     waiting as materialized (
         select delivery.id, delivery.endpoint, earlier.user_id, delivery.last_attempt_at is null as untried
         from webhook_events as earlier join webhook_deliveries as delivery on delivery.event_id = earlier.id
         where $5 and earlier.user_id = any ($2) and earlier.type = $1 and delivery.status = 'pending'
           and delivery.endpoint in (select name from wanting)
         order by delivery.id
         for update of delivery
     ),
     ranked as (
         select *, row_number() over (partition by endpoint, user_id order by untried desc, id desc) as place
         from waiting
     ),
     carrying as (
         select id, endpoint, user_id from ranked where untried and place = 1
     ),
     carried as (
         update webhook_deliveries as delivery set event_id = event.id
         from carrying join event using (user_id)
         where delivery.id = carrying.id
     ),
     replaced as (
         update webhook_deliveries as delivery set status = 'skipped', last_error = $6
         from waiting
         where delivery.id = waiting.id and waiting.id not in (select id from carrying)
         returning delivery.id
     ),
     made as (
         insert into webhook_deliveries (id, event_id, endpoint)
         select new_uuid_v7(), event.id, wanting.name
         from event cross join wanting
         where not exists (
             select from carrying
             where carrying.endpoint = wanting.name and carrying.user_id = event.user_id
         )
         returning id
     )
     -- the task of one that was replaced has nothing to do any more, and ends
     select id from made union all select id from replaced",
    [Type::TEXT, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::BOOL, Type::TEXT, Type::UUID_ARRAY],
);
