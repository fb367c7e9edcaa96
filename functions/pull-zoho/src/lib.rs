//! Takes over what people have changed in the CRM, up to a hundred records in a call. On the route over middleware the CRM
//! is not ours to read: the tasks wait for the day on which it is again, since nobody would look for those changes anew.

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
    /// `None`: `ENABLE_ZOHO_SYNC` is off, or `ZOHO_SYNC_ROUTE` leads over middleware. The tasks wait where they are.
    pub zoho: Option<FollowedSecret<ZohoSettings, Zoho>>,
    /// Its own, that of the people whose work may succeed now, and that of those who are told of people.
    pub queues: Queues,
    /// `ZOHO_CREDIT_RESERVE`: so many of the day's API credits are kept for what somebody waits for.
    pub credit_reserve: i64,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let zoho =
        if start.reads_crm()? { Some(start.secrets().followed("ZOHO_SECRET", clock::now()).await?) } else { None };
    let app = App {
        database: start.database(shared::sync::HOT).await?,
        zoho,
        queues: start.queues(&[Kind::PullZoho, Kind::SyncZoho, Kind::DeliverUserWebhook])?,
        credit_reserve: start.environment.parsed("ZOHO_CREDIT_RESERVE")?,
    };
    sqs::run(&start, &[Kind::PullZoho], app, handle).await
}

/// Works on the named records and on whichever else are due.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    let Some(zoho) = &app.zoho else { return Ok(()) };
    let connection = app.database.connection().await?;
    let (kind, time) = (Kind::PullZoho, wakeup.time);
    let most = kind.batch_size();
    let reserve = Some(app.credit_reserve);
    let claim = db::tasks::claim(&connection, kind, &wakeup.keys, most, ids::new(), time.lease(), reserve).await?;
    // The pool has one connection.
    drop(connection);
    let mut more = claim.more;
    if !claim.tasks.is_empty() {
        let worked = worker::in_halves(&claim, time, async |part| work(app, zoho, part, time).await).await;
        more |= worker::settle(&claim, &app.database, worked).await?.contains(&true);
    }
    if more {
        app.queues.nudge(kind).await?;
    }
    Ok(())
}

/// Returns whether some of it is due again at once.
async fn work(
    app: &App,
    zoho: &FollowedSecret<ZohoSettings, Zoho>,
    claim: &Claim,
    time: TimeLeft,
) -> Result<bool, Error> {
    let engine = Engine { database: &app.database, zoho, now: clock::now(), time };
    let after = engine.pull(claim).await?;
    app.queues.wake(&after.follow_up).await;
    Ok(after.again)
}
