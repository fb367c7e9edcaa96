//! What came of a round, written down in one transaction: links, profiles, conflicts, events, outcomes, a pause.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::fate::{self, Fate, Kept};
use super::half::Half;
use super::problem::{Problem, belongs_to_another};
use super::round::Round;
use crate::db::people::{self, Person};
use crate::db::taken_over::{self, Taken};
use crate::db::tasks::{self, Claim, ClaimedTask, Outcome};
use crate::db::webhook_events::{self, Happening};
use crate::db::zoho_intentions;
use crate::db::zoho_links::{self, Agreed};
use crate::db::{Database, Transaction, erasures, strangers, sync_conflicts, users};
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::error::Error;
use crate::ids;
use crate::tasks::{FollowUp, Kind};

/// The kinds that call the CRM: what stops one of them stops both.
const CRM_KINDS: [Kind; 2] = [Kind::PullZoho, Kind::SyncZoho];

/// What follows the recording.
#[derive(Debug, Default)]
#[must_use = "workers are woken after the commit"]
pub struct After {
    pub follow_up: FollowUp,
    /// Some of it is due again at once.
    pub again: bool,
}

/// Records a round. Whoever has changed since she was read is not recorded but for what was written, and is due again.
pub(super) async fn record(
    database: &Database,
    claim: &Claim,
    round: &Round,
    fingerprint: &[u8; 32],
) -> Result<After, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let ids: BTreeSet<Uuid> = round.people.keys().chain(&round.cleared).map(|user| user.0).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    users::lock_all(&tx, &ids).await?;
    let now: HashMap<UserId, Person> =
        people::by_ids(&tx, &ids).await?.rows.into_iter().map(|person| (person.id, person)).collect();
    let fates: Vec<(&Half, Fate<'_>)> = round
        .halves
        .iter()
        .map(|half| (half, Fate::of(half, round.people.get(&half.user), now.get(&half.user), claim.lease())))
        .collect();
    let refused = link(&tx, claim.lease(), &fates).await?;
    let mut after = take_over(&tx, &fates, &now).await?;
    let (outcomes, handed_over) = outcomes(claim, round, &fates, &refused);
    after.follow_up.and(ask_for_more(&tx, claim.lease(), round, &fates, handed_over).await?);
    let erased: Vec<Uuid> = round.erased.iter().filter(|(_, end)| end.is_ok()).map(|(user, _)| user.0).collect();
    erasures::close(&tx, &erased).await?;

    after.again = outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Retry(wait, _) if wait.is_zero()));
    claim.record(&tx, &outcomes).await?;
    if let Some(problem) = round.problems().find(|problem| problem.concerns_all()) {
        after.again = false;
        pause(&tx, problem, fingerprint).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// The links, and whom they were refused to.
async fn link(
    tx: &Transaction<'_>,
    lease: Uuid,
    fates: &[(&Half, Fate<'_>)],
) -> Result<HashSet<(UserId, CrmModule)>, Error> {
    let mut refused = HashSet::new();
    for module in CrmModule::ALL {
        let of_module = || fates.iter().filter(|(half, _)| half.module == module);
        let users = |wanted: fn(&Fate<'_>) -> bool| -> Vec<Uuid> {
            of_module().filter(|(_, fate)| wanted(fate)).map(|(half, _)| half.user.0).collect()
        };
        let gone = users(|fate| matches!(fate, Fate::Gone));
        if !gone.is_empty() {
            zoho_links::unlink(tx, module, &gone).await?;
        }
        let echoes = of_module().filter_map(|(half, fate)| match fate {
            Fate::Echo(read_at) => Some((half.user, *read_at)),
            _ => None,
        });
        let echoes: Vec<_> = echoes.collect();
        if !echoes.is_empty() {
            zoho_links::looked_at(tx, module, &echoes).await?;
        }
        // They may be there, and whoever has recorded something meanwhile may not have seen them.
        let put: Vec<(UserId, Vec<String>)> = of_module().filter_map(|(half, fate)| fate.tags_put(half)).collect();
        if !put.is_empty() {
            zoho_intentions::intend_tags(tx, &put).await?;
        }
        let denied = of_module().filter(|(half, fate)| fate.is_denied(half));
        let denied: Vec<Uuid> = denied.map(|(half, _)| half.user.0).collect();
        if !denied.is_empty() {
            zoho_intentions::forget_intentions(tx, module, lease, &denied).await?;
        }
        let agreed: Vec<Agreed<'_>> = of_module().filter_map(|(half, fate)| fate.kept()?.agreed(half.user)).collect();
        let unlinked = zoho_links::record(tx, module, lease, &agreed).await?;
        refused.extend(unlinked.into_iter().map(|user| (user, module)));
    }
    Ok(refused)
}

/// What was changed over there, and what both sides had something to say about.
async fn take_over(
    tx: &Transaction<'_>,
    fates: &[(&Half, Fate<'_>)],
    now: &HashMap<UserId, Person>,
) -> Result<After, Error> {
    let changes = fate::taken(fates);
    let taken =
        changes.iter().filter_map(|(user, changes)| Some(Taken { user: *user, role: now.get(user)?.role, changes }));
    let taken: Vec<Taken<'_>> = taken.collect();
    taken_over::take_over(tx, &taken).await?;
    let mut conflicts = fate::conflicts(fates);
    conflicts.retain(|(user, ..)| now.contains_key(user));
    sync_conflicts::note(tx, &conflicts).await?;
    let updated: Vec<UserId> = taken.iter().map(|taken| taken.user).collect();
    let follow_up = webhook_events::emit(tx, Happening::UsersUpdated(&updated)).await?;
    Ok(After { follow_up, again: false })
}

/// Tasks of others, of those to whom something is handed over, and of those whose record is gone: something else may carry
/// their id by now.
async fn ask_for_more(
    tx: &Transaction<'_>,
    lease: Uuid,
    round: &Round,
    fates: &[(&Half, Fate<'_>)],
    handed_over: BTreeSet<Uuid>,
) -> Result<FollowUp, Error> {
    let mut keys = handed_over;
    keys.extend(round.detached.iter().chain(&round.unreadable).map(|user| user.0));
    keys.extend(fates.iter().filter(|(_, fate)| matches!(fate, Fate::Gone)).map(|(half, _)| half.user.0));
    let cleared: Vec<Uuid> = round.cleared.iter().map(|user| user.0).collect();
    if !cleared.is_empty() {
        zoho_intentions::forget_clearing(tx, lease, &cleared).await?;
    }
    if !round.corrected.is_empty() {
        let corrected: Vec<Uuid> = round.corrected.iter().map(|user| user.0).collect();
        zoho_links::count_corrections(tx, &corrected).await?;
    }
    // Whose address is recorded has another one there by now; the others get theirs by their own tasks.
    let recorded: HashSet<Uuid> = fates
        .iter()
        .filter(|(half, fate)| half.module == CrmModule::Contacts && fate.kept().is_some_and(Kept::has_address))
        .map(|(half, _)| half.user.0)
        .collect();
    let cleared: Vec<Uuid> = cleared.into_iter().filter(|user| !recorded.contains(user)).collect();
    if !cleared.is_empty() {
        zoho_links::forget_addresses(tx, &cleared).await?;
        keys.extend(cleared);
    }
    if !round.strangers.is_empty() {
        keys.extend(strangers::users(tx, &round.strangers).await?);
        let named: Vec<Uuid> = round.strangers.iter().filter_map(|stranger| Some(stranger.user?.0)).collect();
        keys.extend(erasures::reopen(tx, &named).await?);
    }
    let keys: Vec<Uuid> = keys.into_iter().collect();
    let mut follow_up = tasks::enqueue(tx, Kind::SyncZoho, &keys).await?;
    if !round.seen.is_empty() {
        let moved: Vec<Uuid> = round.moved.iter().map(|user| user.0).collect();
        follow_up.and(tasks::revive_for(tx, Kind::SyncZoho, &moved, &round.seen).await?);
    }
    Ok(follow_up)
}

/// What becomes of the tasks, and the users whose own tasks have to go on with what a change over there has led to: what
/// cannot be written is told in one place, and ends there once its cause is mended.
fn outcomes(
    claim: &Claim,
    round: &Round,
    fates: &[(&Half, Fate<'_>)],
    refused: &HashSet<(UserId, CrmModule)>,
) -> (Vec<(ClaimedTask, Outcome)>, BTreeSet<Uuid>) {
    let mut handed_over = BTreeSet::new();
    let mut problems: HashMap<Uuid, Problem> = HashMap::new();
    let mut note = |key: Uuid, problem: Problem| {
        let worse = problems.get(&key).is_none_or(|other| problem.rank() < other.rank());
        if worse {
            problems.insert(key, problem);
        }
    };
    for (half, fate) in fates {
        let is_refused = refused.contains(&(half.user, half.module));
        let problem =
            if is_refused { Some(Problem::Never(belongs_to_another(half.record()))) } else { fate.problem(half) };
        match problem {
            Some(Problem::Never(_) | Problem::Suspect(_)) if claim.kind() == Kind::PullZoho => {
                handed_over.insert(half.user.0);
            }
            Some(problem) => note(half.key, problem),
            None => {}
        }
    }
    for (key, problem) in round.unread.iter().cloned().chain(round.not_erased()) {
        note(key, problem);
    }
    let outcome = |task: &ClaimedTask| match problems.get(&task.key) {
        // Nothing is left to do, or nobody to do it for.
        None => Outcome::Complete,
        Some(problem) => problem.outcome(task, ids::random_fraction()),
    };
    (claim.tasks.iter().map(|task| (*task, outcome(task))).collect(), handed_over)
}

async fn pause(tx: &Transaction<'_>, problem: &Problem, fingerprint: &[u8; 32]) -> Result<(), Error> {
    let reason = |failure: &crate::tasks::Failure| format!("{}: {}", failure.code, failure.message);
    match problem {
        Problem::Refused(failure) => tasks::pause_refused(tx, &CRM_KINDS, fingerprint, &reason(failure)).await,
        Problem::Pause(wait, failure) => {
            for kind in CRM_KINDS {
                tasks::pause(tx, kind, *wait, &reason(failure)).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
