//! Addresses that move on. Where they are unique in the CRM, one that a user has given up still stands on her Contact when
//! another user comes with it, and two who swap theirs stand in each other's way: whoever has another one by now loses
//! the old one first, and gets hers by her own task. An upsert would even take the Contact with the address for the new
//! owner's, whose id is not on it, and write over it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::calls::Calls;
use super::choice;
use super::plan::Plan;
use super::problem::Problem;
use super::write::{self, Answer, Refused};
use crate::db::zoho_links;
use crate::domain::event::CrmModule;
use crate::domain::record::{Changes, Field};
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Key, Write};

/// What was cleared so far.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The users whose Contacts have lost their old address.
    pub cleared: Vec<UserId>,
    pub cleared_at: Option<DateTime<Utc>>,
}

/// Clears what is known to be in the way before anything is written. Whoever comes behind one that could not be
/// cleared has a problem.
pub(super) async fn ahead(calls: &mut Calls<'_>, plans: &mut [Plan]) -> Way {
    let mut way = Way::default();
    let to_clear: HashMap<UserId, CrmId> = plans.iter().flat_map(|plan| plan.in_the_way.iter().cloned()).collect();
    let problems = clear(calls, plans, to_clear, &mut way).await;
    for plan in plans.iter_mut() {
        plan.problem = plan.in_the_way.iter().find_map(|(user, _)| problems.get(user).cloned());
    }
    way
}

/// Clears what a write has met. Returns whom to write once more.
pub(super) async fn behind(
    calls: &mut Calls<'_>,
    plans: &mut [Plan],
    answers: &HashMap<UserId, Answer>,
    way: &mut Way,
) -> Result<HashSet<UserId>, Error> {
    let in_the_way: HashMap<UserId, CrmId> = answers
        .iter()
        .filter_map(|(user, answer)| match answer {
            Err(Refused::Record(error)) => Some((*user, error.address_of()?.clone())),
            _ => None,
        })
        .collect();
    if in_the_way.is_empty() {
        return Ok(HashSet::new());
    }
    let holders = holders(calls, in_the_way.values().cloned().collect()).await?;
    let has_moved_on = |user: &UserId| {
        let moved = plans.iter().find(|plan| plan.user == *user && matches!(answers.get(user), Some(Ok(_))));
        moved.and_then(|plan| plan.write.as_ref()).is_some_and(|write| write.changes.contains_key(&Field::Email))
    };
    let to_clear: HashMap<UserId, CrmId> = in_the_way
        .iter()
        .filter_map(|(user, record)| Some((*holders.get(record)?, record.clone())).filter(|(holder, _)| holder != user))
        .filter(|(holder, _)| !has_moved_on(holder))
        .collect();
    clear(calls, plans, to_clear, way).await;
    let is_free = |record: &CrmId| holders.contains_key(record);
    Ok(in_the_way.into_iter().filter(|(_, record)| is_free(record)).map(|(user, _)| user).collect())
}

/// Returns the problems of those whose address could not be cleared.
async fn clear(
    calls: &mut Calls<'_>,
    plans: &mut [Plan],
    contacts: HashMap<UserId, CrmId>,
    way: &mut Way,
) -> HashMap<UserId, Problem> {
    let writes = contacts.into_iter().map(|(user, record)| cleared(user, record)).collect();
    let mut problems = HashMap::new();
    for (user, answer) in write::attempt(calls, CrmModule::Contacts, writes, None).await {
        match answer {
            Ok(written) => {
                way.cleared.push(user);
                way.cleared_at = way.cleared_at.max(written.modified_at);
            }
            Err(Refused::Record(error)) => drop(problems.insert(user, Problem::from(&error))),
            Err(Refused::Of(problem)) => drop(problems.insert(user, problem)),
        }
    }
    for plan in plans.iter_mut().filter(|plan| way.cleared.contains(&plan.user)) {
        plan.base_unsent = plan.base_unsent.only(|field| field != Field::Email);
    }
    problems
}

/// The users whose Contacts these are: linked here, or with their id over there.
async fn holders(calls: &mut Calls<'_>, records: Vec<CrmId>) -> Result<HashMap<CrmId, UserId>, Error> {
    let module = CrmModule::Contacts;
    let others = zoho_links::others(calls.crm().connection, module, &[], &records).await?;
    let (known, unknown): (Vec<CrmId>, Vec<CrmId>) =
        records.into_iter().partition(|record| others.holder(record).is_some());
    let mut holders: HashMap<CrmId, UserId> =
        known.into_iter().filter_map(|record| Some((record.clone(), others.holder(&record)?))).collect();
    let read = calls.about(unknown, async |crm, some| crm.by_ids(module, some).await).await;
    let read: Vec<(CrmId, UserId)> = read
        .into_iter()
        .filter_map(|(_, records)| records.ok())
        .flatten()
        .filter_map(|record| Some((record.id.clone(), choice::user_id(record.our_id.as_deref())?)))
        .collect();
    if !read.is_empty() {
        let ids: Vec<Uuid> = read.iter().map(|(_, user)| user.0).collect();
        let others = zoho_links::others(calls.crm().connection, module, &ids, &[]).await?;
        holders.extend(read.into_iter().filter(|(_, user)| others.is_user(*user)));
    }
    Ok(holders)
}

fn cleared(user: UserId, record: CrmId) -> Write {
    Write { record: Some(record), user, changes: Changes::from([(Field::Email, None)]), account: None, key: Key::Keep }
}
