//! A run: page by page what was edited, then what was deleted, of one module after the other.

use chrono::TimeDelta;
use shared::Error;
use shared::db::zoho_cursors::{self, Changed, Cursor};
use shared::db::{self, Connection, Transaction};
use shared::domain::event::{CrmModule, CrmRecord};
use shared::lambda::sqs::TimeLeft;
use shared::tasks::{Kind, Priority};
use shared::zoho::{CALL_TIMEOUT, Crm, Edited, Place, Zoho, ZohoError};
use uuid::Uuid;

use crate::Reconciled;

/// A run under way.
pub(crate) struct Run<'a> {
    pub zoho: Zoho,
    pub time: TimeLeft,
    pub found: &'a mut Reconciled,
}

/// Why a run ends before it has read everything.
pub(crate) enum Stop {
    /// The flag, a pause, the time: nothing is wrong.
    Told(&'static str),
    Zoho(ZohoError),
}

impl From<ZohoError> for Stop {
    fn from(error: ZohoError) -> Self {
        Self::Zoho(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Zoho(error.into())
    }
}

impl Run<'_> {
    pub(crate) async fn module(&mut self, connection: &mut Connection, module: CrmModule) -> Result<(), Stop> {
        let cursor = zoho_cursors::begin(connection, module).await?;
        self.edited(connection, module, cursor).await?;
        self.deleted(connection, module, cursor).await?;
        zoho_cursors::finish(connection, module).await?;
        Ok(())
    }

    /// Page by page: the tasks of what is not settled, and the cursor behind it.
    async fn edited(&mut self, connection: &mut Connection, module: CrmModule, cursor: Cursor) -> Result<(), Stop> {
        let mut next = Some(Place::From(cursor.modified_from));
        while let Some(place) = next {
            self.has_time()?;
            let page = Crm { zoho: &self.zoho, connection }.edited(module, place).await?;
            next = place.after(&page);
            self.found.edited += page.rows.len();
            let last = page.rows.iter().map(|row| row.modified_at).max();
            let Some(before) = next.map(Place::second).or(last.map(|last| last + SECOND)) else { return Ok(()) };

            let changed: Vec<Changed> = page.rows.iter().map(changed).collect();
            let tx = begin(connection).await?;
            let unsettled = zoho_cursors::unsettled(&tx, module, &changed).await?;
            self.enqueue(&tx, &unsettled).await?;
            zoho_cursors::read_changes(&tx, module, before).await?;
            commit(tx).await?;
        }
        Ok(())
    }

    /// The list has no order to rely on, so the cursor waits for its end. What was linked and is gone gets a task.
    async fn deleted(&mut self, connection: &mut Connection, module: CrmModule, cursor: Cursor) -> Result<(), Stop> {
        let mut last = None;
        for number in 1.. {
            self.has_time()?;
            // "After" may leave out the second itself.
            let after = cursor.deleted_from - SECOND;
            let mut page = Crm { zoho: &self.zoho, connection }.deleted(module, after, number).await?;
            page.rows.retain(|row| row.deleted_at >= cursor.deleted_from);
            self.found.deleted += page.rows.len();
            last = last.max(page.rows.iter().map(|row| row.deleted_at).max());
            let ids: Vec<u64> = page.rows.iter().map(|row| row.id).collect();

            let tx = begin(connection).await?;
            let linked = zoho_cursors::linked(&tx, module, &ids).await?;
            self.enqueue(&tx, &linked).await?;
            if let Some(last) = last.filter(|_| !page.more) {
                zoho_cursors::read_deletions(&tx, module, last + SECOND).await?;
            }
            commit(tx).await?;
            if !page.more {
                break;
            }
        }
        Ok(())
    }

    /// Nobody waits for them: the sweep sends their messages.
    async fn enqueue(&mut self, tx: &Transaction<'_>, records: &[CrmRecord]) -> Result<(), Error> {
        let keys: Vec<Uuid> = records.iter().map(|record| record.key()).collect();
        drop(db::tasks::enqueue_at(tx, Kind::PullZoho, &keys, Priority::Backfill).await?);
        self.found.tasks += keys.len();
        Ok(())
    }

    fn has_time(&self) -> Result<(), Stop> {
        if self.time.fits(CALL_TIMEOUT) { Ok(()) } else { Err(Stop::Told("time")) }
    }
}

/// Zoho's times are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

fn changed(row: &Edited) -> Changed {
    let user = row.our_id.as_deref().and_then(|id| Uuid::try_parse(id.trim()).ok());
    Changed { record: row.record, user, modified_at: row.modified_at }
}

async fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    Ok(connection.transaction().await?)
}

async fn commit(tx: Transaction<'_>) -> Result<(), Error> {
    Ok(tx.commit().await?)
}
