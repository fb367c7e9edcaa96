//! Takes over what people have changed in the CRM, up to a hundred records in a call. On the route over middleware there is
//! nothing to take over: the CRM is not ours to read then.

use shared::db::tasks::{Claim, Outcome};
use shared::db::{self, Database};
use shared::lambda::sqs::{TimeLeft, Wakeup};
use shared::lambda::worker;
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
    /// `None`: `ZOHO_SYNC_ROUTE` leads over middleware.
    pub zoho: Option<FollowedSecret<ZohoSettings, Zoho>>,
    /// Its own, that of the people whose work may succeed now, and that of those who are told of people.
    pub queues: Queues,
    /// `ENABLE_ZOHO_SYNC`. Off, the tasks wait where they are.
    pub enabled: bool,
    /// `ZOHO_CREDIT_RESERVE`: so many of the day's API credits are kept for what somebody waits for.
    pub credit_reserve: i64,
}

/// Works on the named records and on whichever else are due.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    if !app.enabled {
        return Ok(());
    }
    let connection = app.database.connection().await?;
    let lowest = db::zoho_budget::lowest(&connection, app.credit_reserve).await?;
    let (kind, time) = (Kind::PullZoho, wakeup.time);
    let most = kind.batch_size();
    let claim = db::tasks::claim(&connection, kind, &wakeup.keys, most, ids::new(), time.lease(), lowest).await?;
    // The pool has one connection.
    drop(connection);
    let mut more = claim.more;
    if !claim.tasks.is_empty() {
        let worked = work(app, &claim, time).await.map(|again| more |= again);
        worker::settle(&claim, &app.database, worked, ids::random_fraction()).await?;
    }
    if more {
        app.queues.nudge(kind).await?;
    }
    Ok(())
}

/// Returns whether some of it is due again at once.
async fn work(app: &App, claim: &Claim, time: TimeLeft) -> Result<bool, Error> {
    let Some(zoho) = &app.zoho else {
        db::insist(|| pass_over(&app.database, claim)).await?;
        return Ok(false);
    };
    let engine = Engine { database: &app.database, zoho, now: clock::now(), time };
    let after = engine.pull(claim).await?;
    app.queues.wake(&after.follow_up).await;
    Ok(after.again)
}

/// Completes tasks that were written while the route was another one.
async fn pass_over(database: &Database, claim: &Claim) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let outcomes: Vec<_> = claim.tasks.iter().map(|task| (*task, Outcome::Complete)).collect();
    claim.record(&tx, &outcomes).await?;
    tx.commit().await?;
    Ok(())
}
