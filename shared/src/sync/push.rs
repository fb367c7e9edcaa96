//! From people to their records: whoever has changed here, or was erased.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::calls::Calls;
use super::half::{self, Before, End, Sight};
use super::problem::unreadable_row;
use super::round::Round;
use super::{Engine, erase, read};
use crate::db::Loaded;
use crate::db::erasures;
use crate::db::people::{self, Person};
use crate::db::tasks::Claim;
use crate::domain::event::CrmModule;
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::{Crm, Zoho};

pub(super) async fn round(engine: &Engine<'_>, zoho: &Zoho, claim: &Claim) -> Result<Round, Error> {
    let connection = engine.database.connection().await?;
    let keys: Vec<Uuid> = claim.tasks.iter().map(|task| task.key).collect();
    let Loaded { rows: people, unreadable } = people::by_ids(&connection, &keys).await?;
    let known: HashSet<Uuid> =
        people.iter().map(|person| person.id.0).chain(unreadable.iter().map(|user| user.key)).collect();
    let absent: Vec<Uuid> = keys.into_iter().filter(|key| !known.contains(key)).collect();
    let erasures = match &*absent {
        [] => Loaded::default(),
        absent => erasures::all(&connection, absent).await?,
    };

    let mut calls = Calls::new(Crm { zoho, connection: &connection }, engine.time, claim.lease());
    let mut round = Round { erased: erase::all(&mut calls, &erasures.rows).await?, ..Round::default() };
    round.unread.extend(unreadable.iter().map(|user| (user.key, unreadable_row("user", user))));
    round.unread.extend(erasures.unreadable.iter().map(|erased| (erased.key, unreadable_row("erased user", erased))));
    // Accounts first: their admins' Contacts belong to them.
    for module in [CrmModule::Accounts, CrmModule::Contacts] {
        let has: Vec<&Person> = people.iter().filter(|person| person.has(module)).collect();
        if has.is_empty() {
            continue;
        }
        let mut seen = read::of_people(&mut calls, module, &has).await?;
        let sights = has.into_iter().filter_map(|person| {
            let (key, seen) = (person.id.0, seen.remove(&person.id)?);
            Some(Sight { key, person, seen, before: Before::of(claim, key) })
        });
        let sights = sights.collect();
        let accounts = accounts(&people, &round);
        let (halves, way) = half::settle(&mut calls, module, sights, &accounts, engine.now.date_naive()).await?;
        round.halves.extend(halves);
        round.cleared.extend(way.cleared);
        round.corrected.extend(way.corrected);
    }
    round.people = people.into_iter().map(|person| (person.id, person)).collect();
    Ok(round)
}

/// The Accounts that there are, those made a moment ago among them, and without those found to be gone.
fn accounts(people: &[Person], round: &Round) -> HashMap<UserId, CrmId> {
    let known = people.iter().filter_map(|person| Some((person.id, person.account.record()?.clone())));
    let mut accounts: HashMap<UserId, CrmId> = known.collect();
    for half in &round.halves {
        match &half.end {
            End::Met(plan) => accounts.extend(plan.record.clone().map(|record| (half.user, record))),
            // It is another's by now, or nobody could see it: a task that goes on attaches it later.
            End::Gone | End::Failed(_) => drop(accounts.remove(&half.user)),
            End::Nothing => {}
        }
    }
    accounts
}
