//! What is left over there of people who are gone here: their Contacts are deleted; an organisation's Account stays, since
//! it is the customer's own business record, and loses our id.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::calls::Calls;
use super::choice;
use super::problem::Problem;
use crate::db::erasures::Erasure;
use crate::db::zoho_links;
use crate::domain::event::CrmModule;
use crate::domain::record::Changes;
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Key, Write};

/// What came of each erasure.
pub(super) type Erased = HashMap<UserId, Result<(), Problem>>;

/// Erases these people. Whoever has nothing left over there is erased, however that came about.
pub(super) async fn all(calls: &mut Calls<'_>, erasures: &[Erasure]) -> Result<Erased, Error> {
    let mut erased: Erased = erasures.iter().map(|erasure| (erasure.user, Ok(()))).collect();
    if erasures.is_empty() {
        return Ok(erased);
    }
    for module in CrmModule::ALL {
        let left = left(calls, module, erasures, &mut erased).await?;
        match module {
            CrmModule::Contacts => delete(calls, left, &mut erased).await,
            CrmModule::Accounts => free(calls, left, &mut erased).await,
        }
    }
    Ok(erased)
}

/// Records of these people that are still there: those with their ids, and those that were linked.
async fn left(
    calls: &mut Calls<'_>,
    module: CrmModule,
    erasures: &[Erasure],
    erased: &mut Erased,
) -> Result<BTreeSet<(UserId, CrmId)>, Error> {
    let users: Vec<UserId> = erasures.iter().map(|erasure| erasure.user).collect();
    let mut left = BTreeSet::new();
    for (some, found) in calls.about(users, async |crm, some| crm.find(module, some, &[]).await).await {
        match found {
            Ok(found) => left.extend(some.iter().flat_map(|user| {
                found.iter().filter(|found| found.is_of(*user)).map(|found| (*user, found.id.clone()))
            })),
            Err(problem) => failed(erased, some, &problem),
        }
    }
    // An Account without our id has nothing of ours any more.
    if module == CrmModule::Contacts {
        let linked = erasures.iter().filter_map(|erasure| Some((erasure.user, erasure.contact.clone()?)));
        let linked = linked.filter(|linked| !left.contains(linked)).collect();
        left.extend(of_nobody_else(calls, linked, erased).await?);
    }
    Ok(left)
}

/// A Contact that was linked may have lost its id, or carry another user's by now, by a merge or by hand: that user's
/// Contact stays.
async fn of_nobody_else(
    calls: &mut Calls<'_>,
    linked: Vec<(UserId, CrmId)>,
    erased: &mut Erased,
) -> Result<Vec<(UserId, CrmId)>, Error> {
    let module = CrmModule::Contacts;
    let mut read = Vec::new();
    let by_ids = calls
        .about(linked, async |crm, some| {
            let ids: Vec<CrmId> = some.iter().map(|(_, record)| record.clone()).collect();
            crm.by_ids(module, &ids).await
        })
        .await;
    for (some, records) in by_ids {
        match records {
            Ok(records) => read.extend(some.into_iter().filter_map(|(user, id)| {
                let record = records.iter().find(|record| record.id == id)?;
                Some((user, id, choice::user_id(record.our_id.as_deref())))
            })),
            Err(problem) => failed(erased, some.into_iter().map(|(user, _)| user), &problem),
        }
    }
    let ids: Vec<Uuid> = read.iter().filter_map(|(.., id)| Some((*id)?.0)).collect();
    let records: Vec<CrmId> = read.iter().map(|(_, record, _)| record.clone()).collect();
    let others = zoho_links::others(calls.crm().connection, module, &ids, &records).await?;
    let is_others =
        |record: &CrmId, id: Option<UserId>| id.is_some_and(|id| others.is_user(id)) || others.holder(record).is_some();
    Ok(read
        .into_iter()
        .filter(|(_, record, id)| !is_others(record, *id))
        .map(|(user, record, _)| (user, record))
        .collect())
}

async fn delete(calls: &mut Calls<'_>, contacts: BTreeSet<(UserId, CrmId)>, erased: &mut Erased) {
    let deleted = calls
        .about(contacts.into_iter().collect(), async |crm, some: &[(UserId, CrmId)]| {
            let ids: Vec<CrmId> = some.iter().map(|(_, record)| record.clone()).collect();
            crm.delete(CrmModule::Contacts, &ids).await
        })
        .await;
    for (some, results) in deleted {
        match results {
            Ok(results) => note(erased, some, results.iter().map(|result| result.as_ref().err().map(Problem::from))),
            Err(problem) => failed(erased, some.into_iter().map(|(user, _)| user), &problem),
        }
    }
}

/// Takes our id off Accounts.
async fn free(calls: &mut Calls<'_>, accounts: BTreeSet<(UserId, CrmId)>, erased: &mut Erased) {
    let freed = calls
        .about(accounts.into_iter().collect(), async |crm, some: &[(UserId, CrmId)]| {
            let write = |(user, record): &(UserId, CrmId)| Write {
                record: Some(record.clone()),
                user: *user,
                changes: Changes::new(),
                account: None,
                key: Key::Clear,
            };
            crm.update(CrmModule::Accounts, &some.iter().map(write).collect::<Vec<_>>(), None).await
        })
        .await;
    for (some, results) in freed {
        match results {
            Ok(results) => {
                let problems = results.iter().map(|result| result.as_ref().err().filter(|error| !error.is_gone()));
                note(erased, some, problems.map(|error| error.map(Problem::from)));
            }
            Err(problem) => failed(erased, some.into_iter().map(|(user, _)| user), &problem),
        }
    }
}

fn note(erased: &mut Erased, some: Vec<(UserId, CrmId)>, problems: impl Iterator<Item = Option<Problem>>) {
    for ((user, _), problem) in some.into_iter().zip(problems) {
        if let Some(problem) = problem {
            erased.insert(user, Err(problem));
        }
    }
}

fn failed(erased: &mut Erased, users: impl IntoIterator<Item = UserId>, problem: &Problem) {
    erased.extend(users.into_iter().map(|user| (user, Err(problem.clone()))));
}
