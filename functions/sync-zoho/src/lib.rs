//! Makes Zoho's Contacts match our people, up to a hundred in a call: claim → read the present → act at Zoho →
//! record and complete in one transaction. Or sees to it that Make or Zapier do.

mod act;
mod middleware;
mod plan;
mod problem;

use std::collections::HashMap;
use std::time::Duration;

use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::zoho_links::{self, Synced};
use shared::db::{self, Connection, Database};
use shared::domain::UserId;
use shared::lambda::sqs::{TimeLeft, Wakeup};
use shared::lambda::worker;
use shared::queue::{Queue, Queues};
use shared::tasks::{Kind, Priority, backoff};
use shared::zoho::Zoho;
use shared::{Error, ids};

use crate::problem::{Problem, belongs_to_another};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub way: Way,
    pub queue: Queue,
    /// `ENABLE_ZOHO_SYNC`. Off, the tasks wait where they are.
    pub enabled: bool,
    /// `ZOHO_CREDIT_RESERVE`.
    pub credit_reserve: i64,
}

/// How people get into the CRM: `ZOHO_SYNC_ROUTE`. The tasks are the same, so that a change of route loses nobody.
#[derive(Debug)]
pub enum Way {
    Native(Box<Zoho>),
    /// With the queues of what Make and Zapier are told.
    Middleware(Queues),
}

/// What came of one person.
#[derive(Debug)]
pub(crate) enum Sync {
    /// Both sides agree.
    Synced(Synced),
    /// Nothing to do, or nobody to do it for.
    Nothing,
    /// Some of it was done; the rest did not succeed.
    Partly(Synced, Problem),
    Failed(Problem),
}

/// Works on the named people and on whoever else is due.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    if !app.enabled {
        return Ok(());
    }
    let connection = app.database.connection().await?;
    let lease = ids::new();
    let most = Kind::SyncZoho.batch_size();
    let lowest = match &app.way {
        Way::Native(_) => db::zoho_budget::lowest(&connection, app.credit_reserve).await?,
        Way::Middleware(_) => Priority::Backfill,
    };
    let (kind, lease_for) = (Kind::SyncZoho, wakeup.time.lease());
    let claim = db::tasks::claim(&connection, kind, &wakeup.keys, most, lease, lease_for, lowest).await?;
    if !claim.tasks.is_empty() {
        let worked = match &app.way {
            Way::Native(zoho) => work(app, zoho, connection, &claim, wakeup.time).await,
            Way::Middleware(deliveries) => {
                // The pool has one connection.
                drop(connection);
                middleware::work(&app.database, deliveries, &claim).await
            }
        };
        worker::settle(&claim, &app.database, worked, ids::random_fraction()).await?;
    }
    if claim.more {
        app.queue.nudge().await?;
    }
    Ok(())
}

async fn work(app: &App, zoho: &Zoho, connection: Connection, claim: &Claim, time: TimeLeft) -> Result<(), Error> {
    let keys: Vec<_> = claim.tasks.iter().map(|task| task.key).collect();
    let people = db::people::by_ids(&connection, &keys).await?;
    let results = act::sync(zoho, &connection, people, time).await;
    // The pool has one connection, and recording may need a new one.
    drop(connection);
    db::insist(|| record(&app.database, claim, &results)).await
}

/// Links, outcomes and a pause if Zoho asked for one, in one transaction.
async fn record(database: &Database, claim: &Claim, results: &HashMap<UserId, Sync>) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let synced: Vec<Synced> = results.values().filter_map(Sync::synced).cloned().collect();
    let refused = zoho_links::record(&tx, &synced).await?;
    let pause = results.values().filter_map(Sync::pause).max_by_key(|(pause, _)| *pause);
    let outcomes: Vec<(ClaimedTask, Outcome)> = claim
        .tasks
        .iter()
        .map(|task| {
            let user = UserId(task.key);
            // Whoever is not among the results does not exist any more.
            let result = results.get(&user).unwrap_or(&Sync::Nothing);
            (*task, result.outcome(task, refused.contains(&user)))
        })
        .collect();
    claim.record(&tx, &outcomes).await?;
    if let Some((pause, reason)) = pause {
        db::tasks::pause(&tx, claim.kind(), pause, &reason).await?;
    }
    tx.commit().await?;
    Ok(())
}

impl Sync {
    fn synced(&self) -> Option<&Synced> {
        match self {
            Self::Synced(synced) | Self::Partly(synced, _) => Some(synced),
            Self::Nothing | Self::Failed(_) => None,
        }
    }

    fn pause(&self) -> Option<(Duration, String)> {
        match self {
            Self::Failed(Problem::Pause(pause, failure)) | Self::Partly(_, Problem::Pause(pause, failure)) => {
                Some((*pause, format!("{}: {}", failure.code, failure.message)))
            }
            _ => None,
        }
    }

    fn outcome(&self, task: &ClaimedTask, refused: bool) -> Outcome {
        match self {
            Self::Synced(_) | Self::Partly(..) if refused => Outcome::Fail(belongs_to_another()),
            Self::Nothing | Self::Synced(_) => Outcome::Complete,
            Self::Partly(_, problem) | Self::Failed(problem) => match problem {
                Problem::Never(failure) => Outcome::Fail(failure.clone()),
                Problem::Pause(wait, failure) => Outcome::Retry(*wait, failure.clone()),
                Problem::Later(wait, failure) => Outcome::Retry(
                    wait.unwrap_or_else(|| backoff(task.attempts, ids::random_fraction())),
                    failure.clone(),
                ),
            },
        }
    }
}
