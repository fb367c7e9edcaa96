//! What has to be written for whom, decided before anything is written.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::problem::Problem;
use super::tags::Tags;
use crate::db::people::Person;
use crate::db::zoho_links::Standing;
use crate::domain::event::CrmModule;
use crate::domain::merge::{Conflict, Kept, Merge, merge};
use crate::domain::record::{Changes, Field, Fields, Unit};
use crate::domain::{CrmId, Role, UserId};
use crate::zoho::{Key, Record, Write};

/// How often within an hour our word goes back. After that it waits until the hour is over: something in the CRM says
/// otherwise each time.
pub(super) const MOST_CORRECTIONS: u32 = 4;

/// One record's way to agreement.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own about the plan")]
pub(super) struct Plan {
    pub user: UserId,
    /// The record that she has, unless it is yet to be made.
    pub record: Option<CrmId>,
    pub write: Option<Write>,
    /// Contacts of other users that still have her address.
    pub in_the_way: Vec<(UserId, CrmId)>,
    pub take: Changes,
    pub conflicts: Vec<Conflict>,
    /// On what both sides agree once `write` has gone through.
    pub base: Fields,
    /// On what they agree without it.
    pub base_unsent: Fields,
    /// It puts right what somebody has changed over there.
    pub corrects: bool,
    /// It would be put right too often: so long it is left as it is.
    pub overruled: Option<Duration>,
    pub tags: Tags,
    /// Zoho's time of the record as it was read, and then as it was written.
    pub modified_at: Option<DateTime<Utc>>,
    /// Zoho's time of the newest of the records that were read with it.
    pub newest_at: Option<DateTime<Utc>>,
    /// A change within the second after the time that Zoho shows does not hold `write` up.
    pub allows_for_unseen: bool,
    /// The last attempt was refused for somebody else's change.
    pub was_stale: bool,
    /// Nothing was written, tagged or taken over, and nothing has to be recorded.
    pub is_echo: bool,
    /// `write` has gone through.
    pub is_written: bool,
    /// Zoho has said what became of `write`: it has gone through, or was refused for itself.
    pub is_answered: bool,
    pub problem: Option<Problem>,
}

impl Plan {
    /// Whether the CRM has all that was to be written.
    pub(super) fn written(&self) -> bool {
        self.write.is_none() || self.is_written
    }

    /// Whether something over there has been put right.
    pub(super) fn corrected(&self) -> bool {
        self.corrects && if self.write.is_some() { self.is_written } else { self.problem.is_none() }
    }

    /// Whether nothing that was to be written may have arrived without our knowing.
    pub(super) fn answered(&self) -> bool {
        self.write.is_none() || self.is_answered
    }

    /// Whether its write replaces what the other side had to say. Such a conflict is noted before the write.
    pub(super) fn writes_over(&self, conflict: &Conflict) -> bool {
        let sends = |write: &Write| conflict.unit.fields().iter().any(|field| write.changes.contains_key(field));
        conflict.kept == Kept::Ours && self.write.as_ref().is_some_and(sends)
    }

    /// Whether a conflict is noted before the write, which makes it so: nobody may come to record it afterwards.
    pub(super) fn is_noted_before(&self, conflict: &Conflict) -> bool {
        self.writes_over(conflict) || conflict.kept == Kept::Shortened && self.write.is_some()
    }

    /// Whether its write replaces an address that sales have written.
    pub(super) fn writes_address_over(&self) -> bool {
        let of_address = |conflict: &&Conflict| conflict.unit == Unit::Email;
        self.problem.is_none() && self.conflicts.iter().filter(of_address).any(|conflict| self.writes_over(conflict))
    }

    /// The address on its record is gone: both agree on none until `write` brings another one.
    pub(super) fn lose_address(&mut self) {
        let without = |base: &Fields| base.only(|field| field != Field::Email);
        self.base_unsent = without(&self.base_unsent);
        if self.write.as_ref().is_none_or(|write| !write.changes.contains_key(&Field::Email)) {
            self.base = without(&self.base);
        }
    }

    /// Whether it has got so far that its record can be tagged.
    pub(super) fn can_be_tagged(&self) -> bool {
        self.record.is_some() && self.problem.is_none()
    }
}

/// What a plan is made from beside the person and her record.
pub(super) struct Ground<'a> {
    pub module: CrmModule,
    /// Whether this CRM has a field at all.
    pub has: &'a dyn Fn(Field) -> bool,
    pub today: NaiveDate,
    /// The Account that a Contact belongs to.
    pub account: Option<CrmId>,
}

impl Ground<'_> {
    /// A new record with all that we know.
    pub(super) fn make(&self, person: &Person) -> Plan {
        let nothing = Fields::default();
        let merge = merge(self.module, &nothing, &[], &self.kept(person, &person.fields), &nothing);
        let changes = merge.send.iter().filter(|(_, value)| value.is_some());
        let changes = changes.map(|(field, value)| (*field, value.clone())).collect();
        let write = Write { record: None, user: person.id, changes, account: self.account.clone(), key: Key::Put };
        Plan {
            user: person.id,
            record: None,
            write: Some(write),
            in_the_way: Vec::new(),
            take: Changes::default(),
            conflicts: merge.conflicts,
            base: merge.base,
            base_unsent: merge.base_unsent,
            corrects: false,
            overruled: None,
            tags: self.tags(person, &[]),
            modified_at: None,
            newest_at: None,
            allows_for_unseen: false,
            was_stale: false,
            is_echo: false,
            is_written: false,
            is_answered: false,
            problem: None,
        }
    }

    /// What makes a person and the record that is hers agree.
    pub(super) fn meet(&self, person: &Person, record: &Record) -> Plan {
        let link = person.link(self.module);
        let ours = self.kept(person, &person.fields);
        let theirs = self.kept(person, &record.fields);
        let base = self.base(person, record, &theirs);
        let mut merge = merge(self.module, &base, &link.may_have_arrived(record.modified_at), &ours, &theirs);
        let mut account = self.account.clone().filter(|_| record.account.is_none());
        let mut key = if record.is_of(person.id) { Key::Keep } else { Key::Put };
        let mut tags = self.tags(person, &record.tags);
        // On a record that is hers already our id, its Account and our tags have been there.
        let is_hers = link.standing == Standing::Linked(record.id.clone());
        let puts_back = is_hers && (key == Key::Put || account.is_some() || !tags.again.is_empty());
        let corrects = puts_back || merge.conflicts.iter().any(|conflict| conflict.kept == Kept::Ours);
        let overruled =
            Some(link.corrections.ends_in).filter(|_| corrects && link.corrections.times >= MOST_CORRECTIONS);
        if overruled.is_some() {
            hold_back(&mut merge);
            if is_hers {
                (key, account) = (Key::Keep, None);
                tags.hold_back();
            }
        }
        let needs_write = !merge.send.is_empty() || account.is_some() || key == Key::Put;
        // What was set out to be written has not arrived, or is agreed on: either way that is recorded.
        let is_new = !is_hers || !link.sent.is_empty() || link.modified_at != Some(record.modified_at);
        let changes_nothing = merge.take.is_empty() && merge.conflicts.is_empty() && merge.base == base;
        let is_echo = !is_new && !needs_write && changes_nothing && tags.agree(&link.tags);
        Plan {
            user: person.id,
            record: Some(record.id.clone()),
            corrects: corrects && overruled.is_none(),
            overruled,
            write: needs_write.then(|| Write {
                record: Some(record.id.clone()),
                user: person.id,
                changes: merge.send,
                account,
                key,
            }),
            in_the_way: Vec::new(),
            take: merge.take,
            conflicts: merge.conflicts,
            base: merge.base,
            base_unsent: merge.base_unsent,
            tags,
            modified_at: Some(record.modified_at),
            newest_at: Some(record.newest_at),
            allows_for_unseen: false,
            was_stale: false,
            is_echo,
            is_written: false,
            is_answered: false,
            problem: None,
        }
    }

    /// The fields that are kept equal for her. A value that a role has no place for is sales' own; what is ours to say is
    /// ours to say for every role.
    fn kept(&self, person: &Person, fields: &Fields) -> Fields {
        let has_place = |unit: &Unit| person.role == Role::Parent || !matches!(unit, Unit::Phone | Unit::Address);
        let units: Vec<Unit> = Unit::of(self.module).filter(has_place).collect();
        fields.only(|field| (self.has)(field) && units.iter().any(|unit| unit.fields().contains(&field)))
    }

    /// On what both last agreed. A record that has come back in the place of another one may be blank where that had
    /// something: that is no change of anybody's; nor may one that somebody has linked when it was to be made anew, and which
    /// nobody has looked at. One that she has not had says nothing of what was agreed on.
    fn base(&self, person: &Person, record: &Record, theirs: &Fields) -> Fields {
        let link = person.link(self.module);
        let base = self.kept(person, &link.base);
        match link.record() {
            Some(_) if !link.gone && link.modified_at.is_some() => return base,
            None if !record.is_of(person.id) => return Fields::default(),
            _ => {}
        }
        let blank = |unit: &Unit| unit.fields().iter().all(|field| theirs.get(*field).is_none());
        let blank: Vec<Unit> = Unit::of(self.module).filter(blank).collect();
        base.only(|field| !blank.iter().any(|unit| unit.fields().contains(&field)))
    }

    fn tags(&self, person: &Person, there: &[String]) -> Tags {
        match self.module {
            CrmModule::Contacts => Tags::of(person, there, self.today),
            CrmModule::Accounts => Tags::default(),
        }
    }
}

/// Takes corrections out of what is sent.
fn hold_back(merge: &mut Merge) {
    let ours = merge.conflicts.iter().filter(|conflict| conflict.kept == Kept::Ours);
    let units: Vec<Unit> = ours.map(|conflict| conflict.unit).collect();
    for field in units.iter().flat_map(|unit| unit.fields()) {
        merge.send.remove(field);
        let unsent = merge.base_unsent.get(*field).map(str::to_owned);
        merge.base = merge.base.with(&Changes::from([(*field, unsent)]));
    }
}

#[cfg(test)]
mod tests {
    use super::super::people::{contact, sheree};
    use super::*;

    fn ground(module: CrmModule) -> Ground<'static> {
        Ground { module, has: &|_| true, today: "2026-11-22".parse().unwrap(), account: None }
    }

    fn met(person: &Person, record: &Record) -> Plan {
        ground(CrmModule::Contacts).meet(person, record)
    }

    #[test]
    fn a_new_contact_gets_all_that_we_know_and_her_id() {
        let plan = ground(CrmModule::Contacts).make(&sheree());

        let write = plan.write.unwrap();
        assert_eq!(write.changes[&Field::Email].as_deref(), Some("sheree@example.com"));
        assert_eq!((write.key, write.record), (Key::Put, None));
        assert_eq!(plan.tags.missing, ["Senior 2027", "Soccer"]);
    }

    #[test]
    fn a_new_contact_has_what_fits_and_what_does_not_is_told_before_it_is_made() {
        let mut sheree = sheree();
        let (long, address) = ("S".repeat(60), format!("{}@example.com", "s".repeat(100)));
        sheree.fields =
            sheree.fields.with(&Changes::from([(Field::FirstName, Some(long.clone())), (Field::Email, Some(address))]));

        let plan = ground(CrmModule::Contacts).make(&sheree);

        let changes = &plan.write.as_ref().unwrap().changes;
        assert_eq!(changes[&Field::FirstName].as_deref(), Some(&long[..40]));
        assert!(!changes.contains_key(&Field::Email), "an address cannot be shortened");
        assert_eq!(plan.base.get(Field::FirstName), Some(&long[..40]));
        let told: Vec<_> = plan.conflicts.iter().map(|conflict| (conflict.unit, conflict.kept)).collect();
        assert_eq!(told, [(Unit::FirstName, Kept::Shortened), (Unit::Email, Kept::Shortened)]);
        assert!(plan.conflicts.iter().all(|conflict| plan.is_noted_before(conflict)));
    }

    #[test]
    fn an_echo_is_known_as_one() {
        let (mut sheree, mut record) = (sheree(), contact("9", "sheree@example.com"));
        sheree.contact.standing = Standing::Linked(record.id.clone());
        sheree.contact.base = sheree.fields.clone();
        sheree.contact.modified_at = Some(record.modified_at);
        sheree.contact.tags = vec!["Senior 2027".to_owned(), "Soccer".to_owned()];
        (record.our_id, record.fields) = (Some(sheree.id.to_string()), sheree.fields.clone());
        record.tags = vec!["soccer".to_owned(), "Senior 2027".to_owned(), "VIP".to_owned()];

        let plan = met(&sheree, &record);

        assert!(plan.is_echo && plan.write.is_none(), "{plan:?}");
    }

    #[test]
    fn an_edit_in_the_second_of_our_own_write_is_told_also_where_it_changes_nothing() {
        let (mut sheree, mut record) = linked();
        sheree.contact.modified_at = Some(record.modified_at);
        record.fields = record.fields.with(&Changes::from([(Field::Phone, Some("ask Sheree".to_owned()))]));

        let plan = met(&sheree, &record);

        assert!(!plan.is_echo && plan.write.is_none() && plan.take.is_empty(), "{plan:?}");
        assert_eq!(plan.conflicts.iter().map(|conflict| conflict.kept).collect::<Vec<_>>(), [Kept::Both]);
    }

    #[test]
    fn a_contact_that_sales_have_had_gets_her_id_and_its_blanks_filled() {
        let plan = met(&sheree(), &contact("9", "Sheree@Example.com"));

        let write = plan.write.unwrap();
        assert_eq!(write.key, Key::Put);
        assert_eq!(write.changes.keys().copied().collect::<Vec<_>>(), [Field::FirstName, Field::Role]);
        assert!(plan.conflicts.is_empty() && !plan.corrects, "{:?}", plan.conflicts);
    }

    #[test]
    fn a_field_that_this_crm_does_not_have_is_no_difference() {
        let without_role = Ground { has: &|field| field != Field::Role, ..ground(CrmModule::Contacts) };

        let plan = without_role.meet(&sheree(), &contact("9", "sheree@example.com"));

        assert!(!plan.write.unwrap().changes.contains_key(&Field::Role));
        assert_eq!(plan.base.get(Field::Role), None);
    }

    #[test]
    fn a_phone_number_that_sales_have_of_a_photographer_is_their_own() {
        let mut frank = sheree();
        frank.role = Role::Photographer;
        let mut record = contact("9", "sheree@example.com");
        record.fields = record.fields.with(&Changes::from([(Field::Phone, Some("+13125550000".to_owned()))]));

        let plan = met(&frank, &record);

        assert!(plan.take.is_empty() && !plan.write.unwrap().changes.contains_key(&Field::Phone));
    }

    #[test]
    fn a_record_that_came_back_blank_takes_nothing_away() {
        let record = contact("9", "sheree@example.com");
        let linked = || Standing::Linked(record.id.clone());
        // By its id on it, or because somebody has linked it; also when it was to be made anew.
        for (standing, gone) in [(Standing::Gone, true), (linked(), true), (linked(), false)] {
            let mut sheree = sheree();
            (sheree.contact.standing, sheree.contact.gone) = (standing, gone);
            let phone = Changes::from([(Field::Phone, Some("+13125550142".to_owned()))]);
            sheree.fields = sheree.fields.with(&phone);
            sheree.contact.base = sheree.fields.clone();

            let plan = met(&sheree, &record);

            assert!(plan.take.is_empty() && plan.conflicts.is_empty(), "{plan:?}");
            let changes = plan.write.unwrap().changes;
            assert_eq!(changes[&Field::FirstName].as_deref(), Some("Sheree"));
            assert_eq!(changes[&Field::Phone].as_deref(), Some("+13125550142"));
        }
    }

    #[test]
    fn our_word_goes_back_four_times_in_an_hour_and_then_waits_until_it_is_over() {
        let (mut sheree, mut record) = (sheree(), contact("9", "sheree@example.com"));
        sheree.contact.standing = Standing::Linked(record.id.clone());
        sheree.contact.base = sheree.fields.clone();
        record.fields = sheree.fields.with(&Changes::from([(Field::Role, Some("Coach".to_owned()))]));
        record.our_id = Some(sheree.id.to_string());

        sheree.contact.corrections.times = 3;
        let fourth = met(&sheree, &record);
        sheree.contact.corrections.times = 4;
        sheree.contact.corrections.ends_in = Duration::from_mins(20);
        let fifth = met(&sheree, &record);

        assert!(fourth.corrects && fourth.write.unwrap().changes.contains_key(&Field::Role));
        assert_eq!((fifth.corrects, fifth.overruled), (false, Some(Duration::from_mins(20))));
        assert!(fifth.write.is_none());
        assert_eq!(fifth.base.get(Field::Role), Some("parent"), "what was agreed on before stands");
    }

    /// A Contact that is hers, on which both sides agree but for what somebody has taken away.
    fn linked() -> (Person, Record) {
        let (mut sheree, mut record) = (sheree(), contact("9", "sheree@example.com"));
        sheree.contact.standing = Standing::Linked(record.id.clone());
        sheree.contact.base = sheree.fields.clone();
        sheree.contact.tags = vec!["Senior 2027".to_owned(), "Soccer".to_owned()];
        (record.our_id, record.fields) = (Some(sheree.id.to_string()), sheree.fields.clone());
        record.tags.clone_from(&sheree.contact.tags);
        record.account = Some("77".parse().unwrap());
        (sheree, record)
    }

    #[test]
    fn our_id_its_account_and_our_tags_go_back_four_times_in_an_hour_too() {
        type Taken = fn(&mut Record);
        let taken: [Taken; 3] =
            [|record| record.our_id = None, |record| record.account = None, |record| drop(record.tags.pop())];
        for take in taken {
            let (mut sheree, mut record) = linked();
            let ground = Ground { account: Some("77".parse().unwrap()), ..ground(CrmModule::Contacts) };
            let whole = ground.meet(&sheree, &record);
            take(&mut record);

            sheree.contact.corrections.times = 3;
            let fourth = ground.meet(&sheree, &record);
            sheree.contact.corrections.times = 4;
            sheree.contact.corrections.ends_in = Duration::from_mins(20);
            let fifth = ground.meet(&sheree, &record);

            assert!(!whole.corrects && whole.write.is_none() && whole.tags.missing.is_empty());
            assert!(fourth.corrects && (fourth.write.is_some() || fourth.tags.missing == ["Soccer"]));
            assert_eq!((fifth.corrects, fifth.overruled), (false, Some(Duration::from_mins(20))));
            assert!(fifth.write.is_none() && fifth.tags.missing.is_empty());
            assert_eq!(fifth.tags.ours, sheree.contact.tags, "what we have put there is still known as ours");
        }
    }

    #[test]
    fn an_address_that_is_lost_is_agreed_on_no_more_unless_another_one_is_written() {
        let (mut sheree, mut record) = linked();
        record.fields = record.fields.with(&Changes::from([(Field::Email, Some("sam@example.com".to_owned()))]));
        let mut corrected = met(&sheree, &record);
        sheree.contact.corrections.times = 4;
        sheree.contact.corrections.ends_in = Duration::from_mins(20);
        let mut overruled = met(&sheree, &record);
        assert!(corrected.write.is_some() && overruled.write.is_none());

        corrected.lose_address();
        overruled.lose_address();

        assert_eq!(corrected.base.get(Field::Email), Some("sheree@example.com"));
        for base in [corrected.base_unsent, overruled.base, overruled.base_unsent] {
            assert_eq!(base.get(Field::Email), None, "the blank over there is nobody's edit");
        }
    }

    #[test]
    fn what_a_record_gets_when_it_becomes_hers_is_no_correction() {
        let mut sheree = sheree();
        sheree.contact.corrections.times = 9;
        let ground = Ground { account: Some("77".parse().unwrap()), ..ground(CrmModule::Contacts) };

        let plan = ground.meet(&sheree, &contact("9", "sheree@example.com"));

        let write = plan.write.unwrap();
        assert!(!plan.corrects && write.key == Key::Put && write.account.is_some());
    }

    #[test]
    fn an_account_is_attached_where_there_is_none() {
        let account = Some("77".parse().unwrap());
        let ground = Ground { account, ..ground(CrmModule::Contacts) };
        let mut record = contact("9", "sheree@example.com");

        let blank = ground.meet(&sheree(), &record);
        record.account = Some("78".parse().unwrap());
        let taken = ground.meet(&sheree(), &record);

        assert_eq!([blank, taken].map(|plan| plan.write.unwrap().account.is_some()), [true, false]);
    }
}
