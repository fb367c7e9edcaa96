//! A gallery went live: makes one alert for every parent in one statement, queued in batches or, while the flag
//! is off, held. A hundred thousand parents take one task and no message each.

use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::{self, Database};
use shared::domain::GalleryId;
use shared::lambda::sqs::Wakeup;
use shared::lambda::{Start, StartError, sqs, worker};
use shared::queue::Queue;
use shared::tasks::Kind;
use shared::{Error, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queue: Queue,
    pub send_alerts: Queue,
    /// `ENABLE_EMAIL_ALERTS`.
    pub enabled: bool,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start.database(&[db::tasks::HOT, db::tasks::HOT_WORK, db::alerts::HOT]).await?,
        queue: start.queue(Kind::FanOutGallery)?,
        send_alerts: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
    };
    sqs::run(&start, &[Kind::FanOutGallery], app, handle).await
}

/// There is no call to the outside: reading, acting and recording are one transaction.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    let connection = app.database.connection().await?;
    let claim =
        db::tasks::claim(&connection, Kind::FanOutGallery, &wakeup.keys, 1, ids::new(), wakeup.time.lease(), None)
            .await?;
    // The pool has one connection.
    drop(connection);
    if let Some(task) = claim.tasks.first() {
        let worked = worker::in_halves(&claim, wakeup.time, async |claim| work(app, claim, *task).await).await;
        worker::settle(&claim, &app.database, worked).await?;
    }
    if claim.more {
        app.queue.nudge().await?;
    }
    Ok(())
}

async fn work(app: &App, claim: &Claim, task: ClaimedTask) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    // A gallery that is gone, or not live any more, has nobody to tell.
    let batches = db::alerts::fan_out(&tx, GalleryId(task.key), app.enabled).await?;
    let follow_up = db::tasks::enqueue(&tx, Kind::SendAlerts, &batches).await?;
    claim.record(&tx, &[(task, Outcome::Complete)]).await?;
    tx.commit().await?;
    app.send_alerts.wake(follow_up.keys(Kind::SendAlerts)).await;
    Ok(())
}
