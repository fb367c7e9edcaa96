//! Sends one batch of alerts as one transmission of Zoho Campaigns. Zoho has no idempotency key, so the batch is
//! marked as sending before the call; whoever finds it so afterwards knows that nobody knows, and does not send
//! it again.

use std::time::Duration;

use shared::bounds;
use shared::db::alerts::{self, Batch, BatchStatus};
use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::{self, Connection, Database, Loaded, Transaction};
use shared::domain::AlertBatchId;
use shared::domain::alert::Recipient;
use shared::lambda::sqs::{TimeLeft, Wakeup};
use shared::lambda::{Start, StartError, sqs, worker};
use shared::queue::Queue;
use shared::secrets::FollowedSecret;
use shared::tasks::{Failure, FollowUp, Kind, backoff};
use shared::zoho::{Campaigns, Transmission, Transmitted, ZohoSettings};
use shared::{Error, clock, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    /// Followed, as the CRM's workers do: two with different credentials would take each other's token away.
    pub campaigns: FollowedSecret<ZohoSettings, Campaigns>,
    pub queue: Queue,
    /// `ENABLE_EMAIL_ALERTS`.
    pub enabled: bool,
    /// Whether e-mails may name the athletes.
    pub names_athletes: bool,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    // First: without this secret the function does not start, and a login would be in vain.
    let campaigns = start.secrets().followed("ZOHO_SECRET", clock::now()).await?;
    let app = App {
        database: start.database(&[db::tasks::HOT_WORK, alerts::HOT_SEND, db::zoho_token::HOT]).await?,
        campaigns,
        queue: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
        names_athletes: start.environment.flag("ALERTS_NAME_ATHLETES")?,
    };
    sqs::run(&start, &[Kind::SendAlerts], app, handle).await
}

/// Works on the named batch, or on whichever comes first.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    let connection = app.database.connection().await?;
    let claim =
        db::tasks::claim(&connection, Kind::SendAlerts, &wakeup.keys, 1, ids::new(), wakeup.time.lease(), None).await?;
    // The pool has one connection.
    drop(connection);
    if let Some(task) = claim.tasks.first() {
        let work = Work { app, claim: &claim, task: *task, id: AlertBatchId(task.key) };
        let worked = worker::in_halves(&claim, wakeup.time, async |_| work.run(wakeup.time).await).await;
        worker::settle(&claim, &app.database, worked).await?;
    }
    if claim.more {
        app.queue.nudge().await?;
    }
    Ok(())
}

/// One batch under one lease.
struct Work<'a> {
    app: &'a App,
    claim: &'a Claim,
    task: ClaimedTask,
    id: AlertBatchId,
}

/// What became of a batch.
enum Done {
    /// Handed over, or not.
    Transmitted(Transmitted),
    /// An earlier worker began the call and left no outcome.
    FoundUncertain,
    /// Off, or nothing to see any more.
    Hold,
    /// The gallery is gone, or somebody has dealt with the batch, or nobody is left to write to.
    Nothing,
    OutOfTime,
    /// Only a person can mend what it is about.
    Unreadable(Failure),
}

impl Work<'_> {
    async fn run(&self, time: TimeLeft) -> Result<(), Error> {
        let mut connection = self.app.database.connection().await?;
        let Loaded { rows, unreadable } = alerts::batch(&connection, self.id).await?;
        let batch = rows.into_iter().next();
        let may_have_gone = batch.as_ref().is_some_and(|batch| batch.may_have_gone);
        let done = match batch {
            None if !unreadable.is_empty() => {
                Done::Unreadable(unreadable[0].failure(format_args!("the gallery of batch {}", self.id)))
            }
            Some(batch) if batch.status == BatchStatus::Queued => self.send(&mut connection, &batch, time).await?,
            Some(batch) if batch.status == BatchStatus::Sending => Done::FoundUncertain,
            Some(_) | None => Done::Nothing,
        };
        // The pool has one connection, and recording may need a new one.
        drop(connection);
        let due = db::insist(|| self.record(&done, may_have_gone)).await?;
        self.app.queue.wake(due.keys(Kind::SendAlerts)).await;
        Ok(())
    }

    async fn send(&self, connection: &mut Connection, batch: &Batch, time: TimeLeft) -> Result<Done, Error> {
        if !self.app.enabled || !batch.gallery_is_live {
            return Ok(Done::Hold);
        }
        if !time.fits(bounds::CAMPAIGNS_PREPARE + bounds::CAMPAIGNS_TRANSMIT) {
            return Ok(Done::OutOfTime);
        }
        let campaigns = self.app.campaigns.current(clock::now()).await;
        let ready = match campaigns.prepare(connection).await {
            Ok(ready) => ready,
            Err(not_sent) => return Ok(Done::Transmitted(not_sent)),
        };
        let recipients = self.begin(connection).await?;
        if recipients.is_empty() {
            return Ok(Done::Nothing);
        }
        let transmission = Transmission {
            batch: batch.id,
            recipients: &recipients,
            title: &batch.title,
            public_url: batch.public_url.as_ref(),
            names_athletes: self.app.names_athletes,
        };
        Ok(Done::Transmitted(campaigns.transmit(connection, ready, &transmission).await))
    }

    /// Marks the batch, for good, before anything leaves. Returns whom to write to.
    async fn begin(&self, connection: &mut Connection) -> Result<Vec<Recipient>, Error> {
        let tx = connection.transaction().await?;
        let recipients = alerts::begin_sending(&tx, self.id).await?;
        tx.commit().await?;
        Ok(recipients.unwrap_or_default())
    }

    /// Writes down what became of the batch and of its task; returns the batches that are due now.
    async fn record(&self, done: &Done, may_have_gone: bool) -> Result<FollowUp, Error> {
        let mut connection = self.app.database.connection().await?;
        let tx = connection.transaction().await?;
        let (outcome, due) = match done {
            Done::Transmitted(transmitted) => self.recorded(&tx, transmitted, may_have_gone).await?,
            Done::FoundUncertain => {
                tracing::warn!(batch = %self.id, "an earlier worker died while it sent this batch");
                alerts::mark_uncertain(&tx, self.id).await?;
                (Outcome::Complete, FollowUp::default())
            }
            Done::Hold => {
                alerts::hold(&tx, self.id).await?;
                (Outcome::Complete, FollowUp::default())
            }
            Done::Nothing => (Outcome::Complete, FollowUp::default()),
            Done::Unreadable(failure) => (Outcome::Fail(failure.clone()), FollowUp::default()),
            Done::OutOfTime => {
                let message = "The invocation had too little time left; the work goes on by itself.";
                (Outcome::Retry(Duration::ZERO, Failure::new("out-of-time", message)), FollowUp::default())
            }
        };
        self.claim.record(&tx, &[(self.task, outcome)]).await?;
        tx.commit().await?;
        Ok(due)
    }

    /// What becomes of the task, and which batches are due now.
    async fn recorded(
        &self,
        tx: &Transaction<'_>,
        transmitted: &Transmitted,
        may_have_gone: bool,
    ) -> Result<(Outcome, FollowUp), Error> {
        let outcome = match transmitted {
            Transmitted::Accepted { transmission_id } => {
                alerts::mark_sent(tx, self.id, transmission_id).await?;
                Outcome::Complete
            }
            Transmitted::Unknown(failure) => {
                tracing::warn!(batch = %self.id, code = failure.code, "nobody knows whether this batch went");
                alerts::mark_uncertain(tx, self.id).await?;
                Outcome::Complete
            }
            Transmitted::NotSent { wait, pauses, failure } => {
                alerts::requeue(tx, self.id, may_have_gone).await?;
                let wait = wait.unwrap_or_else(|| backoff(self.task.attempts, ids::random_fraction()));
                if *pauses {
                    db::tasks::pause(tx, Kind::SendAlerts, wait, &format!("{}: {}", failure.code, failure.message))
                        .await?;
                }
                Outcome::Retry(wait, failure.clone())
            }
            Transmitted::Refused(failure) => {
                alerts::requeue(tx, self.id, may_have_gone).await?;
                Outcome::Fail(failure.clone())
            }
            Transmitted::TooManyRecipients => match alerts::halve(tx, self.id, may_have_gone).await? {
                Some(half) => {
                    let halves = db::tasks::enqueue(tx, Kind::SendAlerts, &[self.id.0, half]).await?;
                    return Ok((Outcome::Complete, halves));
                }
                None => Outcome::Fail(Failure::new(
                    "400011",
                    "Zoho takes not even one recipient. Check the account's limits.",
                )),
            },
        };
        Ok((outcome, FollowUp::default()))
    }
}
