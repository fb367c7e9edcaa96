//! `alert_batches`: what travels in one transmission, and where it stands.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::column::{Loaded, each, stored, stored_optional};
use super::super::session::Session;
use super::super::statement::Statement;
use super::locks::lock_batch;
use crate::domain::alert::Recipient;
use crate::domain::{AlertBatchId, AlertId, GalleryStatus, GalleryUrl, Title, UserId};
use crate::error::Error;

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
    /// Whether it may have gone before: an admin has asked for it to be sent again.
    pub may_have_gone: bool,
    /// Whether there still is something to see.
    pub gallery_is_live: bool,
    pub title: Title,
    pub public_url: Option<GalleryUrl>,
}

/// The batch, unless its gallery is gone, or cannot be read.
pub async fn batch(session: &impl Session, id: AlertBatchId) -> Result<Loaded<Batch>, Error> {
    let rows = session.rows(&BATCH, [&id.0]).await?;
    Ok(each(&rows, "id", |row| batch_from(id, row)))
}

pub(super) static BATCH: Statement<1> = Statement::new(
    "select batch.id, batch.status::text as status, batch.sending_at is not null as may_have_gone,
         gallery.status::text as gallery_status, gallery.title, gallery.public_url
     from alert_batches as batch join galleries as gallery on gallery.id = batch.gallery_id
     where batch.id = $1",
    [Type::UUID],
);

fn batch_from(id: AlertBatchId, row: &Row) -> Result<Batch, Error> {
    Ok(Batch {
        id,
        status: match row.get("status") {
            "queued" => BatchStatus::Queued,
            "sending" => BatchStatus::Sending,
            _ => BatchStatus::Done,
        },
        may_have_gone: row.get("may_have_gone"),
        gallery_is_live: stored::<GalleryStatus>(row, "gallery_status")? == GalleryStatus::Live,
        title: stored(row, "title")?,
        public_url: stored_optional(row, "public_url")?,
    })
}

/// Marks the batch as sending, before the call, and returns whom it goes to. Suppressed addresses are taken
/// out, and so is a parent who has left the roster and is not registered; with nobody left the batch is skipped. `None`: it is not queued any more, or is held now, since its organisation is
/// not verified.
pub async fn begin_sending(tx: &Transaction<'_>, id: AlertBatchId) -> Result<Option<Vec<Recipient>>, Error> {
    // The organisation stays as it is: its verification is withdrawn before this batch, or after it has gone.
    let standing = tx.row(&STANDING, [&id.0]).await?;
    if standing.is_some_and(|row| !row.get::<_, bool>("verified")) {
        hold(tx, id).await?;
        return Ok(None);
    }
    lock_batch(tx, id).await?;
    let queued = tx.row(&BEGIN, [&id.0]).await?;
    if queued.is_none() {
        return Ok(None);
    }
    tx.rows(&BEGIN_ALERTS, [&id.0]).await?;
    let Loaded { rows: recipients, unreadable } = recipients(tx, id).await?;
    // A parent whose row cannot be read waits for an admin, and the others of the batch do not.
    let unreadable: Vec<Uuid> = unreadable.iter().map(|row| row.key).collect();
    if !unreadable.is_empty() {
        tx.rows(&HOLD_UNREADABLE, [&unreadable]).await?;
    }
    if recipients.is_empty() {
        tx.rows(&SKIP, [&id.0]).await?;
    }
    Ok(Some(recipients))
}

pub(super) static STANDING: Statement<1> = Statement::new(
    "select organization.verified_at is not null as verified
     from alert_batches as batch
     join galleries as gallery on gallery.id = batch.gallery_id
     join profiles_organizations as organization on organization.user_id = gallery.organization_id
     where batch.id = $1
     for share of organization",
    [Type::UUID],
);

pub(super) static BEGIN: Statement<1> = Statement::new(
    "update alert_batches set status = 'sending', sending_at = now() where id = $1 and status = 'queued' returning id",
    [Type::UUID],
);

pub(super) static BEGIN_ALERTS: Statement<1> = Statement::new(
    "with queued as materialized (
         select alert.id, parent.email_alerts and (exists (
                 select from athletes as athlete
                 join roster_entries as entry on entry.athlete_id = athlete.id
                 where athlete.parent_id = alert.parent_id and entry.organization_id = gallery.organization_id
             )
             or exists (
                 select from gallery_registrations as registration
                 where registration.gallery_id = gallery.id and registration.parent_id = alert.parent_id
             )) as wanted
         from gallery_alerts as alert
         join profiles_parents as parent on parent.user_id = alert.parent_id
         join galleries as gallery on gallery.id = alert.gallery_id
         where alert.batch_id = $1 and alert.status = 'queued'
     ),
     unwanted as (
         delete from gallery_alerts as alert using queued where alert.id = queued.id and not queued.wanted
     )
     update gallery_alerts as alert set status = case
         when exists (
             select from users join email_suppressions as suppression
                 on suppression.email_sha256 = email_sha256(users.email)
             where users.id = alert.parent_id
         ) then 'suppressed' else 'sending' end::alert_status
     from queued
     where alert.id = queued.id and queued.wanted",
    [Type::UUID],
);

static HOLD_UNREADABLE: Statement<1> = Statement::new(
    "update gallery_alerts set status = 'held', batch_id = null where id = any ($1)",
    [Type::UUID_ARRAY],
);

static SKIP: Statement<1> = Statement::new("update alert_batches set status = 'skipped' where id = $1", [Type::UUID]);

async fn recipients(tx: &Transaction<'_>, id: AlertBatchId) -> Result<Loaded<Recipient>, Error> {
    let rows = tx.rows(&RECIPIENTS, [&id.0]).await?;
    let recipient = |row: &Row| {
        // An athlete whose name cannot be read goes unnamed; the photos are there all the same.
        let athletes = row.get::<_, Vec<&str>>("athletes").into_iter().filter_map(|name| name.parse().ok());
        Ok(Recipient {
            alert: AlertId(row.get("id")),
            email: stored(row, "email")?,
            first_name: stored(row, "first_name")?,
            athletes: athletes.collect(),
        })
    };
    Ok(each(&rows, "id", recipient))
}

pub(super) static RECIPIENTS: Statement<1> = Statement::new(
    "select alert.id, users.email, parent.first_name,
         array(
             select athlete.first_name
             from athletes as athlete
             join roster_entries as entry on entry.athlete_id = athlete.id
             where athlete.parent_id = alert.parent_id and entry.organization_id = gallery.organization_id
               and parent.share_athlete_names
             order by athlete.id
         ) as athletes
     from gallery_alerts as alert
     join galleries as gallery on gallery.id = alert.gallery_id
     join users on users.id = alert.parent_id
     join profiles_parents as parent on parent.user_id = alert.parent_id
     where alert.batch_id = $1 and alert.status = 'sending'
     order by alert.id",
    [Type::UUID],
);

/// Whether a batch that moves on still counts as begun, so that a receipt can prove that it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Began {
    Remembered,
    Forgotten,
}

/// The call did not happen: the batch is as it was before. If it may have gone earlier, a receipt can still prove that.
pub async fn requeue(tx: &Transaction<'_>, id: AlertBatchId, may_have_gone: bool) -> Result<(), Error> {
    let began = if may_have_gone { Began::Remembered } else { Began::Forgotten };
    move_on(tx, id, &["sending"], "queued", began).await
}

/// The flag is off, or there is nothing to see any more: an admin may still send it.
pub async fn hold(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    move_on(tx, id, &["queued"], "held", Began::Remembered).await
}

/// Holds what is queued of all galleries of an organisation whose verification was withdrawn.
pub async fn hold_of_organization(tx: &Transaction<'_>, organization: UserId) -> Result<(), Error> {
    tx.rows(&HOLD_OF_ORGANIZATION, [&organization.0]).await?;
    Ok(())
}

pub(in crate::db) static HOLD_OF_ORGANIZATION: Statement<1> = Statement::new(
    "with queued as materialized (
         select batch.id
         from galleries as gallery join alert_batches as batch on batch.gallery_id = gallery.id
         where gallery.organization_id = $1 and batch.status = 'queued'
         order by batch.id
         for update of batch
     ),
     held as (
         update alert_batches as batch set status = 'held' from queued where batch.id = queued.id
     )
     update gallery_alerts as alert set status = 'held'
     from queued
     where alert.batch_id = queued.id and alert.status = 'queued'",
    [Type::UUID],
);

/// Nobody knows whether it went: only a receipt or an admin moves it on. A batch that has not begun, by what it says, has
/// lost its mark: a database that fails over may lose the last commits.
pub async fn mark_uncertain(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    lock_batch(tx, id).await?;
    let lost = tx.row(&NOT_BEGUN, [&id.0]).await?;
    let from: &[&str] = if lost.is_some() { &["queued", "held", "sending"] } else { &["sending"] };
    move_on(tx, id, from, "uncertain", Began::Remembered).await
}

static NOT_BEGUN: Statement<1> =
    Statement::new("select from alert_batches where id = $1 and sending_at is null", [Type::UUID]);

/// Zoho took it. Recorded whoever holds the lease and whatever the batch says: it went, and that cannot be undone.
pub async fn mark_sent(tx: &Transaction<'_>, id: AlertBatchId, transmission_id: &str) -> Result<(), Error> {
    tx.rows(&NAME_TRANSMISSION, [&id.0, &transmission_id]).await?;
    move_on(tx, id, &["queued", "held", "sending", "uncertain", "skipped"], "sent", Began::Remembered).await
}

pub(super) static NAME_TRANSMISSION: Statement<2> =
    Statement::new("update alert_batches set transmission_id = $2 where id = $1", [Type::UUID, Type::TEXT]);

/// A batch and its open alerts go from one status to the next.
pub(super) async fn move_on(
    tx: &Transaction<'_>,
    id: AlertBatchId,
    from: &[&str],
    to: &str,
    began: Began,
) -> Result<(), Error> {
    lock_batch(tx, id).await?;
    tx.rows(&MOVE_ON, [&id.0, &from, &to, &(began == Began::Remembered)]).await?;
    Ok(())
}

pub(super) static MOVE_ON: Statement<4> = Statement::new(
    "with moved as (
         update alert_batches set
             status = $3::text::batch_status,
             sent_at = case when $3 = 'sent' then now() end,
             sending_at = case
                 when $3 in ('sent', 'uncertain') then coalesce(sending_at, now())
                 when $4 then sending_at
             end
         where id = $1 and status::text = any ($2)
         returning id
     )
     update gallery_alerts set status = $3::text::alert_status
     from moved
     where batch_id = moved.id
       and (
           gallery_alerts.status in ('queued', 'sending', 'uncertain')
           or gallery_alerts.status = 'held' and $3 in ('sent', 'uncertain')
       )",
    [Type::UUID, Type::TEXT_ARRAY, Type::TEXT, Type::BOOL],
);

/// Cuts a batch that was too large for Zoho in two, both queued. Returns the second; `None`: one cannot be cut. If the
/// whole may have gone earlier, so may both.
pub async fn halve(tx: &Transaction<'_>, id: AlertBatchId, may_have_gone: bool) -> Result<Option<Uuid>, Error> {
    requeue(tx, id, may_have_gone).await?;
    let row = tx.row(&HALVE, [&id.0]).await?;
    Ok(row.map(|row| row.get("id")))
}

static HALVE: Statement<1> = Statement::new(
    "with open as (
         select parent_id, gallery_id, row_number() over (order by id) as place, count(*) over () as size
         from gallery_alerts where batch_id = $1 and status = 'queued'
     ),
     half as (
         insert into alert_batches (id, gallery_id, sending_at)
         select new_uuid_v7(), gallery_id, (select sending_at from alert_batches where id = $1)
         from open where size > 1 limit 1
         returning id
     ),
     moved as (
         update gallery_alerts as alert set batch_id = half.id
         from open, half
         where alert.gallery_id = open.gallery_id and alert.parent_id = open.parent_id and open.place > open.size / 2
     )
     select id from half",
    [Type::UUID],
);
