//! The one order in which batches and alerts are locked, so that receipts, the worker and admins wait for each other
//! and never in a circle: batches before alerts, and each in the order of their ids.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::AlertBatchId;
use crate::error::Error;

/// Locks a batch, then its alerts. Nothing is locked where there is no such batch.
pub(super) async fn lock_batch(tx: &Transaction<'_>, id: AlertBatchId) -> Result<(), Error> {
    lock(tx, &[Some(id.0)], &[]).await?;
    Ok(())
}

/// Locks these batches and those of these alerts, then the alerts of them all. Returns the batches: an alert may have
/// moved to another one meanwhile, which is not locked.
pub(super) async fn lock(
    tx: &Transaction<'_>,
    batches: &[Option<Uuid>],
    alerts: &[Option<Uuid>],
) -> Result<Vec<Uuid>, Error> {
    let rows = tx.rows(&LOCK_BATCHES, [&batches, &alerts]).await?;
    let locked: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    tx.rows(&LOCK_ALERTS, [&locked, &alerts]).await?;
    Ok(locked)
}

pub(super) static LOCK_BATCHES: Statement<2> = Statement::new(
    "select id from alert_batches
     where id in (select unnest($1) union select batch_id from gallery_alerts where id = any ($2))
     order by id for update",
    [Type::UUID_ARRAY, Type::UUID_ARRAY],
);

pub(super) static LOCK_ALERTS: Statement<2> = Statement::new(
    "select from gallery_alerts
     where id in (
         select unnest($2)
         union
         select id from gallery_alerts where batch_id = any ($1)
     )
     order by id for update",
    [Type::UUID_ARRAY, Type::UUID_ARRAY],
);
