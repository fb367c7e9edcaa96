//! Sends one batch of alerts as one transmission of Zoho Campaigns. Zoho has no idempotency key, so the batch is
//! marked as sending before the call; whoever finds it so afterwards knows that nobody knows, and does not send
//! it again.

use shared::db::alerts::{self, Batch, BatchStatus, Recipient};
use shared::db::tasks::{Claim, ClaimedTask, Outcome, Priority};
use shared::db::{self, Connection, Database, Transaction};
use shared::domain::AlertBatchId;
use shared::lambda::sqs::Wakeup;
use shared::queue::Queue;
use shared::tasks::{Failure, Kind, backoff};
use shared::zoho::{CALL_TIMEOUT, Transmission, Transmitted, Zoho};
use shared::{Error, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub zoho: Zoho,
    pub queue: Queue,
    /// `ENABLE_EMAIL_ALERTS`.
    pub enabled: bool,
    /// Whether e-mails may name the athletes.
    pub names_athletes: bool,
}

/// Works on the named batch, or on whichever comes first.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    let claim =
        db::tasks::claim(&connection, Kind::SendAlerts, &wakeup.keys, 1, ids::new(), wakeup.time.lease()).await?;
    let Some(task) = claim.tasks.first() else { return Ok(()) };
    let work = Work { app, claim: &claim, task: *task, id: AlertBatchId(task.key) };

    match alerts::batch(&connection, work.id).await? {
        Some(batch) if batch.status == BatchStatus::Queued => {
            // The token may have to be refreshed first, by one call or two.
            if wakeup.time.fits(CALL_TIMEOUT * 3) {
                work.send(&mut connection, &batch).await?;
            }
        }
        Some(batch) if batch.status == BatchStatus::Sending => work.find_uncertain(&mut connection).await?,
        // The gallery is gone, or somebody has dealt with the batch.
        Some(_) | None => work.finish(&mut connection, Outcome::Complete).await?,
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

impl Work<'_> {
    async fn send(&self, connection: &mut Connection, batch: &Batch) -> Result<(), Error> {
        if !self.app.enabled || !batch.gallery_is_live {
            return self.hold(connection).await;
        }
        let Some(recipients) = self.begin(connection).await? else { return Ok(()) };
        let transmission = Transmission {
            batch: batch.id,
            recipients: &recipients,
            title: &batch.title,
            public_url: batch.public_url.as_ref(),
            names_athletes: self.app.names_athletes,
        };
        let outcome = self.app.zoho.transmit(connection, &transmission).await;
        self.record(connection, outcome).await
    }

    /// Marks the batch, for good, before anything leaves. `None`: nobody is left to write to.
    async fn begin(&self, connection: &mut Connection) -> Result<Option<Vec<Recipient>>, Error> {
        let tx = connection.transaction().await?;
        let recipients = alerts::begin_sending(&tx, self.id).await?.unwrap_or_default();
        if recipients.is_empty() {
            self.claim.record(&tx, &[(self.task, Outcome::Complete)]).await?;
        }
        tx.commit().await?;
        Ok((!recipients.is_empty()).then_some(recipients))
    }

    async fn record(&self, connection: &mut Connection, transmitted: Transmitted) -> Result<(), Error> {
        let tx = connection.transaction().await?;
        let outcome = self.recorded(&tx, transmitted).await?;
        self.claim.record(&tx, &[(self.task, outcome)]).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn recorded(&self, tx: &Transaction<'_>, transmitted: Transmitted) -> Result<Outcome, Error> {
        match transmitted {
            Transmitted::Accepted { transmission_id } => {
                alerts::mark_sent(tx, self.id, &transmission_id).await?;
                Ok(Outcome::Complete)
            }
            Transmitted::Unknown(failure) => {
                tracing::warn!(batch = %self.id, code = failure.code, "nobody knows whether this batch went");
                alerts::mark_uncertain(tx, self.id).await?;
                Ok(Outcome::Complete)
            }
            Transmitted::NotSent { wait, pauses, failure } => {
                alerts::requeue(tx, self.id).await?;
                let wait = wait.unwrap_or_else(|| backoff(self.task.attempts, ids::random_fraction()));
                if pauses {
                    db::tasks::pause(tx, Kind::SendAlerts, wait, &format!("{}: {}", failure.code, failure.message))
                        .await?;
                }
                Ok(Outcome::Retry(wait, failure))
            }
            Transmitted::Refused(failure) => {
                alerts::requeue(tx, self.id).await?;
                Ok(Outcome::Fail(failure))
            }
            Transmitted::TooManyRecipients => match alerts::halve(tx, self.id).await? {
                Some(half) => {
                    db::tasks::enqueue(tx, Kind::SendAlerts, &[self.id.0, half], Priority::SignUp).await?;
                    Ok(Outcome::Complete)
                }
                None => Ok(Outcome::Fail(Failure::new(
                    "400011",
                    "Zoho takes not even one recipient. Check the account's limits.",
                ))),
            },
        }
    }

    /// An earlier worker began the call and left no outcome.
    async fn find_uncertain(&self, connection: &mut Connection) -> Result<(), Error> {
        tracing::warn!(batch = %self.id, "an earlier worker died while it sent this batch");
        let tx = connection.transaction().await?;
        alerts::mark_uncertain(&tx, self.id).await?;
        self.claim.record(&tx, &[(self.task, Outcome::Complete)]).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn hold(&self, connection: &mut Connection) -> Result<(), Error> {
        let tx = connection.transaction().await?;
        alerts::hold(&tx, self.id).await?;
        self.claim.record(&tx, &[(self.task, Outcome::Complete)]).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn finish(&self, connection: &mut Connection, outcome: Outcome) -> Result<(), Error> {
        let tx = connection.transaction().await?;
        self.claim.record(&tx, &[(self.task, outcome)]).await?;
        tx.commit().await?;
        Ok(())
    }
}
