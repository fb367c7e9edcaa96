//! Which records people have over there, and how those stand: looked for where none is linked, then read by their ids.

use std::collections::HashMap;

use uuid::Uuid;

use super::calls::Calls;
use super::choice::{self, Choice};
use super::problem::{Problem, belongs_to_another, waits_for_erasure};
use crate::db::people::Person;
use crate::db::zoho_links::Standing;
use crate::db::zoho_owners::{self, Others};
use crate::domain::crm_form::crm_form;
use crate::domain::event::CrmModule;
use crate::domain::record::Field;
use crate::domain::{CrmId, Email, UserId};
use crate::error::Error;
use crate::zoho::{Crm, Found, Record, ZohoError};

/// What was seen of one person's record.
#[derive(Debug)]
pub(super) enum Seen {
    Hers(Record),
    /// There is none, and has never been; these Contacts of other users still have her address.
    Nobody(Vec<(UserId, CrmId)>),
    /// The one that was linked does not exist any more.
    Gone,
    /// It was found to be gone before, and nothing has come in its place.
    StillGone,
    Failed(Problem),
}

/// One person's record: linked, or chosen from what was found.
#[derive(Clone)]
struct Wanted {
    user: UserId,
    record: CrmId,
    is_linked: bool,
}

/// The records of these people: one call to find those who have none linked, one to read.
pub(super) async fn of_people(
    calls: &mut Calls<'_>,
    module: CrmModule,
    people: &[&Person],
) -> Result<HashMap<UserId, Seen>, Error> {
    let mut seen = HashMap::new();
    let (linked, unlinked): (Vec<&Person>, Vec<&Person>) =
        people.iter().copied().partition(|person| person.link(module).record().is_some());
    let is_linked = |person: &&Person| {
        let record = person.link(module).record()?.clone();
        Some(Wanted { user: person.id, record, is_linked: true })
    };
    let mut wanted: Vec<Wanted> = linked.iter().filter_map(is_linked).collect();
    for (some, found) in calls.about(unlinked, async |crm, some| find(crm, module, some).await).await {
        match found {
            Ok(found) => wanted.extend(chosen(calls, module, &some, &found, &mut seen).await?),
            Err(problem) => seen.extend(some.iter().map(|person| (person.id, Seen::Failed(problem.clone())))),
        }
    }
    for (some, records) in calls.about(wanted, async |crm, some| read(crm, module, some).await).await {
        match records {
            Ok(mut records) => seen.extend(some.iter().map(|one| (one.user, one.met(records.remove(&one.record))))),
            Err(problem) => seen.extend(some.iter().map(|one| (one.user, Seen::Failed(problem.clone())))),
        }
    }
    check_owners(calls, module, &mut seen).await?;
    Ok(seen)
}

/// A record may carry another user's id by now, by a merge over there or by hand: then it is not written.
pub(super) async fn check_owners(
    calls: &Calls<'_>,
    module: CrmModule,
    seen: &mut HashMap<UserId, Seen>,
) -> Result<(), Error> {
    let foreign: HashMap<UserId, (UserId, CrmId)> = seen
        .iter()
        .filter_map(|(user, seen)| match seen {
            Seen::Hers(record) => {
                let id = choice::user_id(record.our_id.as_deref()).filter(|id| user != id)?;
                Some((*user, (id, record.id.clone())))
            }
            _ => None,
        })
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = foreign.values().map(|(id, _)| id.0).collect();
    let others = zoho_owners::others(calls.crm().connection, module, &ids, &[]).await?;
    for (user, (id, record)) in foreign {
        if others.is_user(id) {
            seen.insert(user, Seen::Failed(Problem::Never(belongs_to_another(Some(&record)))));
        } else if others.is_being_erased(id) {
            // That takes the id off.
            seen.insert(user, Seen::Failed(waits_for_erasure()));
        }
    }
    Ok(())
}

async fn find(crm: &Crm<'_>, module: CrmModule, people: &[&Person]) -> Result<Vec<Found>, ZohoError> {
    let users: Vec<UserId> = people.iter().map(|person| person.id).collect();
    // Whoever has lost her Contact is looked for by her id alone: nothing takes its place by its address.
    let never = people.iter().filter(|person| person.link(module).standing == Standing::Never);
    // One that no Contact can have is not asked for.
    let address = |person: &Person| crm_form(Field::Email, person.fields.get(Field::Email)?)?.parse().ok();
    let emails: Vec<Email> = never.filter_map(|person| address(person)).collect();
    crm.find(module, &users, &emails.iter().collect::<Vec<_>>()).await
}

/// Whose of the found records are whose; who has none, or cannot have one, is seen already.
async fn chosen(
    calls: &Calls<'_>,
    module: CrmModule,
    people: &[&Person],
    found: &[Found],
    seen: &mut HashMap<UserId, Seen>,
) -> Result<Vec<Wanted>, Error> {
    let others = if found.is_empty() {
        Others::default()
    } else {
        let ids: Vec<Uuid> =
            found.iter().filter_map(|found| Some(choice::user_id(found.our_id.as_deref())?.0)).collect();
        let records: Vec<CrmId> = found.iter().map(|found| found.id.clone()).collect();
        zoho_owners::others(calls.crm().connection, module, &ids, &records).await?
    };
    let mut wanted = Vec::new();
    for person in people {
        let user = person.id;
        match choice::of(person, module, found, &others) {
            Choice::Hers(record) => wanted.push(Wanted { user, record, is_linked: false }),
            Choice::None(_) if person.link(module).standing == Standing::Gone => {
                drop(seen.insert(user, Seen::StillGone));
            }
            Choice::None(in_the_way) => drop(seen.insert(user, Seen::Nobody(in_the_way))),
            Choice::Refused(problem) => drop(seen.insert(user, Seen::Failed(problem))),
        }
    }
    Ok(wanted)
}

async fn read(crm: &Crm<'_>, module: CrmModule, wanted: &[Wanted]) -> Result<HashMap<CrmId, Record>, ZohoError> {
    let ids: Vec<CrmId> = wanted.iter().map(|one| one.record.clone()).collect();
    let records = crm.by_ids(module, &ids).await?;
    Ok(records.into_iter().map(|record| (record.id.clone(), record)).collect())
}

impl Wanted {
    fn met(&self, record: Option<Record>) -> Seen {
        match record {
            Some(record) => Seen::Hers(record),
            None if self.is_linked => Seen::Gone,
            None => Seen::Failed(Problem::stale(
                "A record that was found is gone; it is looked for again. If that does not end, the user of the integration \
                 may find it and not read it.",
            )),
        }
    }
}
