//! `gallery_alerts`, `alert_batches`, `email_suppressions`: "your photos are ready", once for each parent and
//! gallery.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::{stored, stored_optional};
use super::session::Session;
use crate::domain::alert::{Receipt, ReceiptAction, Recipient};
use crate::domain::{AlertBatchId, AlertId, GalleryId, GalleryStatus, PersonName, Title, WebUrl};
use crate::error::Error;

/// How many alerts travel in one transmission. Zoho does not publish its limit; where it is lower, batches are
/// halved (400011).
pub const BATCH_SIZE: i64 = 200;

/// Makes an alert for every parent of a live gallery who has none yet, in one statement: queued in batches, or
/// held while the flag is off. Returns the batches, which are yet to be asked for.
pub async fn fan_out(tx: &Transaction<'_>, gallery: GalleryId, enabled: bool) -> Result<Vec<Uuid>, Error> {
    let rows = tx
        .rows(
            "with gallery as (select id, organization_id from galleries where id = $1 and status = 'Live'),
             told as materialized (
                 select parent_id, (row_number() over (order by parent_id) - 1) / $3 as number
                 from (
                     select athlete.parent_id
                     from gallery
                     join roster_entries as entry on entry.organization_id = gallery.organization_id
                     join athletes as athlete on athlete.id = entry.athlete_id
                     union
                     select registration.parent_id
                     from gallery join gallery_registrations as registration on registration.gallery_id = gallery.id
                 ) as parent
                 where not exists (
                     select from gallery_alerts as alert where alert.gallery_id = $1 and alert.parent_id = parent.parent_id
                 )
             ),
             batch as materialized (
                 select new_uuid_v7() as id, number from (select distinct number from told where $2) as numbers
             ),
             batches as (
                 insert into alert_batches (id, gallery_id) select id, $1 from batch returning id
             ),
             alerts as (
                 insert into gallery_alerts (gallery_id, parent_id, id, batch_id, status)
                 select $1, told.parent_id, new_uuid_v7(), batch.id,
                     case when $2 then 'queued' else 'held' end::alert_status
                 from told left join batch using (number)
                 on conflict (gallery_id, parent_id) do nothing
             )
             select id from batches order by id",
            &[(&gallery.0, Type::UUID), (&enabled, Type::BOOL), (&BATCH_SIZE, Type::INT8)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Whether parents of this gallery have alerts already, sent or held.
pub async fn were_made(session: &impl Session, gallery: GalleryId) -> Result<bool, Error> {
    let row = session
        .row(
            "select exists (select from gallery_alerts where gallery_id = $1) as were_made",
            &[(&gallery.0, Type::UUID)],
        )
        .await?;
    Ok(row.is_some_and(|row| row.get("were_made")))
}

/// Where a batch stands before anybody works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStatus {
    Queued,
    /// Somebody began the call and did not live to record its outcome.
    Sending,
    /// Nothing more to do: held, uncertain, sent or skipped.
    Done,
}

/// A batch and what its e-mails say.
#[derive(Debug)]
pub struct Batch {
    pub id: AlertBatchId,
    pub status: BatchStatus,
    /// Whether there still is something to see.
    pub gallery_is_live: bool,
    pub title: Title,
    pub public_url: Option<WebUrl>,
}

pub async fn batch(session: &impl Session, id: AlertBatchId) -> Result<Option<Batch>, Error> {
    let row = session
        .row(
            "select batch.status::text as status, gallery.status::text as gallery_status, gallery.title, gallery.public_url
             from alert_batches as batch join galleries as gallery on gallery.id = batch.gallery_id
             where batch.id = $1",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    row.map(|row| batch_from(id, &row)).transpose()
}

fn batch_from(id: AlertBatchId, row: &Row) -> Result<Batch, Error> {
    Ok(Batch {
        id,
        status: match row.get("status") {
            "queued" => BatchStatus::Queued,
            "sending" => BatchStatus::Sending,
            _ => BatchStatus::Done,
        },
        gallery_is_live: stored::<GalleryStatus>(row, "gallery_status")? == GalleryStatus::Live,
        title: stored(row, "title")?,
        public_url: stored_optional(row, "public_url")?,
    })
}

/// Marks the batch as sending, before the call, and returns whom it goes to. Suppressed addresses are taken
/// out; with nobody left the batch is skipped. `None`: it is not queued any more.
pub async fn begin_sending(tx: &Transaction<'_>, id: AlertBatchId) -> Result<Option<Vec<Recipient>>, Error> {
    let queued = tx
        .row(
            "update alert_batches set status = 'sending', sending_at = now() where id = $1 and status = 'queued' returning id",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    if queued.is_none() {
        return Ok(None);
    }
    tx.rows(
        "update gallery_alerts as alert set status = case
             when exists (
                 select from users join email_suppressions as suppression
                     on suppression.email_sha256 = sha256(convert_to(lower(users.email), 'UTF8'))
                 where users.id = alert.parent_id
             ) then 'suppressed' else 'sending' end::alert_status
         where batch_id = $1 and status = 'queued'",
        &[(&id.0, Type::UUID)],
    )
    .await?;
    let recipients = recipients(tx, id).await?;
    if recipients.is_empty() {
        tx.rows("update alert_batches set status = 'skipped' where id = $1", &[(&id.0, Type::UUID)]).await?;
    }
    Ok(Some(recipients))
}

async fn recipients(tx: &Transaction<'_>, id: AlertBatchId) -> Result<Vec<Recipient>, Error> {
    let rows = tx
        .rows(
            "select alert.id, users.email, parent.first_name,
                 array(
                     select athlete.first_name
                     from athletes as athlete
                     join roster_entries as entry on entry.athlete_id = athlete.id
                     where athlete.parent_id = alert.parent_id and entry.organization_id = gallery.organization_id
                     order by athlete.id
                 ) as athletes
             from gallery_alerts as alert
             join galleries as gallery on gallery.id = alert.gallery_id
             join users on users.id = alert.parent_id
             join profiles_parents as parent on parent.user_id = alert.parent_id
             where alert.batch_id = $1 and alert.status = 'sending'
             order by alert.id",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Recipient {
                alert: AlertId(row.get("id")),
                email: stored(row, "email")?,
                first_name: stored(row, "first_name")?,
                athletes: names(&row.get::<_, Vec<String>>("athletes"))?,
            })
        })
        .collect()
}

fn names(stored: &[String]) -> Result<Vec<PersonName>, Error> {
    let names: Result<_, String> = stored.iter().map(|name| name.parse()).collect();
    names.map_err(|problem| Error::internal("a stored value is not valid", problem))
}

/// The call did not happen: the batch is as it was before.
pub async fn requeue(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    move_on(tx, id, &["sending"], "queued", "queued").await
}

/// The flag is off, or there is nothing to see any more: an admin may still send it.
pub async fn hold(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    move_on(tx, id, &["queued"], "held", "held").await
}

/// Nobody knows whether it went: only a receipt or an admin moves it on.
pub async fn mark_uncertain(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    move_on(tx, id, &["sending"], "uncertain", "uncertain").await
}

/// Zoho took it. Recorded whoever holds the lease: it went, and that cannot be undone.
pub async fn mark_sent(tx: &Transaction<'_>, id: AlertBatchId, transmission_id: &str) -> Result<(), Error> {
    tx.rows(
        "update alert_batches set transmission_id = $2 where id = $1",
        &[(&id.0, Type::UUID), (&transmission_id, Type::TEXT)],
    )
    .await?;
    move_on(tx, id, &["sending", "uncertain"], "sent", "sent").await
}

/// A batch and its open alerts go from one status to the next, in one statement.
async fn move_on(tx: &Transaction<'_>, id: AlertBatchId, from: &[&str], batch: &str, alert: &str) -> Result<(), Error> {
    tx.rows(
        "with moved as (
             update alert_batches set
                 status = $3::text::batch_status,
                 sent_at = case when $3 = 'sent' then now() end,
                 sending_at = case when $3 = 'queued' then null else sending_at end
             where id = $1 and status::text = any ($2)
             returning id
         )
         update gallery_alerts set status = $4::text::alert_status
         from moved
         where batch_id = moved.id and gallery_alerts.status in ('queued', 'sending', 'uncertain')",
        &[(&id.0, Type::UUID), (&from, Type::TEXT_ARRAY), (&batch, Type::TEXT), (&alert, Type::TEXT)],
    )
    .await?;
    Ok(())
}

/// Cuts a batch that was too large for Zoho in two, both queued. Returns the second; `None`: one cannot be cut.
pub async fn halve(tx: &Transaction<'_>, id: AlertBatchId) -> Result<Option<Uuid>, Error> {
    requeue(tx, id).await?;
    let row = tx
        .row(
            "with open as (
                 select parent_id, gallery_id, row_number() over (order by id) as place, count(*) over () as size
                 from gallery_alerts where batch_id = $1 and status = 'queued'
             ),
             half as (
                 insert into alert_batches (id, gallery_id)
                 select new_uuid_v7(), gallery_id from open where size > 1 limit 1
                 returning id
             ),
             moved as (
                 update gallery_alerts as alert set batch_id = half.id
                 from open, half
                 where alert.gallery_id = open.gallery_id and alert.parent_id = open.parent_id and open.place > open.size / 2
             )
             select id from half",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    Ok(row.map(|row| row.get("id")))
}

/// What Zoho says became of e-mails. Any receipt proves that its batch went; saying it again changes nothing.
pub async fn receive(tx: &Transaction<'_>, receipts: &[Receipt]) -> Result<(), Error> {
    let alerts: Vec<Option<Uuid>> = receipts.iter().map(|receipt| receipt.alert.map(|id| id.0)).collect();
    let batches: Vec<Option<Uuid>> = receipts.iter().map(|receipt| receipt.batch.map(|id| id.0)).collect();
    let outcomes: Vec<Option<&str>> = receipts.iter().map(|receipt| outcome(receipt.action)).collect();
    let suppressed: Vec<Option<&str>> = receipts.iter().map(|receipt| receipt.action.suppresses()).collect();
    // In the order of their ids, so that two requests about the same alerts wait for each other and not forever.
    tx.rows("select from gallery_alerts where id = any ($1) order by id for update", &[(&alerts, Type::UUID_ARRAY)])
        .await?;
    tx.rows(
        "with proven as (
             update alert_batches set status = 'sent', sent_at = coalesce(sent_at, now())
             where status in ('sending', 'uncertain')
               and id in (
                   select unnest($1)
                   union
                   select batch_id from gallery_alerts where id = any ($2)
               )
             returning id
         )
         update gallery_alerts set status = 'sent'
         from proven
         where batch_id = proven.id and gallery_alerts.status in ('sending', 'uncertain')",
        &[(&batches, Type::UUID_ARRAY), (&alerts, Type::UUID_ARRAY)],
    )
    .await?;
    tx.rows(
        "with receipt as (
             select * from unnest($1, $2, $3) as receipt (alert_id, outcome, reason) where alert_id is not null
         ),
         suppressed as (
             insert into email_suppressions (email_sha256, reason)
             select distinct on (1) sha256(convert_to(lower(users.email), 'UTF8')), receipt.reason
             from receipt
             join gallery_alerts as alert on alert.id = receipt.alert_id
             join users on users.id = alert.parent_id
             where receipt.reason is not null
             on conflict (email_sha256) do nothing
         )
         update gallery_alerts as alert set
             status = receipt.outcome::alert_status,
             delivered_at = case when receipt.outcome = 'delivered' then coalesce(delivered_at, now()) else delivered_at end
         from receipt
         where alert.id = receipt.alert_id and receipt.outcome is not null and alert.status <> 'bounced'",
        &[(&alerts, Type::UUID_ARRAY), (&outcomes, Type::TEXT_ARRAY), (&suppressed, Type::TEXT_ARRAY)],
    )
    .await?;
    Ok(())
}

fn outcome(action: ReceiptAction) -> Option<&'static str> {
    match action {
        ReceiptAction::Delivered => Some("delivered"),
        ReceiptAction::HardBounce => Some("bounced"),
        ReceiptAction::SoftBounce | ReceiptAction::Spam | ReceiptAction::Unsubscribed | ReceiptAction::Other => None,
    }
}
