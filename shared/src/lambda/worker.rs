//! The end of a worker's invocation: work that went wrong on our own side goes back to wait.

use crate::db::tasks::{Claim, ClaimedTask, Outcome};
use crate::db::{self, Database};
use crate::error::Error;
use crate::tasks::{Failure, backoff};

/// Ends the work on claimed tasks. If it went wrong on our own side, they go back to wait, with the reason: that is
/// no crash of theirs. Without a database the lease has to end by itself. `random` lies in `0.0..1.0`.
pub async fn settle(claim: &Claim, database: &Database, worked: Result<(), Error>, random: f64) -> Result<(), Error> {
    let Err(error) = worked else { return Ok(()) };
    tracing::error!(kind = claim.kind().as_str(), error = error.chain(), "the work goes back to wait");
    db::insist(|| give_back(claim, database, &error, random)).await
}

async fn give_back(claim: &Claim, database: &Database, error: &Error, random: f64) -> Result<(), Error> {
    let failure = Failure::new("internal", format!("Our own side failed, and tries again: {error}."));
    let put_back = |task: &ClaimedTask| (*task, Outcome::Retry(backoff(task.attempts, random), failure.clone()));
    let outcomes: Vec<(ClaimedTask, Outcome)> = claim.tasks.iter().map(put_back).collect();
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    claim.record(&tx, &outcomes).await?;
    tx.commit().await?;
    Ok(())
}
