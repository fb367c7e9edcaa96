//! What every worker does around its work: one task that fails on our own side, or panics, takes no neighbour down, and
//! goes back to wait with the reason.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use super::sqs::TimeLeft;
use crate::db::tasks::{Claim, ClaimedTask, Outcome};
use crate::db::{self, Database};
use crate::error::Error;
use crate::ids;
use crate::tasks::{Failure, backoff};

/// What came of the tasks of a claim.
#[derive(Debug)]
pub struct Worked<T> {
    /// What the work gave, for each part of the claim.
    pub done: Vec<T>,
    failed: Vec<(ClaimedTask, Failure)>,
}

/// Works on claimed tasks together. If that fails on our own side, works on each half, down to the task that it fails
/// for. So what is done for a task may be done again for it within one invocation, as after a worker that died. While the
/// database is away, or the time is over, nothing is tried again.
pub async fn in_halves<T>(claim: &Claim, time: TimeLeft, work: impl AsyncFn(&Claim) -> Result<T, Error>) -> Worked<T> {
    let mut worked = Worked { done: Vec::new(), failed: Vec::new() };
    let mut stopped: Option<Failure> = None;
    let mut open = vec![claim.tasks.clone()];
    while let Some(mut tasks) = open.pop() {
        if let Some(failure) = &stopped {
            worked.failed.extend(tasks.into_iter().map(|task| (task, failure.clone())));
            continue;
        }
        let part = claim.part(tasks.clone());
        let error = match AssertUnwindSafe(work(&part)).catch_unwind().await {
            Ok(Ok(done)) => {
                worked.done.push(done);
                continue;
            }
            Ok(Err(error)) => error,
            // Its message is in the log already, written by the panic hook.
            Err(_) => Error::internal("the worker panicked", "see the log"),
        };
        let (kind, count) = (claim.kind().as_str(), tasks.len());
        tracing::error!(kind, tasks = count, error = error.chain(), "work on tasks failed on our own side");
        let failure = Failure::new("internal", format!("Our own side failed, and tries again: {error}."));
        if matches!(error, Error::Unavailable { .. }) || !time.fits(Duration::ZERO) {
            stopped = Some(failure.clone());
        }
        if stopped.is_some() || count == 1 {
            worked.failed.extend(tasks.into_iter().map(|task| (task, failure.clone())));
        } else {
            let second = tasks.split_off(count / 2);
            open.extend([second, tasks]);
        }
    }
    worked
}

/// Puts back to wait what failed on our own side, each task for a time of its own. That is no crash of theirs. Without a
/// database the lease has to end by itself. Returns what the work gave.
pub async fn settle<T>(claim: &Claim, database: &Database, worked: Worked<T>) -> Result<Vec<T>, Error> {
    if !worked.failed.is_empty() {
        db::insist(|| give_back(claim, database, &worked.failed)).await?;
    }
    Ok(worked.done)
}

async fn give_back(claim: &Claim, database: &Database, failed: &[(ClaimedTask, Failure)]) -> Result<(), Error> {
    let put_back = |(task, failure): &(ClaimedTask, Failure)| {
        (*task, Outcome::Retry(backoff(task.attempts, ids::random_fraction()), failure.clone()))
    };
    let outcomes: Vec<(ClaimedTask, Outcome)> = failed.iter().map(put_back).collect();
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    claim.record(&tx, &outcomes).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::SystemTime;

    use uuid::Uuid;

    use super::*;
    use crate::tasks::Kind;

    #[expect(clippy::disallowed_methods, reason = "a deadline is a moment of this machine's clock")]
    fn time(left: Duration) -> TimeLeft {
        TimeLeft::until(SystemTime::now() + left)
    }

    fn claim(keys: u128) -> Claim {
        Claim::of(Kind::SyncZoho, (1..=keys).map(Uuid::from_u128))
    }

    fn keys(claim: &Claim) -> Vec<u128> {
        claim.tasks.iter().map(|task| task.key.as_u128()).collect()
    }

    fn broken() -> Error {
        Error::internal("a stored value is not valid", "sport")
    }

    #[tokio::test]
    async fn one_task_that_cannot_be_worked_on_fails_alone() {
        let worked = in_halves(&claim(100), time(Duration::from_mins(1)), async |part| match keys(part) {
            keys if keys.contains(&37) => Err(broken()),
            keys => Ok(keys.len()),
        })
        .await;

        assert_eq!(worked.failed.iter().map(|(task, _)| task.key.as_u128()).collect::<Vec<_>>(), [37]);
        assert_eq!(worked.done.iter().sum::<usize>(), 99);
        assert_eq!(worked.failed[0].1.code, "internal");
    }

    #[tokio::test]
    async fn a_panic_over_one_task_is_caught_and_its_neighbours_are_worked_on() {
        let worked = in_halves(&claim(4), time(Duration::from_mins(1)), async |part| {
            assert!(!keys(part).contains(&3), "of this task");
            Ok(keys(part).len())
        })
        .await;

        assert_eq!(worked.failed.iter().map(|(task, _)| task.key.as_u128()).collect::<Vec<_>>(), [3]);
        assert_eq!(worked.done.iter().sum::<usize>(), 3);
    }

    #[tokio::test]
    async fn work_is_not_split_while_the_database_is_away_or_the_time_is_over() {
        let away = || Error::unavailable("the database", "refused");
        for (left, error) in [(60, &away as &dyn Fn() -> Error), (1, &broken)] {
            let calls = RefCell::new(Vec::new());

            let worked = in_halves(&claim(8), time(Duration::from_secs(left)), async |part| {
                calls.borrow_mut().push(keys(part).len());
                Err::<(), _>(error())
            })
            .await;

            assert_eq!((calls.into_inner(), worked.failed.len()), (vec![8], 8), "{left}");
        }
    }
}
