//! What may be recorded of a record's plan, by what has changed on our side since its person was read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::half::{End, Half};
use super::plan::Plan;
use super::problem::Problem;
use super::tags::is_among;
use crate::db::people::Person;
use crate::db::zoho_links::{Agreed, Link, Standing};
use crate::domain::event::CrmModule;
use crate::domain::merge::{Conflict, Kept as KeptSide};
use crate::domain::record::{Changes, Field, Fields, Unit};
use crate::domain::{Sport, UserId};
use crate::zoho::Key;

/// What is recorded.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// All of it.
    Whole(Kept<'a>),
    /// She has changed meanwhile: what was written is so, and what both had the same; the rest is seen again.
    Written(Kept<'a>),
    /// Nothing had to be done for whom was read at this moment.
    Echo(DateTime<Utc>),
    Gone,
    /// Somebody else has recorded something of it meanwhile.
    Overtaken,
    /// She is gone here, or there was nothing to do, or nothing could be done.
    Nothing,
}

/// On what both sides agree now.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    plan: &'a Plan,
    read_at: DateTime<Utc>,
    base: Fields,
    tags: Vec<String>,
}

impl<'a> Fate<'a> {
    /// `read` is the person as she was when the work began; `now`, as she is. `lease` is that of the work.
    pub(super) fn of(half: &'a Half, read: Option<&Person>, now: Option<&Person>, lease: Uuid) -> Self {
        let (Some(read), Some(now)) = (read, now) else { return Self::Nothing };
        let (was, is) = (read.link(half.module), now.link(half.module));
        let same_link = (&was.standing, was.version) == (&is.standing, is.version);
        let plan = match &half.end {
            End::Nothing | End::Failed(_) => return Self::Nothing,
            _ if !same_link => return Self::Overtaken,
            End::Gone => return Self::Gone,
            End::Met(plan) => plan,
        };
        // Somebody else has set out to write meanwhile: what was read over there may be his already.
        if is.sent.iter().any(|one| one.by != lease && !was.sent.contains(one)) {
            return Self::Overtaken;
        }
        let is_written = plan.written();
        // What was to become hers is not yet: her id is not on it.
        let is_to_become_hers = plan.write.as_ref().is_some_and(|write| write.key == Key::Put);
        if !is_written && is_to_become_hers && !matches!(was.standing, Standing::Linked(_)) {
            return Self::Nothing;
        }
        let is_same = said(half.module, read) == said(half.module, now);
        let kept = |base: Fields| Kept { plan, read_at: read.read_at, base, tags: tags(plan, was, is, read.read_at) };
        match (is_same, is_written) {
            (true, _) if plan.is_echo && plan.problem.is_none() => Self::Echo(read.read_at),
            (true, true) => Self::Whole(kept(plan.base.clone())),
            (true, false) => Self::Whole(kept(plan.base_unsent.clone())),
            (false, true) => {
                let not_taken = plan.take.keys().map(|field| (*field, was.base.get(*field).map(str::to_owned)));
                Self::Written(kept(plan.base.with(&not_taken.collect())))
            }
            (false, false) => Self::Overtaken,
        }
    }

    pub(super) fn kept(&self) -> Option<&Kept<'a>> {
        match self {
            Self::Whole(kept) | Self::Written(kept) => Some(kept),
            Self::Echo(_) | Self::Gone | Self::Overtaken | Self::Nothing => None,
        }
    }

    /// The plan, if all of it is recorded.
    pub(super) fn whole(&self) -> Option<&'a Plan> {
        match self {
            Self::Whole(kept) => Some(kept.plan),
            _ => None,
        }
    }

    /// Whether Zoho has refused to make a record where there is none: nothing of hers can have arrived.
    pub(super) fn is_denied(&self, half: &Half) -> bool {
        matches!((self, &half.end), (Self::Nothing, End::Met(plan)) if plan.is_answered && plan.record.is_none())
    }

    /// The tags that it has put on a Contact although nothing of it is recorded.
    pub(super) fn tags_put(&self, half: &Half) -> Option<(UserId, Vec<String>)> {
        match (self, &half.end) {
            (Self::Overtaken, End::Met(plan)) if plan.written() && !plan.tags.missing.is_empty() => {
                Some((half.user, plan.tags.missing.clone()))
            }
            _ => None,
        }
    }

    /// Why the work on it has not ended.
    pub(super) fn problem(&self, half: &Half) -> Option<Problem> {
        match self {
            Self::Written(_) | Self::Overtaken => {
                Some(half.problem().filter(|problem| problem.concerns_all()).cloned().unwrap_or_else(|| {
                    Problem::overtaken(
                        "The person, or her link to the CRM, was changed while Zoho was called; done again.",
                    )
                }))
            }
            // Its task is asked for anew.
            Self::Gone => None,
            Self::Whole(_) | Self::Echo(_) | Self::Nothing => half.problem().cloned(),
        }
    }
}

impl Kept<'_> {
    pub(super) fn has_address(&self) -> bool {
        self.base.get(Field::Email).is_some()
    }

    pub(super) fn agreed(&self, user: UserId) -> Option<Agreed<'_>> {
        Some(Agreed {
            user,
            read_at: self.read_at,
            record: self.plan.record.as_ref()?,
            base: &self.base,
            tags: &self.tags,
            modified_at: self.plan.modified_at,
            corrected: self.plan.corrected(),
            answered: self.plan.answered(),
        })
    }
}

/// The tags of ours that are there, those that somebody else's work was about to put there since she was read, and those
/// that may be on their way still; not what has just been taken off.
fn tags(plan: &Plan, was: &Link, is: &Link, read_at: DateTime<Utc>) -> Vec<String> {
    let ours = &plan.tags.ours;
    let since = is.tags.iter().filter(|tag| !is_among(tag, &was.tags));
    let on_their_way = is.tags_on_their_way(read_at).iter().filter(|tag| !is_among(tag, &plan.tags.extra));
    let mut all: Vec<String> = Vec::new();
    for tag in ours.iter().chain(since).chain(on_their_way) {
        if !is_among(tag, &all) {
            all.push(tag.clone());
        }
    }
    all
}

/// What is taken over into each profile: the Account and the Contact of one person may both have been changed.
pub(super) fn taken(fates: &[(&Half, Fate<'_>)]) -> BTreeMap<UserId, Changes> {
    let mut taken: BTreeMap<UserId, Changes> = BTreeMap::new();
    for (half, fate) in fates {
        if let Some(plan) = fate.whole().filter(|plan| !plan.take.is_empty()) {
            taken.entry(half.user).or_default().extend(plan.take.iter().map(|(field, value)| (*field, value.clone())));
        }
    }
    taken
}

/// The conflicts in which nothing of theirs was written over: those were noted before.
pub(super) fn conflicts<'a>(fates: &'a [(&Half, Fate<'_>)]) -> Vec<(UserId, CrmModule, &'a Conflict)> {
    let mut ended = Vec::new();
    for (half, fate) in fates {
        let Some(plan) = fate.whole() else { continue };
        let told = plan.conflicts.iter().filter(|conflict| conflict.kept != KeptSide::Ours);
        ended.extend(told.map(|conflict| (half.user, half.module, conflict)));
    }
    ended
}

/// What she has to say on a record of this module: its fields, and on a Contact what its tags follow from.
fn said(module: CrmModule, person: &Person) -> (Fields, BTreeSet<&str>, BTreeSet<NaiveDate>) {
    let fields = person.fields.only(|field| Unit::of(module).any(|unit| unit.fields().contains(&field)));
    match module {
        CrmModule::Contacts => {
            (fields, person.sports.iter().map(Sport::as_str).collect(), person.births.iter().copied().collect())
        }
        CrmModule::Accounts => (fields, BTreeSet::new(), BTreeSet::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::people::{contact, sheree};
    use super::super::plan::Ground;
    use super::*;
    use crate::db::zoho_links::Sent;
    use crate::zoho::Record;
    use chrono::TimeDelta;

    const LEASE: Uuid = Uuid::nil();

    fn changed(person: &mut Person, field: Field, value: &str) {
        person.fields = person.fields.with(&Changes::from([(field, Some(value.to_owned()))]));
    }

    /// What came of her Contact when `record` was met; `is_written` if Zoho has taken all that was to be written.
    fn met(person: &Person, record: &Record, is_written: bool) -> Half {
        let today = "2026-11-22".parse().unwrap();
        let ground = Ground { module: CrmModule::Contacts, has: &|_| true, today, account: None };
        let plan = Plan { is_written, ..ground.meet(person, record) };
        Half { key: person.id.0, user: person.id, module: CrmModule::Contacts, end: End::Met(Box::new(plan)) }
    }

    /// Linked, and agreed on all; sales have then changed these fields.
    fn linked(edits: &[(Field, &str)]) -> (Record, impl Fn() -> Person) {
        let mut record = contact("9", "sheree@example.com");
        let edits = edits.iter().map(|(field, value)| (*field, Some((*value).to_owned()))).collect();
        (record.our_id, record.fields) = (Some(sheree().id.to_string()), sheree().fields.with(&edits));
        let id = record.id.clone();
        let person = move || {
            let mut person = sheree();
            person.contact.standing = Standing::Linked(id.clone());
            person.contact.base = person.fields.clone();
            person
        };
        (record, person)
    }

    #[test]
    fn an_edit_of_hers_during_the_first_call_is_no_conflict_afterwards() {
        let (read, mut now) = (sheree(), sheree());
        let mut record = contact("9", "sheree@example.com");
        record.fields = record.fields.with(&Changes::from([(Field::Phone, Some("+13125550000".to_owned()))]));
        let half = met(&read, &record, true);
        changed(&mut now, Field::LastName, "Moss");
        now.contact.sent.push(Sent { by: LEASE, at: 0, changes: Changes::default() });

        let fate = Fate::of(&half, Some(&read), Some(&now), LEASE);

        assert!(matches!(fate, Fate::Written(_)), "{fate:?}");
        let base = &fate.kept().unwrap().base;
        assert_eq!(base.get(Field::LastName), Some("Lane"), "both had it when they met");
        assert_eq!(base.get(Field::FirstName), Some("Sheree"), "it was sent");
        assert_eq!(base.get(Field::Phone), None, "it is not taken over yet");
    }

    /// Whoever changes it before it can be written to again changes a record of hers.
    #[test]
    fn a_record_with_her_id_is_hers_also_while_zoho_refuses_to_write_to_it() {
        for (has_id, is_kept) in [(true, true), (false, false)] {
            let (mut record, _) = linked(&[(Field::FirstName, "Sherry")]);
            record.our_id.take_if(|_| !has_id);
            let mut read = sheree();
            (read.contact.standing, read.contact.gone, read.contact.base) = (Standing::Gone, true, read.fields.clone());
            changed(&mut read, Field::LastName, "Moss");
            let half = met(&read, &record, false);

            let fate = Fate::of(&half, Some(&read), Some(&read), LEASE);

            let base = fate.kept().map(|kept| (kept.base.get(Field::FirstName), kept.base.get(Field::LastName)));
            assert_eq!(base, is_kept.then_some((Some("Sherry"), Some("Lane"))), "{fate:?}");
        }
    }

    #[test]
    fn what_somebody_else_has_set_out_to_write_is_not_taken_over_as_an_edit_of_sales() {
        let (record, person) = linked(&[(Field::Phone, "+13125550001")]);
        let (read, mut now) = (person(), person());
        let half = met(&read, &record, false);
        now.contact.sent.push(Sent { by: Uuid::max(), at: 0, changes: Changes::default() });

        let fate = Fate::of(&half, Some(&read), Some(&now), LEASE);

        assert!(matches!(fate, Fate::Overtaken), "{fate:?}");
    }

    #[test]
    fn tags_that_she_has_changed_meanwhile_are_not_agreed_on() {
        let (mut record, person) = linked(&[(Field::LastName, "Moss")]);
        record.tags = vec!["Senior 2027".to_owned(), "Soccer".to_owned()];
        let changes: [fn(&mut Person); 2] =
            [|person| person.sports.push("Golf".parse().unwrap()), |person| person.births.clear()];
        for change in changes {
            let (read, mut now) = (person(), person());
            let half = met(&read, &record, true);
            change(&mut now);

            let fate = Fate::of(&half, Some(&read), Some(&now), LEASE);

            assert!(matches!(fate, Fate::Written(_)), "{fate:?}");
        }
    }

    #[test]
    fn a_tag_that_was_announced_since_the_reading_stays_ours() {
        let (mut record, person) = linked(&[(Field::LastName, "Moss")]);
        record.tags = vec!["Senior 2027".to_owned(), "Soccer".to_owned()];
        let (mut read, mut now) = (person(), person());
        read.contact.tags = ["Senior 2027", "Soccer", "Tennis"].map(str::to_owned).into();
        now.contact.tags = ["Golf", "Senior 2027", "Soccer", "Tennis"].map(str::to_owned).into();
        let half = met(&read, &record, true);

        let fate = Fate::of(&half, Some(&read), Some(&now), LEASE);

        assert_eq!(fate.kept().unwrap().tags, ["Senior 2027", "Soccer", "Golf"]);
    }

    #[test]
    fn a_tag_that_may_be_on_its_way_stays_ours_for_a_quarter_of_an_hour() {
        let (mut record, person) = linked(&[(Field::LastName, "Moss")]);
        record.tags = vec!["Senior 2027".to_owned(), "Soccer".to_owned()];
        for (minutes, tags) in [(14, vec!["Senior 2027", "Soccer", "Tennis"]), (16, vec!["Senior 2027", "Soccer"])] {
            let [read, mut now] = [(); 2].map(|()| {
                let mut person = person();
                person.contact.tags = ["Senior 2027", "Soccer", "Tennis"].map(str::to_owned).into();
                person.contact.tags_set_out_at = Some(person.read_at - TimeDelta::minutes(minutes));
                person
            });
            let half = met(&read, &record, true);
            // What counts is when the look began.
            now.read_at += TimeDelta::seconds(90);

            let fate = Fate::of(&half, Some(&read), Some(&now), LEASE);

            assert_eq!(fate.kept().unwrap().tags, tags, "{minutes} minutes later");
        }
    }

    fn whole(half: &Half) -> Fate<'_> {
        let End::Met(plan) = &half.end else { panic!("{half:?}") };
        Fate::Whole(Kept { plan, read_at: sheree().read_at, base: Fields::default(), tags: Vec::new() })
    }

    #[test]
    fn both_records_of_one_person_change_her_profile_once() {
        let (record, person) = linked(&[(Field::FirstName, "Sherry")]);
        let read = person();
        let contact = met(&read, &record, false);
        let mut account = met(&read, &record, false);
        account.module = CrmModule::Accounts;
        let End::Met(plan) = &mut account.end else { panic!("{account:?}") };
        plan.take = Changes::from([(Field::OrgName, Some("Lincoln Park High".to_owned()))]);

        let taken = taken(&[(&account, whole(&account)), (&contact, whole(&contact))]);

        assert_eq!(taken.len(), 1);
        assert_eq!(taken[&read.id].keys().collect::<Vec<_>>(), [&Field::FirstName, &Field::OrgName]);
    }

    #[test]
    fn what_is_printed_of_a_plan_has_no_values() {
        let (record, person) = linked(&[(Field::FirstName, "Sherry"), (Field::Role, "Coach")]);

        let shown = format!("{:?}", met(&person(), &record, false));

        for value in ["Sherry", "Sheree", "Coach", "parent"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}
