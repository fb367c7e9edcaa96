//! Every quarter of an hour: finds what has changed in the CRM and was not told, or was not understood, and writes its
//! tasks. It reads ids and times alone, in their order, and page by page moves its cursor in the transaction that writes
//! a page's tasks; whatever stops it, the next run goes on from there.

use chrono::TimeDelta;
use serde::Serialize;
use shared::Error;
use shared::db::zoho_cursors::{self, Changed, Cursor};
use shared::db::{self, Connection, Database, Transaction};
use shared::domain::event::{CrmModule, CrmRecord};
use shared::lambda::sqs::TimeLeft;
use shared::secrets::Secret;
use shared::tasks::{Kind, Priority};
use shared::zoho::{CALL_TIMEOUT, Crm, Edited, Place, Zoho, ZohoError, ZohoSettings};
use uuid::Uuid;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    /// Read by each run: what somebody has just changed counts.
    pub zoho: Secret,
    /// `ENABLE_ZOHO_SYNC`, on the native route.
    pub enabled: bool,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Reconciled {
    /// Rows that were read: records that were edited, and that were deleted.
    edited: usize,
    deleted: usize,
    /// Those that got a task.
    tasks: usize,
    /// Why the rest was left to the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// Why a run ends before it has read everything.
enum Stop {
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

/// The event says nothing that matters. What Zoho refuses or fails to answer is no failure of this function: Lambda
/// would call it again at once, and the next run does better. Its last success is what the sweep measures.
pub async fn handle(app: &App, _: serde_json::Value, time: TimeLeft) -> Result<Reconciled, Error> {
    let mut found = Reconciled::default();
    match run(app, time, &mut found).await {
        Ok(()) => {}
        Err(Stop::Told(why)) => found.stopped = Some(why.to_owned()),
        Err(Stop::Zoho(ZohoError::Ours(error))) => return Err(error),
        Err(Stop::Zoho(error)) => {
            let failure = error.failure();
            tracing::warn!(
                code = failure.code,
                message = failure.message,
                "the CRM's changes were not read to the end"
            );
            found.stopped = Some(failure.code);
        }
    }
    Ok(found)
}

async fn run(app: &App, time: TimeLeft, found: &mut Reconciled) -> Result<(), Stop> {
    if !app.enabled {
        return Err(Stop::Told("off"));
    }
    let mut connection = app.database.connection().await?;
    if db::tasks::is_paused(&connection, Kind::PullZoho).await? {
        return Err(Stop::Told("paused"));
    }
    let mut run = Run { zoho: zoho(app).await?, time, found };
    for module in CrmModule::ALL {
        let cursor = zoho_cursors::begin(&connection, module).await?;
        run.edited(&mut connection, module, cursor).await?;
        run.deleted(&mut connection, module, cursor).await?;
        zoho_cursors::finish(&connection, module).await?;
    }
    Ok(())
}

/// A run under way.
struct Run<'a> {
    zoho: Zoho,
    time: TimeLeft,
    found: &'a mut Reconciled,
}

impl Run<'_> {
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

async fn zoho(app: &App) -> Result<Zoho, Error> {
    let zoho = app.zoho.checked::<ZohoSettings, Zoho>().await;
    zoho.map_err(|error| Error::unavailable("the secret of Zoho", error))
}
