//! What has been said on each side, and by whom: what the end is measured by.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;
use uuid::Uuid;

use super::unit::{Role, Unit};

/// Somebody set a unit to a value.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// Its place among all edits of both sides.
    pub(super) at: u64,
    pub(super) unit: Unit,
    /// As it was written.
    pub(super) value: Option<String>,
    /// By Zoho's clock, in milliseconds, from when it was sent until a second after it was answered: what we write then may
    /// have met it. Only of sales' edits.
    pub(super) time: Range<i64>,
    /// Sales have taken something away from a record that was nobody's just then: what a record lacks that comes in the place
    /// of hers, or comes back, is no change of anybody's.
    pub(super) is_blank_of_a_newcomer: bool,
    /// She has said what stood there just before, and her profile was written meanwhile: either something of sales' had come
    /// first, and this was an edit, or it was none.
    pub(super) is_uncertain: bool,
}

/// A user.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) role: Role,
    pub(super) sub: String,
    pub(super) body: Value,
    pub(super) edits: Vec<Edit>,
    pub(super) sports: Vec<String>,
    pub(super) erased: bool,
    /// Sales have deleted her Contact or Account, or merged it away: nobody has to have another one.
    pub(super) disowned: BTreeSet<&'static str>,
}

/// A record of the CRM that sales have had to do with.
#[derive(Debug, Default)]
pub(super) struct Worked {
    pub(super) edits: Vec<Edit>,
    /// The tags that sales have put there.
    pub(super) tags: BTreeSet<String>,
    /// Those of records that were merged into it.
    pub(super) merged_tags: BTreeSet<String>,
    /// Sales have saved its tags with ours among them, as they saw them.
    pub(super) retagged: bool,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    /// By their places in the cast.
    pub(super) people: BTreeMap<usize, Person>,
    /// By Zoho's ids.
    pub(super) records: BTreeMap<String, Worked>,
    /// All that sales have ever written of a unit, on whichever record.
    pub(super) of_sales: BTreeMap<Unit, BTreeSet<Option<String>>>,
    /// Zoho's ids of what sales have made.
    pub(super) leads: BTreeMap<usize, String>,
    /// Records that sales have locked at some time, by module and Zoho's id.
    pub(super) locked: BTreeSet<(&'static str, String)>,
    edits: u64,
    pub(super) kills: u32,
    /// What has gone wrong by order.
    pub(super) faults: BTreeSet<String>,
    /// Codes of failed work that an operator has seen.
    pub(super) failures: Vec<String>,
}

impl Model {
    pub(super) fn edit(&mut self, unit: Unit, value: Option<String>, time: Range<i64>) -> Edit {
        self.edits += 1;
        Edit { at: self.edits, unit, value, time, is_blank_of_a_newcomer: false, is_uncertain: false }
    }

    /// A user has said something.
    pub(super) fn said(&mut self, member: usize, unit: Unit, value: Option<String>) {
        let edit = self.edit(unit, value, 0..0);
        if let Some(person) = self.people.get_mut(&member) {
            person.edits.push(edit);
        }
    }

    /// A user has said what may have stood there already.
    pub(super) fn may_have_said(&mut self, member: usize, unit: Unit, value: Option<String>) {
        self.said(member, unit, value);
        if let Some(edit) = self.people.get_mut(&member).and_then(|person| person.edits.last_mut()) {
            edit.is_uncertain = true;
        }
    }

    /// Sales have written something.
    pub(super) fn written(&mut self, record: &str, unit: Unit, value: Option<String>, time: Range<i64>) {
        self.stood(unit, value.clone());
        let edit = self.edit(unit, value, time);
        self.records.entry(record.to_owned()).or_default().edits.push(edit);
    }

    /// The last word of sales on a record was said while it was nobody's.
    pub(super) fn said_of_a_newcomer(&mut self, record: &str) {
        if let Some(edit) = self.records.get_mut(record).and_then(|worked| worked.edits.last_mut()) {
            edit.is_blank_of_a_newcomer = edit.value.is_none();
        }
    }

    /// Sales have left a unit like this, whether or not that was news.
    pub(super) fn stood(&mut self, unit: Unit, value: Option<String>) {
        self.of_sales.entry(unit).or_default().insert(value);
    }

    /// Whether she whose id is on a record has said this herself at some time.
    pub(super) fn has_said(&self, record: &Value, unit: Unit, value: Option<&str>) -> bool {
        let is_on_it = |person: &&Person| record["ISO_User_ID"] == person.id.to_string();
        let said = |person: &Person| {
            person.edits.iter().any(|edit| edit.unit == unit && unit.same(edit.value.as_deref(), value))
        };
        self.people.values().filter(is_on_it).any(said)
    }

    /// Those whom a record belongs to, or may come to belong to, lose it by sales' own word.
    pub(super) fn lost(&mut self, module: &'static str, record: &Value) {
        let [user, account] =
            ["ISO_User_ID", "ISO_Organization_ID"].map(|field| record[field].as_str().map(str::to_owned));
        let email = record["Email"].as_str().unwrap_or_default().to_owned();
        for person in self.people.values_mut() {
            let id = Some(person.id.to_string());
            let has_the_address = person.edits.iter().any(|edit| {
                edit.unit == Unit::Email && edit.value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(&email))
            });
            if user == id || account == id || module == super::unit::CONTACTS && has_the_address {
                person.disowned.insert(module);
            }
        }
    }
}

impl Model {
    /// Who has had a record and has it again loses nothing.
    pub(super) fn regained(&mut self, module: &'static str, record: &Value) {
        let ids = ["ISO_User_ID", "ISO_Organization_ID"].map(|field| record[field].as_str());
        for person in self.people.values_mut().filter(|person| ids.contains(&Some(person.id.to_string().as_str()))) {
            person.disowned.remove(module);
        }
    }
}

impl Person {
    /// What she has said last.
    pub(super) fn last(&self, unit: Unit) -> Option<&Edit> {
        self.edits.iter().rev().find(|edit| edit.unit == unit)
    }

    pub(super) fn email(&self) -> String {
        self.last(Unit::Email).and_then(|edit| edit.value.clone()).unwrap_or_default()
    }
}

impl Worked {
    /// What sales have written last.
    pub(super) fn last(&self, unit: Unit) -> Option<&Edit> {
        self.edits.iter().rev().find(|edit| edit.unit == unit)
    }
}
