//! Addresses that move on. Where they are unique in the CRM, one that a user has given up still stands on her Contact when
//! another user comes with it, and two who swap theirs stand in each other's way: whoever has another one by now loses
//! the old one first, and gets hers by her own task.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::calls::Calls;
use super::choice;
use super::plan::{MOST_CORRECTIONS, Plan};
use super::problem::{Problem, overruled, waits_for_erasure};
use super::write::{self, Answer, Refused, UNSEEN};
use crate::db::people::{self, Person};
use crate::db::{sync_conflicts, zoho_intentions, zoho_owners};
use crate::domain::event::CrmModule;
use crate::domain::merge::{Conflict, merge};
use crate::domain::record::{Changes, Field, Unit};
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Key, Record, Write};

/// What was cleared so far.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The users whose Contacts have lost their old address.
    pub cleared: Vec<UserId>,
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

/// An address on the Contact of somebody who has another one by now.
struct Old {
    record: CrmId,
    address: String,
    /// A change of the Contact within the second after the time that Zoho shows does not hold the clearing up.
    allows_for_unseen: bool,
}

impl Old {
    /// The address that is written for somebody, on another one's Contact.
    fn of(plan: &Plan, record: &CrmId) -> Option<Self> {
        let address = plan.write.as_ref()?.changes.get(&Field::Email)?.clone()?;
        Some(Self { record: record.clone(), address, allows_for_unseen: plan.allows_for_unseen })
    }
}

/// Clears the address of each Contact that still has it. Returns the problems of those for whom that could not be done.
async fn clear(
    calls: &mut Calls<'_>,
    plans: &mut [Plan],
    contacts: HashMap<UserId, Old>,
    way: &mut Way,
) -> Result<HashMap<UserId, Problem>, Error> {
    if contacts.is_empty() {
        return Ok(HashMap::new());
    }
    let holders: Vec<Uuid> = contacts.keys().map(|user| user.0).collect();
    // Before their Contacts: what was done over there for somebody who is read afterwards would pass for sales'.
    let people = people::by_ids(calls.crm().connection, &holders).await?;
    let (mut standing, mut problems) = still_there(calls, &contacts).await;
    let mut told = told(plans, &people, &standing);
    // What sales have written is cleared as often as our word goes back, and no oftener.
    for person in people.iter().filter(|person| person.contact.corrections.times >= MOST_CORRECTIONS) {
        if told.extract_if(.., |(user, _)| *user == person.id).next().is_some() {
            standing.remove(&person.id);
            problems.insert(person.id, overruled(person.contact.corrections.ends_in));
        }
    }
    if standing.is_empty() {
        return Ok(problems);
    }
    let conflicts: Vec<_> = told.iter().map(|(user, conflict)| (*user, CrmModule::Contacts, conflict)).collect();
    // Before it is gone.
    sync_conflicts::note(calls.crm().connection, &conflicts).await?;
    let clearings: Vec<(UserId, bool)> =
        standing.keys().map(|user| (*user, told.iter().any(|(told, _)| told == user))).collect();
    // The blank that is about to be there is nobody's edit.
    zoho_intentions::intend_clearing(calls.crm().connection, calls.lease(), &clearings).await?;
    let is_lenient = |user: &UserId| contacts[user].allows_for_unseen;
    let since =
        |user, contact: &Record| contact.modified_at + if is_lenient(user) { UNSEEN } else { TimeDelta::zero() };
    let writes = standing
        .iter()
        .map(|(user, contact)| (cleared(*user, contact.id.clone()), Some(since(user, contact))))
        .collect();
    for (user, answer) in write::attempt(calls, CrmModule::Contacts, writes).await {
        match answer {
            Ok(written) => {
                way.cleared.push(user);
                let as_read = |plan: &Plan| plan.user == user && plan.modified_at == Some(standing[&user].modified_at);
                if !is_lenient(&user) && plans.iter().any(as_read) {
                    way.cleared_at.extend(written.modified_at.map(|at| (user, at)));
                }
            }
            Err(refused) => {
                let problem = match refused {
                    Refused::Record(error) => Problem::from(&error),
                    Refused::Of(problem) => problem,
                };
                problems.insert(user, problem.because_of(&standing[&user].id));
            }
        }
    }
    for plan in plans.iter_mut().filter(|plan| way.cleared.contains(&plan.user)) {
        plan.lose_address();
    }
    Ok(problems)
}

/// The Contacts that have the address still: since it was found there, its owner's own work or sales may have changed it.
async fn still_there(
    calls: &mut Calls<'_>,
    contacts: &HashMap<UserId, Old>,
) -> (HashMap<UserId, Record>, HashMap<UserId, Problem>) {
    let owners: HashMap<&CrmId, UserId> = contacts.iter().map(|(user, old)| (&old.record, *user)).collect();
    let records = owners.keys().map(|record| (*record).clone()).collect();
    let (mut standing, mut problems) = (HashMap::new(), HashMap::new());
    for (some, read) in calls.about(records, async |crm, some| crm.by_ids(CrmModule::Contacts, some).await).await {
        match read {
            Ok(read) => standing.extend(read.into_iter().filter_map(|contact| {
                let owner = *owners.get(&contact.id)?;
                let address = contact.fields.get(Field::Email)?;
                address.eq_ignore_ascii_case(&contacts[&owner].address).then_some((owner, contact))
            })),
            Err(problem) => {
                let unread = some.iter().filter_map(|record| Some((*owners.get(record)?, problem.clone())));
                problems.extend(unread);
            }
        }
    }
    (standing, problems)
}

/// Whose address is one that sales have written, and not the one that she has given up, unless her own plan tells of it.
fn told(plans: &[Plan], people: &[Person], standing: &HashMap<UserId, Record>) -> Vec<(UserId, Conflict)> {
    let is_noted = |user: UserId| plans.iter().any(|plan| plan.user == user && plan.writes_address_over());
    people
        .iter()
        .filter(|person| !is_noted(person.id))
        .filter_map(|person| Some((person.id, conflict(person, standing.get(&person.id)?)?)))
        .collect()
}

/// What sales say with the address on her Contact, if they have written it.
fn conflict(person: &Person, contact: &Record) -> Option<Conflict> {
    let link = &person.contact;
    let sent = link.may_have_arrived(contact.modified_at);
    let merge = merge(CrmModule::Contacts, &link.base, &sent, &person.fields, &contact.fields);
    merge.conflicts.into_iter().find(|conflict| conflict.unit == Unit::Email)
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

fn cleared(user: UserId, record: CrmId) -> Write {
    Write { record: Some(record), user, changes: Changes::from([(Field::Email, None)]), account: None, key: Key::Keep }
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
