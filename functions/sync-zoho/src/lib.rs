//! Makes the records of the CRM match our people, up to a hundred in a call: claim → read the present → act at Zoho →
//! record and complete in one transaction. Or sees to it that Make or Zapier do.

mod middleware;

use shared::config::Route;
use shared::db::tasks::Claim;
use shared::db::{self, Database};
use shared::lambda::sqs::{TimeLeft, Wakeup};
use shared::lambda::{Start, StartError, sqs, worker};
use shared::queue::Queues;
use shared::secrets::FollowedSecret;
use shared::sync::Engine;
use shared::tasks::Kind;
use shared::zoho::{Zoho, ZohoSettings};
use shared::{Error, clock, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub way: Way,
    /// Its own, and that of those who are told of people.
    pub queues: Queues,
    /// `ENABLE_ZOHO_SYNC`. Off, the tasks wait where they are.
    pub enabled: bool,
    /// `ZOHO_CREDIT_RESERVE`: so many of the day's API credits are kept for what somebody waits for.
    pub credit_reserve: i64,
}

/// How people get into the CRM: `ZOHO_SYNC_ROUTE`. The tasks are the same, so that a change of route loses nobody.
#[derive(Debug)]
pub enum Way {
    Native(Box<FollowedSecret<ZohoSettings, Zoho>>),
    Middleware,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let way = match start.environment.parsed("ZOHO_SYNC_ROUTE")? {
        Route::Native => Way::Native(Box::new(start.secrets().followed("ZOHO_SECRET", clock::now()).await?)),
        Route::Middleware => Way::Middleware,
    };
    let app = App {
        database: start.database(shared::sync::HOT).await?,
        way,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverUserWebhook])?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::SyncZoho], app, handle).await
}

/// Works on the named people and on whoever else is due.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    if !app.enabled {
        return Ok(());
    }
    let connection = app.database.connection().await?;
    let reserve = match &app.way {
        Way::Native(_) => Some(app.credit_reserve),
        Way::Middleware => None,
    };
    let (kind, time) = (Kind::SyncZoho, wakeup.time);
    let most = kind.batch_size();
    let claim = db::tasks::claim(&connection, kind, &wakeup.keys, most, ids::new(), time.lease(), reserve).await?;
    // The pool has one connection.
    drop(connection);
    let mut more = claim.more;
    if !claim.tasks.is_empty() {
        let worked = worker::in_halves(&claim, time, async |part| work(app, part, time).await).await;
        more |= worker::settle(&claim, &app.database, worked).await?.contains(&true);
    }
    if more {
        app.queues.nudge(kind).await?;
    }
    Ok(())
}

/// Returns whether some of it is due again at once.
async fn work(app: &App, claim: &Claim, time: TimeLeft) -> Result<bool, Error> {
    let (follow_up, again) = match &app.way {
        Way::Native(zoho) => {
            let engine = Engine { database: &app.database, zoho, now: clock::now(), time };
            let after = engine.push(claim).await?;
            (after.follow_up, after.again)
        }
        Way::Middleware => (middleware::work(&app.database, claim).await?, false),
    };
    app.queues.wake(&follow_up).await;
    Ok(again)
}
