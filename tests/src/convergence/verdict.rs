//! Whether a story ended as it must: both sides agree, everybody is there once, and no word of either side was lost.

use serde_json::Value;

use super::ending::{Ending, User};
use super::lost::{completed, lost_of_theirs};
use super::model::Person;
use super::stage::Stage;
use super::unit::{ACCOUNTS, CONTACTS, Held, Role, Unit};

impl Stage<'_> {
    /// What is wrong with the end; nothing, if all is well.
    pub(super) async fn verdict(&self) -> Vec<String> {
        let ending = Ending::of(self.system).await;
        let mut wrong = Vec::new();
        for (member, person) in &self.model.people {
            let mut say = |what: String| wrong.push(format!("P{member}: {what}"));
            match ending.users.get(&person.id) {
                _ if person.erased => erased(&ending, person, &mut say),
                None => say("is not a user any more".to_owned()),
                Some(user) => self.living(&ending, person, user, &mut say),
            }
        }
        self.nobody_elses(&ending, &mut wrong);
        wrong.extend(self.blamed(&ending));
        wrong
    }

    fn living(&self, ending: &Ending, person: &Person, user: &User, say: &mut impl FnMut(String)) {
        for unit in person.role.units().iter().filter(|unit| !unit.belongs_to_sales()) {
            let said = person.last(*unit).and_then(|edit| edit.value.as_deref());
            if !unit.same(user.value(*unit), said) {
                say(format!("{unit:?} is {:?} here, and she said {said:?}", user.value(*unit)));
            }
        }
        for module in if person.role == Role::Org { &[ACCOUNTS, CONTACTS][..] } else { &[CONTACTS][..] } {
            let carrying = ending.carrying(module, person.id);
            let linked = user.link(module).and_then(|id| ending.record(module, id));
            match (carrying.as_slice(), linked) {
                ([one], Some(linked)) if one["id"] == linked["id"] => {
                    self.both_sides(ending, person, user, linked, module, say);
                }
                ([], None) if person.disowned.contains(module) => {}
                (carrying, _) => {
                    let ids: Vec<&Value> = carrying.iter().map(|record| &record["id"]).collect();
                    say(format!("{module} with her id: {ids:?}; linked: {:?}", user.link(module)));
                }
            }
        }
    }

    fn both_sides(
        &self,
        ending: &Ending,
        person: &Person,
        user: &User,
        record: &Value,
        module: &str,
        say: &mut impl FnMut(String),
    ) {
        let worked = self.model.records.get(record["id"].as_str().unwrap_or_default());
        for unit in Unit::ALL.into_iter().filter(|unit| unit.module() == module) {
            let theirs = unit.on(record);
            let written = worked.and_then(|worked| worked.last(unit));
            if !person.role.units().contains(&unit) {
                // Nothing of ours: it stays as sales have left it.
                let last = written.and_then(|edit| edit.value.clone());
                if unit.belongs_to_sales() && theirs != last && !self.story.is_ruled(unit) {
                    say(format!("{unit:?}, which is not ours, is {theirs:?}, and sales wrote {last:?}"));
                }
                continue;
            }
            let ours = user.value(unit);
            let left = ending.leaves(person.id, unit, theirs.as_deref());
            match unit.held(theirs.as_deref()) {
                Held::Value(value) if unit.same(value.as_deref(), ours) => {}
                Held::Not if left => {}
                _ => say(format!("{unit:?} is {ours:?} here and {theirs:?} over there")),
            }
            if self.story.is_ruled(unit) {
                continue;
            }
            let in_the_window = !self.story.ticks
                && written.is_some_and(|edit| {
                    ending.in_the_window(record["id"].as_str().unwrap_or_default(), unit, &edit.time)
                });
            if !in_the_window && let Some(lost) = lost_of_theirs(ending, person, unit, ours, theirs.as_deref(), written)
            {
                say(lost);
            }
            let of_sales_later = |at: u64| written.is_some_and(|edit| edit.at > at);
            if let Some(said) = person.last(unit)
                && !said.is_uncertain
                && !unit.same(said.value.as_deref(), ours)
                && !of_sales_later(said.at)
                && !ending.tells(person.id, unit, true, said.value.as_deref())
                && !completed(said.value.as_deref(), ours)
            {
                say(format!("her own {unit:?} {:?} was lost; it is {ours:?}", said.value));
            }
        }
        if module == CONTACTS {
            self.tags(person, record, say);
            attached(ending, person, user, record, say);
        }
    }

    /// Records that carry an id of ours belong to somebody.
    fn nobody_elses(&self, ending: &Ending, wrong: &mut Vec<String>) {
        for (record, field) in ending
            .contacts
            .iter()
            .map(|contact| (contact, "ISO_User_ID"))
            .chain(ending.accounts.iter().map(|account| (account, "ISO_Organization_ID")))
        {
            let Some(id) = record[field].as_str() else { continue };
            if !self.model.people.values().any(|person| person.id.to_string() == id) {
                wrong.push(format!("{} carries the id of nobody: {id}", record["id"]));
            }
        }
    }
}

/// An organisation's Contact stands at its Account, unless sales have put it elsewhere.
fn attached(ending: &Ending, person: &Person, user: &User, record: &Value, say: &mut impl FnMut(String)) {
    if person.role != Role::Org || !person.disowned.is_empty() {
        return;
    }
    let account = user.account.as_deref().and_then(|id| ending.record(ACCOUNTS, id));
    if record["Account_Name"].is_null() && account.is_some() {
        say("her Contact is not attached to her Account".to_owned());
    }
}

/// Nothing is left of who was erased, but an Account without our id.
fn erased(ending: &Ending, person: &Person, say: &mut impl FnMut(String)) {
    if ending.users.contains_key(&person.id) {
        say("is still a user".to_owned());
    }
    for module in [CONTACTS, ACCOUNTS] {
        for record in ending.carrying(module, person.id) {
            say(format!("is erased, and {} of {module} carries her id", record["id"]));
        }
    }
    if ending.erasures.get(&person.id) != Some(&true) {
        say(format!("is erased, and that is not known: {:?}", ending.erasures.get(&person.id)));
    }
}
