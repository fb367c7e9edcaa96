//! Alerts that wait for an admin's word.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::Type;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::{AlertBatchId, GalleryId};
use crate::error::Error;

/// How many galleries and batches are shown.
const SHOWN: i64 = 100;

/// The held alerts of a gallery.
#[derive(Debug, Serialize)]
pub struct HeldAlerts {
    pub gallery_id: GalleryId,
    /// As it stands there: this list names what is to be mended, so nothing about a row keeps it from being shown.
    pub title: String,
    pub alerts: i64,
}

/// A batch of which nobody knows whether it went, and what speaks for either.
#[derive(Debug, Serialize)]
pub struct UncertainBatch {
    pub batch_id: AlertBatchId,
    pub gallery_id: GalleryId,
    pub title: String,
    pub alerts: i64,
    pub sending_at: DateTime<Utc>,
    /// Batches that went for certain, later; at most a thousand are looked at.
    pub transmissions_since: i64,
    /// Alerts of theirs that Zoho has told about. Many of them, and none of this batch, speak against it.
    pub receipts_since: i64,
}

/// Held alerts by gallery, the newest galleries first. They belong to a held batch, or never had one.
pub async fn held(session: &impl Session) -> Result<Vec<HeldAlerts>, Error> {
    let rows = session.rows(&HELD, [&SHOWN]).await?;
    Ok(rows
        .iter()
        .map(|row| HeldAlerts {
            gallery_id: GalleryId(row.get("id")),
            title: row.get("title"),
            alerts: row.get("alerts"),
        })
        .collect())
}

pub(super) static HELD: Statement<1> = Statement::new(
    "select gallery.id, gallery.title, held.alerts
     from (
         select gallery_id, count(*) as alerts
         from (
             select gallery_id from gallery_alerts where batch_id is null and status = 'held'
             union all
             select alert.gallery_id
             from alert_batches as batch join gallery_alerts as alert on alert.batch_id = batch.id
             where batch.status = 'held' and alert.status = 'held'
         ) as alert
         group by gallery_id
     ) as held
     join galleries as gallery on gallery.id = held.gallery_id
     order by gallery.id desc
     limit $1",
    [Type::INT8],
);

/// The oldest of the uncertain batches.
pub async fn uncertain(session: &impl Session) -> Result<Vec<UncertainBatch>, Error> {
    let rows = session.rows(&UNCERTAIN, [&SHOWN]).await?;
    Ok(rows
        .iter()
        .map(|row| UncertainBatch {
            batch_id: AlertBatchId(row.get("id")),
            gallery_id: GalleryId(row.get("gallery_id")),
            title: row.get("title"),
            alerts: row.get("alerts"),
            sending_at: row.get("sending_at"),
            transmissions_since: row.get("transmissions"),
            receipts_since: row.get("receipts"),
        })
        .collect())
}

pub(super) static UNCERTAIN: Statement<1> = Statement::new(
    "with batch as materialized (
         select id, gallery_id, sending_at from alert_batches
         where status = 'uncertain'
         order by sending_at
         limit $1
     ),
     later as materialized (
         select batch.id as batch_id, sent.id
         from batch cross join lateral (
             select id from alert_batches where sent_at > batch.sending_at order by sent_at limit 1000
         ) as sent
     ),
     -- Counted once, however many uncertain batches one is later than.
     told as materialized (
         select id, (
             select count(*) from gallery_alerts
             where batch_id = sent.id and status in ('delivered', 'bounced')
         ) as receipts
         from (select distinct id from later) as sent
     ),
     since as (
         select batch_id, count(*) as transmissions, sum(receipts)::bigint as receipts
         from later join told using (id)
         group by batch_id
     )
     select batch.id, batch.gallery_id, gallery.title, batch.sending_at,
         (select count(*) from gallery_alerts where batch_id = batch.id and status = 'uncertain') as alerts,
         coalesce(since.transmissions, 0) as transmissions, coalesce(since.receipts, 0) as receipts
     from batch
     join galleries as gallery on gallery.id = batch.gallery_id
     left join since on since.batch_id = batch.id
     order by batch.sending_at",
    [Type::INT8],
);
