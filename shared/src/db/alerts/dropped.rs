//! Alerts that no e-mail is to go out for any more: the parent has nothing to do with the organisation now.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::UserId;
use crate::error::Error;

/// Deletes a parent's alerts that are `held` or `queued`, of galleries of these organisations: where no athlete of the
/// parent is on the organisation's roster any more, and the parent is not registered for the gallery. Call it behind the
/// change of the roster, in its transaction. A batch that nobody is left in is skipped.
///
/// A fan-out that is under way has locked the parent's profile: lock it first, so that its alerts are seen here. One that
/// comes later may still have read the roster as it was; [`begin_sending`](super::begin_sending) looks again.
pub async fn drop_unsent(tx: &Transaction<'_>, parent: UserId, organizations: &[UserId]) -> Result<(), Error> {
    if organizations.is_empty() {
        return Ok(());
    }
    let organizations: Vec<Uuid> = organizations.iter().map(|id| id.0).collect();
    let rows = tx.rows(&DROP, [&parent.0, &organizations]).await?;
    skip_emptied(tx, &rows).await
}

/// Deletes all alerts of a parent that are `held` or `queued`: the parent wants none any more.
pub async fn drop_all_unsent(tx: &Transaction<'_>, parent: UserId) -> Result<(), Error> {
    let rows = tx.rows(&DROP_ALL, [&parent.0]).await?;
    skip_emptied(tx, &rows).await
}

static DROP_ALL: Statement<1> = Statement::new(
    "with unwanted as materialized (
         select id, batch_id from gallery_alerts where parent_id = $1 and status in ('held', 'queued')
     ),
     locked as materialized (
         select id from alert_batches where id in (select batch_id from unwanted) order by id for update
     )
     delete from gallery_alerts as alert
     using unwanted
     where alert.id = unwanted.id
       and alert.status in ('held', 'queued')
       and (select count(*) from locked) >= 0
     returning alert.batch_id",
    [Type::UUID],
);

// Batches before alerts, as everywhere. An alert whose batch begins to be sent meanwhile is not `queued` any more once the
// lock is free, and stays.
pub(super) static DROP: Statement<2> = Statement::new(
    "with unwanted as materialized (
         select alert.id, alert.batch_id
         from gallery_alerts as alert
         join galleries as gallery on gallery.id = alert.gallery_id
         where alert.parent_id = $1
           and alert.status in ('held', 'queued')
           and gallery.organization_id = any ($2)
           and not exists (
               select from athletes as athlete
               join roster_entries as entry on entry.athlete_id = athlete.id
               where athlete.parent_id = $1 and entry.organization_id = gallery.organization_id
           )
           and not exists (
               select from gallery_registrations as registration
               where registration.gallery_id = gallery.id and registration.parent_id = $1
           )
     ),
     locked as materialized (
         select id from alert_batches where id in (select batch_id from unwanted) order by id for update
     )
     delete from gallery_alerts as alert
     using unwanted
     where alert.id = unwanted.id
       and alert.status in ('held', 'queued')
       and (select count(*) from locked) >= 0
     returning alert.batch_id",
    [Type::UUID, Type::UUID_ARRAY],
);

/// Skips the batches of these alerts that nobody is left in.
async fn skip_emptied(tx: &Transaction<'_>, dropped: &[Row]) -> Result<(), Error> {
    let batches: Vec<Uuid> = dropped.iter().filter_map(|row| row.get("batch_id")).collect();
    // A statement of its own: it sees what others have taken out of these batches before their locks were free.
    if !batches.is_empty() {
        tx.rows(&SKIP_EMPTIED, [&batches]).await?;
    }
    Ok(())
}

pub(super) static SKIP_EMPTIED: Statement<1> = Statement::new(
    "update alert_batches as batch set status = 'skipped'
     where id = any ($1) and status in ('queued', 'held')
       and not exists (
           select from gallery_alerts as alert where alert.batch_id = batch.id and alert.status in ('queued', 'held')
       )",
    [Type::UUID_ARRAY],
);
