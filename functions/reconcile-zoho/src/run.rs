//! A run: page by page what was edited, then what was deleted, of one module after the other; then what came back unchanged.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use shared::Error;
use shared::bounds;
use shared::db::zoho_cursors::{self, Changed, Cursor};
use shared::db::{self, Connection, Transaction, left_to_middleware};
use shared::domain::event::{CrmModule, CrmRecord};
use shared::domain::{CrmId, UserId};
use shared::lambda::sqs::TimeLeft;
use shared::tasks::{Kind, Priority};
use shared::zoho::{Crm, Edited, MOST_RECORDS, Place, Zoho, ZohoError};
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

impl Stop {
    /// A list on which Zoho fails must not keep us from the others; the first failure is told in the end. What would
    /// speak against any call ends the run. Returns whether the list was read to its end, which it was not.
    fn of_this_list(self, failed: &mut Option<ZohoError>) -> Result<bool, Self> {
        match self {
            Self::Zoho(ZohoError::Throttled { .. } | ZohoError::Refused { .. } | ZohoError::Ours(_))
            | Self::Told(_) => Err(self),
            Self::Zoho(error) => {
                failed.get_or_insert(error);
                Ok(false)
            }
        }
    }
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
    /// Those who changed on the route over middleware, which has told the CRM nothing of it.
    pub(crate) async fn left_to_middleware(&mut self, connection: &mut Connection) -> Result<(), Stop> {
        loop {
            self.has_time()?;
            let tx = begin(connection).await?;
            let users = left_to_middleware::take(&tx).await?;
            drop(db::tasks::enqueue_at(&tx, Kind::SyncZoho, &users, Priority::Backfill).await?);
            self.found.tasks += users.len();
            commit(tx).await?;
            if users.is_empty() {
                return Ok(());
            }
        }
    }

    /// Both lists of a module. `failed` takes the first failure that concerns one list alone.
    pub(crate) async fn module(
        &mut self,
        connection: &mut Connection,
        module: CrmModule,
        failed: &mut Option<ZohoError>,
    ) -> Result<(), Stop> {
        let cursor = zoho_cursors::begin(connection, module).await?;
        let edited = self.edited(connection, module, cursor).await.map(|()| true);
        let edited = edited.or_else(|stop| stop.of_this_list(failed))?;
        let deleted = self.deleted(connection, module, cursor).await.map(|()| true);
        let deleted = deleted.or_else(|stop| stop.of_this_list(failed))?;
        if edited && deleted {
            zoho_cursors::finish(connection, module).await?;
        }
        Ok(())
    }

    /// What came back as it was. `failed` as above.
    pub(crate) async fn restored(
        &mut self,
        connection: &mut Connection,
        module: CrmModule,
        failed: &mut Option<ZohoError>,
    ) -> Result<(), Stop> {
        let all = self.every_gone(connection, module).await.map(|()| true);
        all.or_else(|stop| stop.of_this_list(failed)).map(drop)
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

    /// The list has no order to rely on, so the cursor waits for its end. What was linked and is gone gets a task. Pages have
    /// numbers alone: what sales take out of the recycle bin meanwhile moves rows over to a page that is read already, so
    /// several pages are read until they have nothing new.
    async fn deleted(&mut self, connection: &mut Connection, module: CrmModule, cursor: Cursor) -> Result<(), Stop> {
        let mut rows = HashMap::new();
        loop {
            let known = rows.len();
            let pages = match self.deletions(connection, module, cursor, &mut rows).await {
                // Lists of records end after so many rows; whether this one does is not written down.
                Err(Stop::Zoho(ZohoError::BadRequest { code, .. })) if code.ends_with(TOO_FAR) => {
                    return self.every_link(connection, module).await;
                }
                pages => pages?,
            };
            if pages == 1 || rows.len() == known {
                break;
            }
        }
        if let Some(last) = rows.values().max() {
            let tx = begin(connection).await?;
            zoho_cursors::read_deletions(&tx, module, *last + SECOND).await?;
            commit(tx).await?;
        }
        Ok(())
    }

    /// One reading of the list. `rows` are those that have been read, with their times. Returns how many pages there were.
    async fn deletions(
        &mut self,
        connection: &mut Connection,
        module: CrmModule,
        cursor: Cursor,
        rows: &mut HashMap<u64, DateTime<Utc>>,
    ) -> Result<u32, Stop> {
        let mut number = 1;
        loop {
            self.has_time()?;
            // "After" may leave out the second itself.
            let after = cursor.deleted_from - SECOND;
            let page = Crm { zoho: &self.zoho, connection }.deleted(module, after, number).await?;
            let mut new = page.rows;
            new.retain(|row| row.deleted_at >= cursor.deleted_from && !rows.contains_key(&row.id));
            self.found.deleted += new.len();
            let ids: Vec<u64> = new.iter().map(|row| row.id).collect();
            rows.extend(new.into_iter().map(|row| (row.id, row.deleted_at)));

            let tx = begin(connection).await?;
            let linked = zoho_cursors::linked(&tx, module, &ids).await?;
            self.enqueue(&tx, &linked).await?;
            commit(tx).await?;
            if !page.more {
                return Ok(number);
            }
            number += 1;
        }
    }

    /// Zoho does not say whether its recycle bin gives a record back with a new time. Where it does not, no list has that
    /// record, so those whose record is gone are looked for by our id, each once a day.
    async fn every_gone(&mut self, connection: &mut Connection, module: CrmModule) -> Result<(), Stop> {
        loop {
            let gone = zoho_cursors::gone(connection, module).await?;
            let Some(last) = gone.last() else { return Ok(()) };
            let users: Vec<UserId> = gone.iter().map(|one| one.user).collect();
            let mut found = Vec::new();
            for users in users.chunks(MOST_RECORDS) {
                self.has_time()?;
                found.extend(Crm { zoho: &self.zoho, connection }.find(module, users, &[]).await?);
            }
            let found: Vec<(CrmId, Option<Uuid>)> =
                found.into_iter().map(|one| (one.id, one.our_id.as_deref().and_then(user))).collect();

            let tx = begin(connection).await?;
            let restored = zoho_cursors::restored(&tx, module, &found).await?;
            self.found.restored += restored.len();
            self.enqueue(&tx, &restored).await?;
            zoho_cursors::read_restored(&tx, module, last.due_at).await?;
            commit(tx).await?;
        }
    }

    /// What is gone shows when it is looked at, so everything of ours is.
    async fn every_link(&mut self, connection: &mut Connection, module: CrmModule) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let tx = begin(connection).await?;
            let links = zoho_cursors::links(&tx, module, after).await?;
            self.enqueue(&tx, &links).await?;
            after = links.last().map(|record| record.id);
            if after.is_none() {
                zoho_cursors::read_all_deletions(&tx, module).await?;
            }
            commit(tx).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Nobody waits for them: the sweep sends their messages.
    async fn enqueue(&mut self, tx: &Transaction<'_>, records: &[CrmRecord]) -> Result<(), Error> {
        let keys: Vec<Uuid> = records.iter().map(|record| record.key()).collect();
        drop(db::tasks::enqueue_at(tx, Kind::PullZoho, &keys, Priority::Backfill).await?);
        self.found.tasks += keys.len();
        Ok(())
    }

    fn has_time(&self) -> Result<(), Stop> {
        if self.time.fits(bounds::ZOHO_CALL) { Ok(()) } else { Err(Stop::Told("time")) }
    }
}

/// How the codes end by which Zoho refuses a page that is too far behind.
const TOO_FAR: &str = "PAGINATION_LIMIT_EXCEEDED";

/// Zoho's times are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

fn changed(row: &Edited) -> Changed {
    Changed { record: row.record, user: row.our_id.as_deref().and_then(user), modified_at: row.modified_at }
}

/// Our id on a record, as far as it is one.
fn user(id: &str) -> Option<Uuid> {
    Uuid::try_parse(id.trim()).ok()
}

async fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    Ok(connection.transaction().await?)
}

async fn commit(tx: Transaction<'_>) -> Result<(), Error> {
    Ok(tx.commit().await?)
}
