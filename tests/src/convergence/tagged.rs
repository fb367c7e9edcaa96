//! Whether a Contact has the tags that it must have.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::Person;
use super::ours::today;
use super::stage::Stage;
use super::unit::Role;

/// Tags of ours are named after sports, or after a year.
const SENIOR: &str = "Senior ";
const OTHER_SPORT: &str = "Other Sport";
const SPORTS: [&str; 6] = ["Soccer", "Tennis", "Golf", "Rugby", "Judo", OTHER_SPORT];

impl Stage<'_> {
    /// Hers and those of sales are all there, and no others.
    pub(super) fn tags(&self, person: &Person, record: &Value, say: &mut impl FnMut(String)) {
        let there = crate::tags(record);
        let id = record["id"].as_str().unwrap_or_default();
        let nothing = super::model::Worked::default();
        let worked = self.model.records.get(id).unwrap_or(&nothing);
        let known =
            |sport: &String| if SPORTS.contains(&sport.as_str()) { sport.clone() } else { OTHER_SPORT.to_owned() };
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        if person.role == Role::Parent {
            let sports = person.sports.iter().cloned().chain(person.sports_of_athletes());
            wanted.extend(sports.map(|sport| known(&sport)).chain(person.senior_tag(today())));
        }
        let is_ours = |tag: &str| SPORTS.contains(&tag) || tag.starts_with(SENIOR);
        let missing: Vec<&String> =
            wanted.iter().chain(&worked.tags).filter(|tag| !there.contains(&tag.as_str())).collect();
        let surplus: Vec<&&str> = there
            .iter()
            .filter(|tag| !wanted.contains(**tag))
            .filter(|tag| !worked.tags.contains(**tag) && !worked.merged_tags.contains(**tag))
            .filter(|tag| !(is_ours(tag) && (worked.retagged || !worked.merged_tags.is_empty())))
            .collect();
        if !missing.is_empty() || !surplus.is_empty() {
            say(format!("of the tags {there:?}, {missing:?} are missing and {surplus:?} are too many"));
        }
    }
}
