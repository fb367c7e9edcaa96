//! Addresses that move on. Where they are unique in the CRM, one that a user has given up still stands on her Contact when
//! another user comes with it, and two who swap theirs stand in each other's way: whoever has another one by now loses
//! the old one first, and gets hers by her own task.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::calls::Calls;
use super::choice;
use super::clearing::{Old, clear};
use super::plan::Plan;
use super::problem::{Problem, waits_for_erasure};
use super::write::{Answer, Refused};
use crate::db::zoho_owners;
use crate::domain::event::CrmModule;
use crate::domain::record::Field;
use crate::domain::{CrmId, UserId};
use crate::error::Error;

/// What was cleared so far.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The users whose Contacts have lost their old address.
    pub cleared: Vec<UserId>,
    /// Those of them for whom sales had written it.
    pub corrected: Vec<UserId>,
    /// When, by Zoho's time, where nobody had changed the Contact since it was read for the user's plan.
    pub cleared_at: HashMap<UserId, DateTime<Utc>>,
}

/// Clears what is known to be in the way before anything is written. Whoever comes behind one that could not be
/// cleared has a problem.
pub(super) async fn ahead(calls: &mut Calls<'_>, plans: &mut [Plan]) -> Result<Way, Error> {
    let mut way = Way::default();
    let ready = plans.iter().filter(|plan| plan.problem.is_none());
    let to_clear = ready.flat_map(|plan| {
        let holders = plan.in_the_way.iter();
        holders.filter_map(|(holder, record)| Some((*holder, Old::of(plan, record)?)))
    });
    let problems = clear(calls, plans, to_clear.collect(), &mut way).await?;
    for plan in plans.iter_mut().filter(|plan| plan.problem.is_none()) {
        plan.problem = plan.in_the_way.iter().find_map(|(user, _)| problems.get(user).cloned());
    }
    Ok(way)
}

/// What follows for those whose address was in the way of a write.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// Their way is free now: they are written once more.
    pub again: HashSet<UserId>,
    /// Theirs is not, and that passes.
    pub problems: HashMap<UserId, Problem>,
}

/// Whose Contact is in the way, or why nobody can say so now.
type Holders = HashMap<CrmId, Result<UserId, Problem>>;

/// Clears what a write has met.
pub(super) async fn behind(
    calls: &mut Calls<'_>,
    plans: &mut [Plan],
    answers: &HashMap<UserId, Answer>,
    way: &mut Way,
) -> Result<Behind, Error> {
    let in_the_way: HashMap<UserId, CrmId> = answers
        .iter()
        .filter_map(|(user, answer)| match answer {
            Err(Refused::Record(error)) => Some((*user, error.address_of()?.clone())),
            _ => None,
        })
        .collect();
    if in_the_way.is_empty() {
        return Ok(Behind::default());
    }
    let holders = holders(calls, in_the_way.values().cloned().collect()).await?;
    let has_moved_on = |user: &UserId| {
        let moved = plans.iter().find(|plan| plan.user == *user && matches!(answers.get(user), Some(Ok(_))));
        moved.and_then(|plan| plan.write.as_ref()).is_some_and(|write| write.changes.contains_key(&Field::Email))
    };
    let old = |user: &UserId, record| Old::of(plans.iter().find(|plan| plan.user == *user)?, record);
    let to_clear: HashMap<UserId, Old> = in_the_way
        .iter()
        .filter_map(|(user, record)| match holders.get(record)? {
            Ok(holder) if holder != user => Some((*holder, old(user, record)?)),
            _ => None,
        })
        .filter(|(holder, _)| !has_moved_on(holder))
        .collect();
    let moved_on: HashSet<UserId> =
        holders.values().filter_map(|holder| holder.as_ref().ok().copied()).filter(has_moved_on).collect();
    let asked: HashSet<UserId> = to_clear.keys().copied().collect();
    let problems = clear(calls, plans, to_clear, way).await?;
    let is_out =
        |holder: &UserId| moved_on.contains(holder) || asked.contains(holder) && !problems.contains_key(holder);
    Ok(followed(&in_the_way, &holders, is_out, &problems))
}

/// Whoever is behind somebody who is out of the way goes again. Whoever is behind one who could not be cleared, or not be
/// seen, shares that problem: what Zoho said of the address itself holds only where nobody can ever be cleared.
fn followed(
    in_the_way: &HashMap<UserId, CrmId>,
    holders: &Holders,
    is_out: impl Fn(&UserId) -> bool,
    problems: &HashMap<UserId, Problem>,
) -> Behind {
    let mut behind = Behind::default();
    for (user, record) in in_the_way {
        let problem = match holders.get(record) {
            None => None,
            Some(Err(problem)) => Some(problem),
            Some(Ok(holder)) if is_out(holder) => {
                behind.again.insert(*user);
                None
            }
            Some(Ok(holder)) => problems.get(holder),
        };
        behind.problems.extend(problem.map(|problem| (*user, problem.clone())));
    }
    behind
}

/// The users whose Contacts these are: linked here, or with their id over there.
async fn holders(calls: &mut Calls<'_>, records: Vec<CrmId>) -> Result<Holders, Error> {
    let module = CrmModule::Contacts;
    let others = zoho_owners::others(calls.crm().connection, module, &[], &records).await?;
    let (known, unknown): (Vec<CrmId>, Vec<CrmId>) =
        records.into_iter().partition(|record| others.holder(record).is_some());
    let mut holders: Holders =
        known.into_iter().filter_map(|record| Some((record.clone(), Ok(others.holder(&record)?)))).collect();
    let (to_erase, unknown): (Vec<CrmId>, Vec<CrmId>) =
        unknown.into_iter().partition(|record| others.is_to_erase(record));
    holders.extend(to_erase.into_iter().map(|record| (record, Err(waits_for_erasure()))));
    let mut read = Vec::new();
    for (some, records) in calls.about(unknown, async |crm, some| crm.by_ids(module, some).await).await {
        match records {
            Ok(records) => read.extend(
                records
                    .into_iter()
                    .filter_map(|record| Some((record.id.clone(), choice::user_id(record.our_id.as_deref())?))),
            ),
            Err(problem) => holders.extend(some.into_iter().map(|record| (record, Err(problem.clone())))),
        }
    }
    if !read.is_empty() {
        let ids: Vec<Uuid> = read.iter().map(|(_, user)| user.0).collect();
        let others = zoho_owners::others(calls.crm().connection, module, &ids, &[]).await?;
        holders.extend(read.into_iter().filter_map(|(record, user)| match user {
            user if others.is_user(user) => Some((record, Ok(user))),
            user if others.is_being_erased(user) => Some((record, Err(waits_for_erasure()))),
            _ => None,
        }));
    }
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::super::problem::belongs_to_another;
    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn record(id: &str) -> CrmId {
        id.parse().unwrap()
    }

    #[test]
    fn whoever_is_behind_one_who_could_not_be_cleared_shares_his_problem_and_is_not_written_again() {
        let [free, locked, unread, unknown] = [1, 2, 3, 4].map(user);
        let in_the_way = HashMap::from([
            (free, record("91")),
            (locked, record("92")),
            (unread, record("93")),
            (unknown, record("94")),
        ]);
        let holders = HashMap::from([
            (record("91"), Ok(user(11))),
            (record("92"), Ok(user(12))),
            (record("93"), Err(waits_for_erasure())),
        ]);
        // Any problem will do.
        let problems = HashMap::from([(user(12), Problem::Never(belongs_to_another(None)))]);

        let behind = followed(&in_the_way, &holders, |holder| *holder == user(11), &problems);

        assert_eq!(behind.again, HashSet::from([free]));
        assert!(matches!(behind.problems[&locked], Problem::Never(_)));
        assert!(matches!(behind.problems[&unread], Problem::Later(..)));
        assert!(!behind.problems.contains_key(&unknown), "what Zoho said of it holds");
    }
}
