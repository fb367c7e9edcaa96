//! `gallery_alerts`, `alert_batches`, `email_suppressions`: "your photos are ready", once for each parent and
//! gallery.

mod batches;
mod decisions;
mod dropped;
mod locks;
mod receipts;

use tokio_postgres::types::Type;
use uuid::Uuid;

pub(super) use batches::HOLD_OF_ORGANIZATION;
pub use batches::{
    Batch, BatchStatus, batch, begin_sending, halve, hold, hold_of_organization, mark_sent, mark_uncertain, requeue,
};
pub use decisions::{Decision, RELEASED_AT_ONCE, Released, decide, release};
pub use dropped::{drop_all_unsent, drop_unsent};
pub use receipts::receive;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::GalleryId;
use crate::error::Error;

/// To make alerts.
pub static HOT: Hot = &[&FAN_OUT];

/// To send a batch of them.
pub static HOT_SEND: Hot = &[
    &batches::BATCH,
    &batches::STANDING,
    &locks::LOCK_BATCHES,
    &locks::LOCK_ALERTS,
    &batches::BEGIN,
    &batches::BEGIN_ALERTS,
    &batches::RECIPIENTS,
    &batches::NAME_TRANSMISSION,
    &batches::MOVE_ON,
];

/// To send held alerts after all.
pub static HOT_RELEASE: Hot =
    &[&decisions::LOCK_GALLERY, &decisions::LOCK_HELD, &decisions::RELEASE, &decisions::SKIP_EMPTY];

/// To drop alerts that no e-mail is to go out for.
pub static HOT_DROP: Hot = &[&dropped::DROP, &dropped::SKIP_EMPTIED];

/// How many alerts travel in one transmission. Zoho does not publish its limit; where it is lower, batches are
/// halved (400011).
pub const BATCH_SIZE: i64 = 200;

/// Makes an alert for every parent of a live gallery who has none yet, in one statement: queued in batches, or
/// held while the flag is off or the organisation is not verified. Returns the batches, which are yet to be asked for.
pub async fn fan_out(tx: &Transaction<'_>, gallery: GalleryId, enabled: bool) -> Result<Vec<Uuid>, Error> {
    let rows = tx.rows(&FAN_OUT, [&gallery.0, &enabled, &BATCH_SIZE]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

static FAN_OUT: Statement<3> = Statement::new(
    "with gallery as materialized (
         select gallery.id, gallery.organization_id, $2 and organization.verified_at is not null as sends
         from galleries as gallery
         join profiles_organizations as organization on organization.user_id = gallery.organization_id
         where gallery.id = $1 and gallery.status = 'Live'
         for share of organization
     ),
     told as materialized (
         select parent_id, (row_number() over (order by parent_id) - 1) / $3 as number
         from (
             -- locked, so that somebody who is being deleted meanwhile is left out and hinders nobody
             select user_id as parent_id
             from profiles_parents
             where user_id in (
                 select athlete.parent_id
                 from gallery
                 join roster_entries as entry on entry.organization_id = gallery.organization_id
                 join athletes as athlete on athlete.id = entry.athlete_id
                 union
                 select registration.parent_id
                 from gallery join gallery_registrations as registration on registration.gallery_id = gallery.id
             )
             and email_alerts
             and not exists (
                 select from gallery_alerts as alert
                 where alert.gallery_id = $1 and alert.parent_id = profiles_parents.user_id
             )
             order by user_id
             for key share of profiles_parents
         ) as parent
     ),
     batch as materialized (
         select new_uuid_v7() as id, number from (select distinct told.number from told, gallery where gallery.sends) as numbers
     ),
     batches as (
         insert into alert_batches (id, gallery_id) select id, $1 from batch returning id
     ),
     alerts as (
         insert into gallery_alerts (gallery_id, parent_id, id, batch_id, status)
         select $1, told.parent_id, new_uuid_v7(), batch.id,
             case when batch.id is null then 'held' else 'queued' end::alert_status
         from told left join batch using (number)
         on conflict (gallery_id, parent_id) do nothing
     )
     select id from batches order by id",
    [Type::UUID, Type::BOOL, Type::INT8],
);
