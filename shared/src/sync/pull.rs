//! From records that have changed over there to the people whose they are.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::calls::Calls;
use super::half::{self, Before, Sight};
use super::read::{self, Seen};
use super::round::Round;
use super::{Engine, choice};
use crate::db::Loaded;
use crate::db::people::{self, Person};
use crate::db::strangers::Stranger;
use crate::db::tasks::Claim;
use crate::domain::event::{CrmModule, CrmRecord};
use crate::domain::record::Field;
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Crm, Record, Zoho};

pub(super) async fn round(engine: &Engine<'_>, zoho: &Zoho, claim: &Claim) -> Result<Round, Error> {
    let connection = engine.database.connection().await?;
    let [accounts, contacts] = [CrmModule::Accounts, CrmModule::Contacts].map(|module| of_module(claim, module));
    let ids = |named: &[Named]| named.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
    let Loaded { rows: people, unreadable } = people::by_records(&connection, &ids(&contacts), &ids(&accounts)).await?;
    // An Account is attached from the person's side alone: there it is read first, and may be gone.
    let no_accounts = HashMap::new();

    let mut calls = Calls::new(Crm { zoho, connection: &connection }, engine.time, claim.lease());
    // Their records stay unread here: their own tasks fail with the reason, in the one place where it is looked for.
    let mut round = Round { unreadable: unreadable.iter().map(|user| UserId(user.key)).collect(), ..Round::default() };
    for (module, named) in [(CrmModule::Accounts, accounts), (CrmModule::Contacts, contacts)] {
        let sights = seen(&mut calls, module, named, &people, claim, &mut round).await?;
        if sights.is_empty() {
            continue;
        }
        let (halves, way) = half::settle(&mut calls, module, sights, &no_accounts, engine.now.date_naive()).await?;
        round.halves.extend(halves);
        round.cleared.extend(way.cleared);
        round.corrected.extend(way.corrected);
    }
    round.people = people.into_iter().map(|person| (person.id, person)).collect();
    Ok(round)
}

/// A task's key and the record that it is about.
type Named = (Uuid, CrmId);

fn of_module(claim: &Claim, module: CrmModule) -> Vec<Named> {
    let records = claim.tasks.iter().filter_map(|task| Some((task.key, CrmRecord::of_key(task.key)?)));
    let records = records.filter(|(_, record)| record.module == module);
    records.filter_map(|(key, record)| Some((key, record.id.to_string().parse().ok()?))).collect()
}

/// How the records of people stand, in one call; those of nobody are taken note of.
async fn seen<'a>(
    calls: &mut Calls<'_>,
    module: CrmModule,
    named: Vec<Named>,
    people: &'a [Person],
    claim: &Claim,
    round: &mut Round,
) -> Result<Vec<Sight<'a>>, Error> {
    let owners: HashMap<&CrmId, &Person> =
        people.iter().filter_map(|person| Some((person.link(module).record()?, person))).collect();
    let mut sights: HashMap<UserId, (Uuid, &Person)> = HashMap::new();
    let mut seen: HashMap<UserId, Seen> = HashMap::new();
    let read = calls
        .about(named, async |crm, some: &[Named]| {
            let ids: Vec<CrmId> = some.iter().map(|(_, id)| id.clone()).collect();
            crm.by_ids(module, &ids).await
        })
        .await;
    for (some, records) in read {
        let mut records = records.map(by_id);
        if records.is_ok() {
            round.seen.extend(some.iter().map(|(_, id)| id.clone()));
        }
        for (key, id) in some {
            let Some(person) = owners.get(&id).copied() else {
                match &mut records {
                    Ok(records) => round.strangers.extend(records.remove(&id).as_ref().map(stranger)),
                    Err(problem) => round.unread.push((key, problem.clone())),
                }
                continue;
            };
            sights.insert(person.id, (key, person));
            seen.insert(
                person.id,
                match &mut records {
                    Ok(records) => records.remove(&id).map_or(Seen::Gone, Seen::Hers),
                    Err(problem) => Seen::Failed(problem.clone()),
                },
            );
        }
    }
    round.moved.extend(moved(module, &sights, &seen));
    if module == CrmModule::Contacts {
        round.detached.extend(detached(&sights, &seen));
    }
    read::check_owners(calls, module, &mut seen).await?;
    let sight = |(user, seen)| {
        let (key, person) = sights.get(&user).copied()?;
        Some(Sight { key, person, seen, before: Before::of(claim, key) })
    };
    Ok(seen.into_iter().filter_map(sight).collect())
}

fn by_id(records: Vec<Record>) -> HashMap<CrmId, Record> {
    records.into_iter().map(|record| (record.id.clone(), record)).collect()
}

/// Whose record is not as we have left it.
fn moved(
    module: CrmModule,
    sights: &HashMap<UserId, (Uuid, &Person)>,
    seen: &HashMap<UserId, Seen>,
) -> HashSet<UserId> {
    let moved = seen.iter().filter(|(user, seen)| match seen {
        Seen::Hers(record) => {
            sights.get(user).is_some_and(|(_, person)| person.link(module).modified_at != Some(record.modified_at))
        }
        _ => false,
    });
    moved.map(|(user, _)| *user).collect()
}

/// Whose Contact belongs to no Account, although there is one. Whether that one still exists is seen from the person's side.
fn detached(sights: &HashMap<UserId, (Uuid, &Person)>, seen: &HashMap<UserId, Seen>) -> impl Iterator<Item = UserId> {
    let has_account = |user: &UserId| sights.get(user).is_some_and(|(_, person)| person.account.record().is_some());
    let detached = |seen: &Seen| matches!(seen, Seen::Hers(record) if record.account.is_none());
    seen.iter().filter(move |(user, seen)| detached(seen) && has_account(user)).map(|(user, _)| *user)
}

fn stranger(record: &Record) -> Stranger {
    Stranger {
        user: choice::user_id(record.our_id.as_deref()),
        email: record.fields.get(Field::Email).map(str::to_owned),
    }
}
