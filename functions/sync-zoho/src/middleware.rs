//! The way over Make or Zapier: they make the Contacts and send `crm.contact.linked` back. Whoever is not linked is
//! told of again, until somebody has to look.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use shared::Error;
use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::unlinked::{self, Unlinked};
use shared::db::webhook_events::{self, Happening};
use shared::db::{self, Database, erasures, left_to_middleware};
use shared::domain::UserId;
use shared::tasks::{Failure, FollowUp};
use uuid::Uuid;

/// How long a scenario has to send the link back: long enough for one that runs on a schedule.
const PATIENCE: Duration = Duration::from_hours(1);
/// How often a user is told of before a person has to look.
const MOST_SENT: u32 = 24;

/// Completes the tasks of those who are linked, for the native route to ask for them again, and tells of the others once more.
/// Returns whom to wake.
pub(crate) async fn work(database: &Database, claim: &Claim) -> Result<FollowUp, Error> {
    db::once_more(|| tell(database, claim)).await
}

/// Events and outcomes in one transaction: a worker that dies has told nobody.
async fn tell(database: &Database, claim: &Claim) -> Result<FollowUp, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let keys: Vec<Uuid> = claim.tasks.iter().map(|task| task.key).collect();
    let unlinked = unlinked::by_ids(&tx, &keys, PATIENCE).await?;
    let mut unlinked: HashMap<UserId, Unlinked> = unlinked.into_iter().map(|one| (one.user, one)).collect();
    let erasures = erasures::open(&tx, &keys).await?;
    // Only that there is an erasure matters here, not which Contact it is of.
    let erased: HashSet<Uuid> = erasures
        .rows
        .iter()
        .map(|erasure| erasure.user.0)
        .chain(erasures.unreadable.iter().map(|row| row.key))
        .collect();
    let mut step = |task: &ClaimedTask| match unlinked.remove(&UserId(task.key)) {
        Some(one) => Step::of(task, one),
        None if erased.contains(&task.key) => Step::Erase,
        // Linked, an admin, or gone without a trace.
        None => Step::Complete,
    };
    let steps: Vec<(ClaimedTask, Step)> = claim.tasks.iter().map(|task| (*task, step(task))).collect();
    let completed = steps.iter().filter(|(_, step)| matches!(step, Step::Complete));
    let completed: Vec<Uuid> = completed.map(|(task, _)| task.key).collect();
    left_to_middleware::note(&tx, &completed).await?;
    let to_tell: Vec<UserId> =
        steps.iter().filter(|(_, step)| matches!(step, Step::Tell(_))).map(|(task, _)| UserId(task.key)).collect();
    // A new event: receivers drop those whose `webhook-id` they know.
    let follow_up = webhook_events::emit(&tx, Happening::UsersCreated(&to_tell)).await?;
    let outcomes: Vec<(ClaimedTask, Outcome)> = steps.into_iter().map(|(task, step)| (task, step.outcome())).collect();
    claim.record(&tx, &outcomes).await?;
    tx.commit().await?;
    Ok(follow_up)
}

/// What is to be done for one user.
#[derive(Debug)]
enum Step {
    Complete,
    Tell(Unlinked),
    Wait(Unlinked),
    GiveUp(Unlinked),
    /// She is gone here, and middleware has no word for that.
    Erase,
}

impl Step {
    /// She may have been told of long before this task: whoever replays one that has failed starts a new round. And it
    /// may have been tried on the other route, or while nobody listened: that was no telling.
    fn of(task: &ClaimedTask, user: Unlinked) -> Self {
        match user {
            // An event would reach nobody, and stand among those that can be sent again.
            user if user.endpoints.is_empty() => Self::Wait(Unlinked { wait: PATIENCE, ..user }),
            user if !user.wait.is_zero() => Self::Wait(user),
            user if task.attempts > MOST_SENT && user.sent >= i64::from(MOST_SENT) => Self::GiveUp(user),
            user => Self::Tell(user),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Complete => Outcome::Complete,
            Self::Tell(user) => Outcome::Retry(PATIENCE, waiting(&user.endpoints, user.sent + 1)),
            Self::Wait(user) => Outcome::Retry(user.wait, waiting(&user.endpoints, user.sent)),
            Self::GiveUp(user) => Outcome::Fail(never_linked(&user)),
            Self::Erase => Outcome::Fail(erase_by_hand()),
        }
    }
}

fn waiting(endpoints: &str, sent: i64) -> Failure {
    let message = if endpoints.is_empty() {
        "No endpoint takes user.created: name one in the secret of the endpoints, or enable the one that is disabled. \
         Its scenario makes the Contact and sends crm.contact.linked back (docs/middleware)."
            .to_owned()
    } else {
        format!(
            "This user has no Contact yet. The scenario in Make or Zapier (endpoint: {endpoints}) has to make one and send \
             crm.contact.linked back (docs/middleware). It was told of the user {sent} times, and is told again every hour."
        )
    };
    Failure::new("waiting-for-link", message)
}

fn never_linked(user: &Unlinked) -> Failure {
    let (sent, endpoints) = (user.sent, &user.endpoints);
    Failure::new(
        "never-linked",
        format!(
            "user.created was sent {sent} times and no crm.contact.linked came back. Look into the history of the scenario in \
             Make or Zapier (endpoint: {endpoints}): it has to run, to make the Contact, and to get a 202 for its last step \
             (docs/middleware). Mend it and replay this task."
        ),
    )
}

fn erase_by_hand() -> Failure {
    Failure::new(
        "erase-by-hand",
        "This user was erased here and may still stand in the CRM, which on the route over middleware is not ours to write. \
         Delete her Contact there, which carries her id (this task's key), and set erased_at of her row in erasures \
         (docs/operations.md); or take the native route. Then replay this task.",
    )
}
