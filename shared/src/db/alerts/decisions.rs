//! What only an admin can decide: that held alerts are sent after all, and what became of an uncertain batch.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::column::stored;
use super::super::organizations;
use super::super::session::Session;
use super::super::statement::Statement;
use super::BATCH_SIZE;
use super::batches::{Began, move_on};
use super::locks::lock_batch;
use crate::domain::{AlertBatchId, GalleryId, GalleryStatus};
use crate::error::Error;

/// How many alerts one transaction puts into batches: what a second is enough for.
pub const RELEASED_AT_ONCE: i64 = 20_000;

/// Held alerts that are queued now.
#[derive(Debug)]
pub struct Released {
    pub alerts: i64,
    /// They are yet to be asked for.
    pub batches: Vec<Uuid>,
}

/// What somebody has found out about an uncertain batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It went.
    Sent,
    /// It did not, or may well go twice.
    SendAgain,
}

/// Queues held alerts of a live gallery in new batches, cut as when a gallery goes live. Two admins take turns at the
/// gallery, so an alert is released once. Held batches that nobody is left in are skipped.
///
/// # Errors
/// `unknown-gallery` (404), `organization-not-verified` (403), `gallery-not-live` (409).
pub async fn release(tx: &Transaction<'_>, gallery: GalleryId) -> Result<Released, Error> {
    insist_on_live(tx, gallery).await?;
    tx.rows(&LOCK_HELD, [&gallery.0]).await?;
    let rows = tx.rows(&RELEASE, [&gallery.0, &BATCH_SIZE, &RELEASED_AT_ONCE]).await?;
    tx.rows(&SKIP_EMPTY, [&gallery.0]).await?;
    Ok(Released {
        alerts: rows.iter().map(|row| row.get::<_, i64>("alerts")).sum(),
        batches: rows.iter().map(|row| row.get("id")).collect(),
    })
}

pub(super) static LOCK_HELD: Statement<1> = Statement::new(
    "select from alert_batches where gallery_id = $1 and status = 'held' order by id for update",
    [Type::UUID],
);

pub(super) static RELEASE: Statement<3> = Statement::new(
    "with locked as materialized (
         select id, parent_id from gallery_alerts where gallery_id = $1 and status = 'held'
         order by id
         limit $3
         for update
     ),
     held as materialized (
         select parent_id, (row_number() over (order by id) - 1) / $2 as number from locked
     ),
     batch as materialized (
         select new_uuid_v7() as id, number, alerts
         from (select number, count(*) as alerts from held group by number) as numbers
     ),
     batches as (
         insert into alert_batches (id, gallery_id) select id, $1 from batch
     ),
     alerts as (
         update gallery_alerts as alert set status = 'queued', batch_id = batch.id
         from held join batch using (number)
         where alert.gallery_id = $1 and alert.parent_id = held.parent_id
     )
     select id, alerts from batch order by id",
    [Type::UUID, Type::INT8, Type::INT8],
);

pub(super) static SKIP_EMPTY: Statement<1> = Statement::new(
    "update alert_batches as batch set status = 'skipped'
     where gallery_id = $1 and status = 'held'
       and not exists (select from gallery_alerts where batch_id = batch.id and gallery_alerts.status = 'held')",
    [Type::UUID],
);

/// Moves an uncertain batch on, and returns how many alerts that concerns. Of a receipt and two admins one comes first,
/// and the others find out.
///
/// # Errors
/// `unknown-batch` (404), `not-uncertain` (409); for what is to be sent again also `organization-not-verified` (403) and
/// `gallery-not-live` (409).
pub async fn decide(tx: &Transaction<'_>, id: AlertBatchId, decision: Decision) -> Result<i64, Error> {
    lock_batch(tx, id).await?;
    let batch = tx
        .row(&UNDECIDED, [&id.0])
        .await?
        .ok_or(Error::NotFound { code: "unknown-batch", detail: "There is no batch with this batch_id." })?;
    if !batch.get::<_, bool>("uncertain") {
        return Err(Error::Conflict {
            code: "not-uncertain",
            detail: "It is known what became of this batch: somebody has decided, or a receipt has proved that it went.",
        });
    }
    match decision {
        Decision::Sent => move_on(tx, id, &["uncertain"], "sent", Began::Remembered).await?,
        Decision::SendAgain => {
            insist_on_live(tx, GalleryId(batch.get("gallery_id"))).await?;
            move_on(tx, id, &["uncertain"], "queued", Began::Remembered).await?;
        }
    }
    Ok(batch.get("alerts"))
}

static UNDECIDED: Statement<1> = Statement::new(
    "select gallery_id, status = 'uncertain' as uncertain,
         (select count(*) from gallery_alerts where batch_id = $1 and status = 'uncertain') as alerts
     from alert_batches where id = $1",
    [Type::UUID],
);

/// Keeps the gallery and the verification of its organisation as they are until the transaction ends.
async fn insist_on_live(tx: &Transaction<'_>, gallery: GalleryId) -> Result<(), Error> {
    let row = tx
        .row(&LOCK_GALLERY, [&gallery.0])
        .await?
        .ok_or(Error::NotFound { code: "unknown-gallery", detail: "There is no gallery with this gallery_id." })?;
    if !row.get::<_, bool>("verified") {
        return Err(organizations::not_verified());
    }
    match stored(&row, "status")? {
        GalleryStatus::Live => Ok(()),
        GalleryStatus::PreReg | GalleryStatus::Archived => Err(Error::Conflict {
            code: "gallery-not-live",
            detail: "This gallery is not live: there is nothing to see yet, or not any more.",
        }),
    }
}

pub(super) static LOCK_GALLERY: Statement<1> = Statement::new(
    "select gallery.status::text as status, organization.verified_at is not null as verified
     from galleries as gallery
     join profiles_organizations as organization on organization.user_id = gallery.organization_id
     where gallery.id = $1
     for update of gallery
     for share of organization",
    [Type::UUID],
);
