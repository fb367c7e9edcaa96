//! What is left over there of people who are gone here: their Contacts are deleted; an organisation's Account stays, since
//! it is the customer's own business record, and loses our id, as does a Contact that is another user's by now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::calls::Calls;
use super::choice;
use super::problem::Problem;
use crate::db::erasures::Erasure;
use crate::db::zoho_owners;
use crate::domain::event::CrmModule;
use crate::domain::record::Changes;
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Key, MOST_RECORDS, RecordError, Write};

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
            CrmModule::Contacts => {
                let of_others = of_others(calls, &left).await?;
                let (others, own) = left.into_iter().partition(|(_, record)| of_others.contains(record));
                free(calls, module, others, &mut erased).await;
                delete(calls, own, &mut erased).await;
            }
            CrmModule::Accounts => free(calls, module, left, &mut erased).await,
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
    let others = zoho_owners::others(calls.crm().connection, module, &ids, &records).await?;
    let is_others =
        |record: &CrmId, id: Option<UserId>| id.is_some_and(|id| others.is_user(id)) || others.holder(record).is_some();
    Ok(read
        .into_iter()
        .filter(|(_, record, id)| !is_others(record, *id))
        .map(|(user, record, _)| (user, record))
        .collect())
}

/// Contacts with the id of somebody who is gone, and linked to somebody who is not: two were merged over there, and it is
/// the other one's now. It stays, without the id.
async fn of_others(calls: &Calls<'_>, left: &BTreeSet<(UserId, CrmId)>) -> Result<BTreeSet<CrmId>, Error> {
    let records: Vec<CrmId> = left.iter().map(|(_, record)| record.clone()).collect();
    let others = zoho_owners::others(calls.crm().connection, CrmModule::Contacts, &[], &records).await?;
    Ok(records.into_iter().filter(|record| others.holder(record).is_some()).collect())
}

async fn delete(calls: &mut Calls<'_>, contacts: BTreeSet<(UserId, CrmId)>, erased: &mut Erased) {
    for some in by_record(contacts) {
        let deleted =
            calls.about(some, async |crm, some: &[Left]| crm.delete(CrmModule::Contacts, &ids(some)).await).await;
        for (some, results) in deleted {
            let results =
                results.map(|results| results.iter().map(|one| one.as_ref().err().map(Problem::from)).collect());
            note(erased, some, results);
        }
    }
}

/// Takes our id off.
async fn free(calls: &mut Calls<'_>, module: CrmModule, records: BTreeSet<(UserId, CrmId)>, erased: &mut Erased) {
    for some in by_record(records) {
        let freed = calls
            .about(some, async |crm, some: &[Left]| {
                let write = |(record, users): &Left| Write {
                    record: Some(record.clone()),
                    user: users[0],
                    changes: Changes::default(),
                    account: None,
                    key: Key::Clear,
                };
                crm.update(module, &some.iter().map(write).collect::<Vec<_>>(), None).await
            })
            .await;
        for (some, results) in freed {
            let problem = |error: &RecordError| Some(Problem::from(error)).filter(|_| !error.is_gone());
            let results =
                results.map(|results| results.iter().map(|one| one.as_ref().err().and_then(problem)).collect());
            note(erased, some, results);
        }
    }
}

/// A record that has to go, and those on whose behalf; there is one at least.
type Left = (CrmId, Vec<UserId>);

/// Each record once, in as many calls as it takes: by its id it may be one's, by its link another one's.
fn by_record(left: BTreeSet<(UserId, CrmId)>) -> Vec<Vec<Left>> {
    let mut by_record: BTreeMap<CrmId, Vec<UserId>> = BTreeMap::new();
    for (user, record) in left {
        by_record.entry(record).or_default().push(user);
    }
    let all: Vec<Left> = by_record.into_iter().collect();
    all.chunks(MOST_RECORDS).map(<[Left]>::to_vec).collect()
}

fn ids(some: &[Left]) -> Vec<CrmId> {
    some.iter().map(|(record, _)| record.clone()).collect()
}

fn note(erased: &mut Erased, some: Vec<Left>, results: Result<Vec<Option<Problem>>, Problem>) {
    match results {
        Ok(problems) => {
            for ((_, users), problem) in some.into_iter().zip(problems) {
                if let Some(problem) = problem {
                    failed(erased, users, &problem);
                }
            }
        }
        Err(problem) => failed(erased, some.into_iter().flat_map(|(_, users)| users), &problem),
    }
}

fn failed(erased: &mut Erased, users: impl IntoIterator<Item = UserId>, problem: &Problem) {
    erased.extend(users.into_iter().map(|user| (user, Err(problem.clone()))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_once_and_never_more_than_a_hundred_in_a_call() {
        let user = |number: u128| UserId(Uuid::from_u128(number));
        let record = |number: u128| -> CrmId { (1000 + number).to_string().parse().unwrap() };
        let mut left: BTreeSet<(UserId, CrmId)> = (0..150).map(|number| (user(number), record(number))).collect();
        left.insert((user(7), record(3)));

        let calls = by_record(left);

        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [100, 50]);
        assert_eq!(calls[0][3], (record(3), vec![user(3), user(7)]));
    }
}
