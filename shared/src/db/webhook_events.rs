//! `webhook_events`: what happened here that others are told, written in the transaction of the change.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::tasks;
use crate::domain::{GalleryId, ReferralId, UserId, WebhookEventType};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// Something that happened, and to whom or what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    UsersCreated(&'a [UserId]),
    UserUpdated(UserId),
    UsersUpdated(&'a [UserId]),
    GalleryLive(GalleryId),
    ReferralsEarned(&'a [ReferralId]),
}

impl Happening<'_> {
    const fn event_type(&self) -> WebhookEventType {
        match self {
            Self::UsersCreated(_) => WebhookEventType::UserCreated,
            Self::UserUpdated(_) | Self::UsersUpdated(_) => WebhookEventType::UserUpdated,
            Self::GalleryLive(_) => WebhookEventType::GalleryLive,
            Self::ReferralsEarned(_) => WebhookEventType::ReferralEarned,
        }
    }
}

/// What the deliveries of an event are tasks of: people's data leaves only with `ENABLE_ZOHO_SYNC`.
pub const fn kind_of(event: WebhookEventType) -> Kind {
    match event {
        WebhookEventType::UserCreated | WebhookEventType::UserUpdated => Kind::DeliverUserWebhook,
        WebhookEventType::GalleryLive | WebhookEventType::ReferralEarned => Kind::DeliverWebhook,
    }
}

/// Writes the events down, with a delivery and a task for each endpoint that wants to hear of them. What happens
/// while an endpoint is disabled is written down too, and an admin can still send it.
pub async fn emit(tx: &Transaction<'_>, happening: Happening<'_>) -> Result<FollowUp, Error> {
    let (users, galleries, referrals) = match happening {
        Happening::UsersCreated([]) | Happening::UsersUpdated([]) | Happening::ReferralsEarned([]) => {
            return Ok(FollowUp::default());
        }
        Happening::UsersCreated(users) | Happening::UsersUpdated(users) => {
            (users.iter().map(|id| id.0).collect(), vec![], vec![])
        }
        Happening::UserUpdated(user) => (vec![user.0], vec![], vec![]),
        Happening::GalleryLive(gallery) => (vec![], vec![gallery.0], vec![]),
        Happening::ReferralsEarned(referrals) => (vec![], vec![], referrals.iter().map(|id| id.0).collect()),
    };
    let event = happening.event_type();
    let rows = tx
        .rows(
            "with event as (
                 insert into webhook_events (id, type, user_id, gallery_id, referral_id)
                 select new_uuid_v7(), $1, subject.user_id, subject.gallery_id, subject.referral_id
                 from unnest($2, $3, $4) as subject (user_id, gallery_id, referral_id)
                 returning id
             )
             insert into webhook_deliveries (id, event_id, endpoint)
             select new_uuid_v7(), event.id, endpoint.name
             from event cross join webhook_endpoints as endpoint
             where $1 = any (endpoint.events) and endpoint.removed_at is null and endpoint.disabled_at is null
             returning id",
            &[
                (&event.as_str(), Type::TEXT),
                (&users, Type::UUID_ARRAY),
                (&galleries, Type::UUID_ARRAY),
                (&referrals, Type::UUID_ARRAY),
            ],
        )
        .await?;
    let deliveries: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    tasks::enqueue(tx, kind_of(event), &deliveries).await
}
