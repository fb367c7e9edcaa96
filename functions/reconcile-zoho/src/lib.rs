//! Every quarter of an hour: finds what has changed in the CRM and was not told, or was not understood, and writes its
//! tasks. It reads ids and times alone, in their order, and page by page moves its cursor in the transaction that writes
//! a page's tasks; whatever stops it, the next run goes on from there.

mod run;

use serde::Serialize;
use shared::Error;
use shared::db::{self, Database};
use shared::domain::event::CrmModule;
use shared::lambda::sqs::TimeLeft;
use shared::lambda::{Start, StartError, schedule};
use shared::secrets::Secret;
use shared::tasks::Kind;
use shared::zoho::{Zoho, ZohoError, ZohoSettings};

use crate::run::{Run, Stop};

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
    /// Records of whoever was gone over there, that are there.
    restored: usize,
    /// Those that got a task.
    tasks: usize,
    /// Why the rest was left to the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start
            .database(&[
                db::tasks::HOT,
                db::tasks::HOT_PAUSE,
                db::left_to_middleware::HOT,
                db::zoho_cursors::HOT,
                db::zoho_token::HOT,
                db::zoho_budget::HOT,
            ])
            .await?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        enabled: start.reads_crm()?,
    };
    schedule::run(app, handle).await
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
    let mut failed = None;
    run.left_to_middleware(&mut connection).await?;
    for module in CrmModule::ALL {
        run.module(&mut connection, module, &mut failed).await?;
    }
    for module in CrmModule::ALL {
        run.restored(&mut connection, module, &mut failed).await?;
    }
    failed.map_or(Ok(()), |error| Err(Stop::Zoho(error)))
}

async fn zoho(app: &App) -> Result<Zoho, Error> {
    let zoho = app.zoho.checked::<ZohoSettings, Zoho>().await;
    zoho.map_err(|error| Error::unavailable("the secret of Zoho", error))
}
