//! An address that has moved on is taken off its former owner's Contact: looked at once more, told if it is sales' word, and
//! written down before it is gone.

use std::collections::HashMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::calls::Calls;
use super::plan::{MOST_CORRECTIONS, Plan};
use super::problem::{Problem, overruled, unreadable_row};
use super::way::Way;
use super::write::{self, Refused, UNSEEN};
use crate::db::people::{self, Person};
use crate::db::{Loaded, sync_conflicts, zoho_intentions};
use crate::domain::event::CrmModule;
use crate::domain::merge::{Conflict, Kept, merge};
use crate::domain::record::{Changes, Field, Unit};
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Key, Record, Write};

/// An address on the Contact of somebody who has another one by now.
pub(super) struct Old {
    record: CrmId,
    address: String,
    /// A change of the Contact within the second after the time that Zoho shows does not hold the clearing up.
    allows_for_unseen: bool,
}

impl Old {
    /// The address that is written for somebody, on another one's Contact.
    pub(super) fn of(plan: &Plan, record: &CrmId) -> Option<Self> {
        let address = plan.write.as_ref()?.changes.get(&Field::Email)?.clone()?;
        Some(Self { record: record.clone(), address, allows_for_unseen: plan.allows_for_unseen })
    }
}

/// Clears the address of each Contact that still has it. Returns the problems of those for whom that could not be done.
pub(super) async fn clear(
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
    let Loaded { rows: people, unreadable } = people::by_ids(calls.crm().connection, &holders).await?;
    let (mut standing, mut problems) = still_there(calls, &contacts).await;
    for holder in &unreadable {
        standing.remove(&UserId(holder.key));
        problems.insert(UserId(holder.key), unreadable_row("user", holder));
    }
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
    let users: Vec<Uuid> = standing.keys().map(|user| user.0).collect();
    // The blank that is about to be there is nobody's edit.
    zoho_intentions::intend_clearing(calls.crm().connection, calls.lease(), &users).await?;
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
                way.corrected.extend(told.iter().map(|(told, _)| *told).find(|told| *told == user));
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
    // Whatever came of it otherwise: here it is cleared. A shortening is no word of theirs.
    let of_sales = |conflict: &Conflict| conflict.unit == Unit::Email && conflict.kept != Kept::Shortened;
    merge.conflicts.into_iter().find(of_sales).map(|conflict| Conflict { kept: Kept::Ours, ..conflict })
}

fn cleared(user: UserId, record: CrmId) -> Write {
    Write { record: Some(record), user, changes: Changes::from([(Field::Email, None)]), account: None, key: Key::Keep }
}
