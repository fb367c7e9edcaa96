//! Brings two sides of a record together, field by field, by what both last agreed on. What only one side has changed
//! goes to the other; where both have, the side whose word counts wins, and what the other had is told.

use super::crm_form::crm_form;
use super::event::CrmModule;
use super::record::{Changes, Field, Fields, Owner, Unit};
use super::text::{Line, OrgName, PersonName, PhoneNumber};

/// What makes both sides agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// What to write over there.
    pub send: Changes,
    /// What to take over here.
    pub take: Changes,
    /// On what both agree once all of it is done.
    pub base: Fields,
    /// On what both agree if nothing was written over there.
    pub base_unsent: Fields,
    pub conflicts: Vec<Conflict>,
}

/// Both sides had something to say; one of them is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Conflict {
    pub unit: Unit,
    pub ours: Option<String>,
    pub theirs: Option<String>,
    pub kept: Kept,
}

/// Which value stands after a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It went back over there.
    Ours,
    /// It was taken over here.
    Theirs,
    /// Each its own: theirs is nothing that we can store, and nothing that we may overwrite.
    Both,
    /// Each its own: the CRM has no room for ours. Theirs is what is written there instead; an e-mail address is left out.
    Shortened,
}

impl Kept {
    /// As it stands in `sync_conflicts.kept`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Both => "both",
            Self::Shortened => "shortened",
        }
    }
}

/// Without the values: they say something about a person.
impl std::fmt::Debug for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Conflict({}, {:?})", self.unit.as_str(), self.kept)
    }
}

/// What to do with the records of one module. `base` is what both sides last agreed on; empty if they never met. `sent`
/// is what we set out to write over there and may have arrived: where it stands there, that is our own word of then and
/// nobody's edit.
pub fn merge(module: CrmModule, base: &Fields, sent: &[&Changes], ours: &Fields, theirs: &Fields) -> Merge {
    let mut merge = Merge::default();
    for unit in Unit::of(module) {
        let (mut base, theirs, is_first) = (Values::in_crm(unit, base), raw(unit, theirs), base.is_empty());
        let mut sent = sent.iter().filter_map(|sent| Values::sent(unit, sent));
        if let Some(arrived) = sent.find(|sent| theirs.is(sent, unit)) {
            base = arrived;
        }
        let (ours, whole) = (Values::in_crm(unit, ours), Values::of(unit, ours));
        merge.add(&Sides { unit, is_first, base, ours, whole, theirs });
    }
    merge
}

/// The values of a unit's fields, in their order.
#[derive(Clone, PartialEq, Eq)]
struct Values(Vec<Option<String>>);

struct Sides {
    unit: Unit,
    /// They have never agreed on anything: what differs is nobody's change.
    is_first: bool,
    base: Values,
    /// As the CRM can hold it. Only in this form are both sides compared: what we have shortened there is nobody's edit.
    ours: Values,
    /// As we hold it.
    whole: Values,
    theirs: Theirs,
}

/// Their value.
struct Theirs {
    /// As it stands there.
    raw: Values,
    /// As we would store it; `None`: our side cannot hold it.
    stored: Option<Values>,
    /// The same in the form in which both sides are compared.
    clean: Option<Values>,
}

impl Theirs {
    fn is(&self, values: &Values, unit: Unit) -> bool {
        self.clean.as_ref().is_some_and(|clean| clean.same(values, unit))
    }
}

impl Merge {
    fn add(&mut self, sides: &Sides) {
        let Sides { unit, base, ours, theirs, .. } = sides;
        let same = |one: &Values, other: &Values| one.same(other, *unit);
        let Some(clean) = &theirs.clean else { return self.add_unusable(sides) };
        if same(ours, clean) {
            if sides.is_first || !same(ours, base) {
                self.tell_shortened(sides);
            }
            self.agree(*unit, ours);
        } else if same(base, clean) {
            self.send(sides);
        } else if sides.is_left_out() {
            self.conflict(sides, Kept::Both);
            self.agree(*unit, base);
        } else if unit.owner() == Owner::Ours {
            self.keep_ours(sides);
        } else if same(ours, base) || clean.completes(ours, base) {
            self.take(sides, clean);
        } else if ours.completes(clean, base) {
            self.send(sides);
        } else {
            self.conflict(sides, Kept::Theirs);
            self.take(sides, clean);
        }
    }

    /// A name that was cleared goes back, since we need one. Anything else is somebody's note, and stays until our side
    /// has something new to say. What both had when they first met is not new.
    fn add_unusable(&mut self, sides: &Sides) {
        if sides.theirs.raw.is_blank() && sides.base.is_blank() {
            // It was never there: nobody has cleared it.
            self.send(sides);
        } else if sides.is_first && !sides.theirs.raw.is_blank() {
            self.conflict(sides, Kept::Both);
            self.agree(sides.unit, &sides.ours);
        } else if sides.theirs.raw.is_blank() || !sides.ours.same(&sides.base, sides.unit) {
            self.keep_ours(sides);
        } else {
            self.conflict(sides, Kept::Both);
            self.agree(sides.unit, &sides.base);
        }
    }

    fn keep_ours(&mut self, sides: &Sides) {
        self.conflict(sides, Kept::Ours);
        self.send(sides);
    }

    fn agree(&mut self, unit: Unit, values: &Values) {
        note(&mut self.base, unit, values);
        note(&mut self.base_unsent, unit, values);
    }

    fn send(&mut self, sides: &Sides) {
        let Sides { unit, base, ours, .. } = sides;
        self.tell_shortened(sides);
        self.send.extend(ours.changes(*unit));
        note(&mut self.base, *unit, ours);
        note(&mut self.base_unsent, *unit, base);
    }

    fn take(&mut self, Sides { unit, ours, whole, theirs, .. }: &Sides, clean: &Values) {
        let taken = theirs.stored.as_ref().unwrap_or(clean).but_for(|place| clean.0[place] == ours.0[place], whole);
        self.take.extend(taken.changes(*unit));
        self.agree(*unit, clean);
    }

    fn conflict(&mut self, Sides { unit, whole, theirs, .. }: &Sides, kept: Kept) {
        self.conflicts.push(Conflict { unit: *unit, ours: whole.shown(), theirs: theirs.raw.shown(), kept });
    }

    /// Told when it comes to be so, and not whenever the record is looked at.
    fn tell_shortened(&mut self, sides: &Sides) {
        if sides.is_shortened() {
            let (ours, theirs) = (sides.whole.shown(), sides.ours.shown());
            self.conflicts.push(Conflict { unit: sides.unit, ours, theirs, kept: Kept::Shortened });
        }
    }
}

impl Sides {
    /// The CRM has no room for all of ours.
    fn is_shortened(&self) -> bool {
        let is_cut = |field: Field, value: &str| crm_form(field, value).as_deref() != Some(value);
        let mut values = self.unit.fields().iter().zip(&self.whole.0);
        values.any(|(field, value)| value.as_deref().is_some_and(|value| is_cut(*field, value)))
    }

    /// The CRM cannot hold ours, not even in part.
    fn is_left_out(&self) -> bool {
        self.ours.is_blank() && !self.whole.is_blank()
    }
}

fn note(fields: &mut Fields, unit: Unit, values: &Values) {
    *fields = fields.with(&values.changes(unit).collect());
}

impl Values {
    fn of(unit: Unit, fields: &Fields) -> Self {
        Self(unit.fields().iter().map(|field| fields.get(*field).map(str::to_owned)).collect())
    }

    /// The same as the CRM can hold them.
    fn in_crm(unit: Unit, fields: &Fields) -> Self {
        Self::of(unit, fields).formed(unit)
    }

    /// As the CRM can hold them, and as they are read there.
    fn formed(&self, unit: Unit) -> Self {
        let formed = |(field, value): (&Field, &Option<String>)| {
            let value = value.as_deref()?;
            let form = crm_form(*field, value)?;
            // As theirs is read, also where ours was stored under former rules: else an echo of it would be an edit.
            Some(stored(unit, &form).unwrap_or(form))
        };
        Self(unit.fields().iter().zip(&self.0).map(formed).collect())
    }

    /// These values, but others in some places.
    fn but_for(&self, is_other: impl Fn(usize) -> bool, others: &Self) -> Self {
        let value =
            |(place, value): (usize, &Option<String>)| if is_other(place) { &others.0[place] } else { value }.clone();
        Self(self.0.iter().enumerate().map(value).collect())
    }

    fn is_blank(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    fn same(&self, other: &Self, unit: Unit) -> bool {
        self.0.iter().zip(&other.0).all(|pair| match pair {
            (Some(one), Some(other)) if unit == Unit::Email => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        })
    }

    /// Whether it says all that the other says, and more. Who has cleared a part of what both had has said something else.
    fn completes(&self, other: &Self, base: &Self) -> bool {
        let says_nothing = |other: &Option<String>, base: &Option<String>| other.is_none() && base.is_none();
        self != other
            && !other.is_blank()
            && (self.0.iter().zip(&other.0).zip(&base.0))
                .all(|((one, other), base)| one == other || says_nothing(other, base))
    }

    /// What we have set out to write of a unit, if anything.
    fn sent(unit: Unit, sent: &Changes) -> Option<Self> {
        let value = |field: &Field| sent.get(field).cloned().flatten();
        let is_sent = unit.fields().iter().any(|field| sent.contains_key(field));
        is_sent.then(|| Self(unit.fields().iter().map(value).collect()).formed(unit))
    }

    fn changes(&self, unit: Unit) -> impl Iterator<Item = (Field, Option<String>)> {
        unit.fields().iter().copied().zip(self.0.iter().cloned())
    }

    /// In one line, for a person to read.
    fn shown(&self) -> Option<String> {
        let parts: Vec<&str> = self.0.iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn raw(unit: Unit, theirs: &Fields) -> Theirs {
    let raw = Values::of(unit, theirs);
    let values = raw.0.iter().map(|value| value.as_deref().map_or(Some(None), |text| stored(unit, text).map(Some)));
    let values = values.collect::<Option<_>>().map(Values).filter(|values| !unit.is_required() || !values.is_blank());
    let clean = values.as_ref().map(|values| values.formed(unit));
    Theirs { raw, stored: values, clean }
}

/// A value of theirs as we would store it; `None`: our side cannot hold it.
fn stored(unit: Unit, text: &str) -> Option<String> {
    match unit {
        Unit::FirstName | Unit::LastName => stored_as::<PersonName>(text),
        Unit::OrgName => stored_as::<OrgName>(text),
        Unit::Phone => phone_number(text),
        Unit::Address => stored_as::<Line>(text),
        Unit::Email
        | Unit::Role
        | Unit::ReferredByCode
        | Unit::ReferralCode
        | Unit::CertificationLevel
        | Unit::OrgType => Some(text.trim().to_owned()),
    }
}

fn stored_as<T: std::str::FromStr + AsRef<str>>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|parsed| parsed.as_ref().to_owned())
}

/// Sales write a number of North America without its country: the business is there.
fn phone_number(text: &str) -> Option<String> {
    stored_as::<PhoneNumber>(text).or_else(|| Some(PhoneNumber::north_american(text)?.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Field::{City, Country, Email, FirstName, LastName, Phone, PostalCode, ReferralCode, State, Street};
    use super::*;

    fn fields<const N: usize>(fields: [(Field, &str); N]) -> Fields {
        fields.into_iter().map(|(field, value)| (field, Some(value.to_owned()))).collect()
    }

    fn changed<const N: usize>(fields: [(Field, &str); N]) -> Changes {
        fields.into_iter().map(|(field, value)| (field, Some(value.to_owned()))).collect()
    }

    fn contact(base: &Fields, ours: &Fields, theirs: &Fields) -> Merge {
        merge(CrmModule::Contacts, base, &[], ours, theirs)
    }

    fn sheree() -> Fields {
        fields([(FirstName, "Sheree"), (LastName, "Lane"), (Email, "sheree@example.com"), (Phone, "+13125550142")])
    }

    #[test]
    fn an_echo_of_our_own_write_changes_nothing() {
        let merged = contact(&sheree(), &sheree(), &sheree());

        assert_eq!(merged, Merge { base: sheree(), base_unsent: sheree(), ..Merge::default() });
    }

    #[test]
    fn what_only_sales_have_changed_is_taken_over() {
        let theirs = fields([(FirstName, "Sherry"), (LastName, "Lane"), (Email, "sheree@example.com")]);

        let merged = contact(&sheree(), &sheree(), &theirs);

        assert_eq!(merged.take, Changes::from([(FirstName, Some("Sherry".to_owned())), (Phone, None)]));
        assert!(merged.send.is_empty() && merged.conflicts.is_empty());
        assert_eq!(merged.base, theirs);
    }

    #[test]
    fn what_only_she_has_changed_is_sent_and_agreed_on_once_it_is_there() {
        let ours = sheree().with(&changed([(Phone, "+13125550199")]));

        let merged = contact(&sheree(), &ours, &sheree());

        assert_eq!(merged.send, changed([(Phone, "+13125550199")]));
        assert_eq!((merged.base, merged.base_unsent), (ours, sheree()));
    }

    #[test]
    fn an_edit_in_the_crm_never_moves_a_login_or_a_code() {
        let ours = sheree().with(&changed([(ReferralCode, "FRANK2024")]));
        let theirs = ours.with(&Changes::from([
            (Email, Some("other@example.com".to_owned())),
            (ReferralCode, Some("MINE".to_owned())),
        ]));

        let merged = contact(&ours, &ours, &theirs);

        assert!(merged.take.is_empty());
        assert_eq!(merged.send[&Email].as_deref(), Some("sheree@example.com"));
        assert_eq!(merged.send[&ReferralCode].as_deref(), Some("FRANK2024"));
        assert_eq!(merged.conflicts[0].theirs.as_deref(), Some("other@example.com"));
        assert!(merged.conflicts.iter().all(|conflict| conflict.kept == Kept::Ours));
    }

    #[test]
    fn where_both_have_changed_a_phone_number_sales_win_and_hers_is_told() {
        let ours = sheree().with(&changed([(Phone, "+13125550001")]));
        let theirs = sheree().with(&changed([(Phone, "(312) 555-0002")]));

        let merged = contact(&sheree(), &ours, &theirs);

        assert_eq!(merged.take, changed([(Phone, "+13125550002")]));
        assert_eq!(merged.conflicts[0].ours.as_deref(), Some("+13125550001"));
        assert_eq!(merged.conflicts[0].kept, Kept::Theirs);
    }

    #[test]
    fn a_number_that_sales_have_cleared_while_she_changed_it_stays_cleared_and_hers_is_told() {
        let ours = sheree().with(&changed([(Phone, "+13125550001")]));
        let theirs = sheree().with(&[(Phone, None)].into_iter().collect());

        let merged = contact(&sheree(), &ours, &theirs);

        assert_eq!(ours.with(&merged.take).get(Phone), None);
        assert!(merged.send.is_empty());
        assert_eq!(merged.conflicts[0].ours.as_deref(), Some("+13125550001"));
    }

    #[test]
    fn a_number_that_is_only_written_otherwise_is_the_same() {
        for written in ["312.555.0142", "(312) 555-0142", "1-312-555-0142", "+1 312 555 0142", "312‑555‑0142\u{202c}"]
        {
            let theirs = sheree().with(&changed([(Phone, written)]));

            let merged = contact(&sheree(), &sheree(), &theirs);

            assert_eq!(merged, Merge { base: sheree(), base_unsent: sheree(), ..Merge::default() }, "{written}");
        }
    }

    #[test]
    fn a_note_that_is_no_number_stays_over_there_until_she_has_a_new_one() {
        let theirs = sheree().with(&changed([(Phone, "ask her husband")]));
        let ours = sheree().with(&changed([(Phone, "+13125550001")]));

        let left = contact(&sheree(), &sheree(), &theirs);
        let sent = contact(&left.base, &ours, &theirs);

        assert!(left.send.is_empty() && left.take.is_empty());
        assert_eq!(left.conflicts[0].kept, Kept::Both);
        assert_eq!(sent.send, changed([(Phone, "+13125550001")]));
    }

    #[test]
    fn a_note_that_was_there_when_both_first_met_stays_until_she_has_a_new_number() {
        let theirs = sheree().with(&changed([(Phone, "312-555-0142 x23")]));
        let ours = sheree().with(&changed([(Phone, "+13125550001")]));

        let met = contact(&Fields::default(), &sheree(), &theirs);
        let sent = contact(&met.base, &ours, &theirs);

        assert!(met.send.is_empty() && met.take.is_empty(), "{met:?}");
        assert_eq!(met.conflicts[0].kept, Kept::Both);
        assert_eq!(sent.send, changed([(Phone, "+13125550001")]));
    }

    #[test]
    fn her_first_number_goes_out_though_there_is_a_note() {
        let without = sheree().with(&Changes::from([(Phone, None)]));
        let theirs = sheree().with(&changed([(Phone, "ask her husband")]));

        let left = contact(&without, &without, &theirs);
        let sent = contact(&left.base, &sheree(), &theirs);

        assert!(left.send.is_empty());
        assert_eq!(sent.send, changed([(Phone, "+13125550142")]));
        assert_eq!(sent.conflicts[0].kept, Kept::Ours);
    }

    #[test]
    fn a_first_name_that_was_cleared_goes_back() {
        let theirs = sheree().with(&Changes::from([(FirstName, None)]));

        let merged = contact(&sheree(), &sheree(), &theirs);

        assert_eq!(merged.send, changed([(FirstName, "Sheree")]));
    }

    #[test]
    fn an_address_moves_as_a_whole() {
        let home = [(Street, "12 Elm St"), (City, "Chicago"), (State, "IL"), (PostalCode, "60601"), (Country, "US")];
        let base = sheree().with(&changed(home));
        let ours = base.with(&changed([(Street, "1 Oak Ave"), (City, "Springfield"), (PostalCode, "62701")]));
        let theirs = base.with(&changed([(City, "Chicago Heights")]));

        let merged = contact(&base, &ours, &theirs);

        assert_eq!(ours.with(&merged.take).get(Street), Some("12 Elm St"));
        assert_eq!(merged.conflicts[0].ours.as_deref(), Some("1 Oak Ave, Springfield, IL, 62701, US"));
    }

    #[test]
    fn a_part_of_an_address_that_sales_have_cleared_while_she_changed_it_is_no_blank_to_fill() {
        let home = [(Street, "12 Elm St"), (City, "Chicago"), (State, "IL"), (PostalCode, "60601"), (Country, "US")];
        let base = sheree().with(&changed(home));
        let ours = base.with(&changed([(Street, "1 Oak Ave")]));
        let theirs = base.with(&Changes::from([(Street, None)]));

        let merged = contact(&base, &ours, &theirs);

        assert!(merged.send.is_empty(), "{:?}", merged.send);
        assert_eq!(merged.conflicts[0].ours.as_deref(), Some("1 Oak Ave, Chicago, IL, 60601, US"));
    }

    #[test]
    fn our_own_write_that_nobody_recorded_is_no_edit_of_sales() {
        let written = changed([(Phone, "+13125550001")]);
        let theirs = sheree().with(&written);
        for (now, sends) in [("+13125550002", true), ("+13125550142", true), ("+13125550001", false)] {
            let ours = sheree().with(&changed([(Phone, now)]));

            let merged = merge(CrmModule::Contacts, &sheree(), &[&Changes::default(), &written], &ours, &theirs);

            assert!(merged.take.is_empty() && merged.conflicts.is_empty(), "{now}: {merged:?}");
            assert_eq!(merged.send.get(&Phone).is_some(), sends, "{now}");
            let unsent = merged.base_unsent.get(Phone);
            assert_eq!(unsent, Some("+13125550001"), "that much is certain, whatever becomes of the call");
        }
    }

    /// What stood on both sides before our rules for it changed is nobody's edit, and no reason to undo one.
    #[test]
    fn an_edit_goes_out_where_both_sides_hold_what_was_stored_under_former_rules() {
        for (field, former, now) in [
            (Phone, "+4402079460958", "+13125550199"),
            (FirstName, "She\u{200b}ree", "Sherry"),
            (Street, "12 Elm St\u{200b}", "1 Oak Ave"),
        ] {
            let both = sheree().with(&changed([(field, former)]));
            let written = changed([(field, former)]);

            let untouched = contact(&both, &both, &both);
            let edited = contact(&both, &both.with(&changed([(field, now)])), &both);
            let unrecorded =
                merge(CrmModule::Contacts, &sheree(), &[&written], &both.with(&changed([(field, now)])), &both);

            assert!(
                untouched.send.is_empty() && untouched.take.is_empty() && untouched.conflicts.is_empty(),
                "{untouched:?}"
            );
            for merged in [edited, unrecorded] {
                assert_eq!(merged.send.get(&field), Some(&Some(now.to_owned())), "{field:?}");
                assert!(merged.take.is_empty() && merged.conflicts.is_empty(), "{field:?} {merged:?}");
            }
        }
    }

    #[test]
    fn a_write_that_has_not_arrived_makes_no_edit_of_what_stood_there_before() {
        let written = changed([(Phone, "+13125550001")]);
        let ours = sheree().with(&changed([(Phone, "+13125550002")]));

        let merged = merge(CrmModule::Contacts, &sheree(), &[&written], &ours, &sheree());

        assert_eq!(merged.send, changed([(Phone, "+13125550002")]));
        assert!(merged.take.is_empty() && merged.conflicts.is_empty(), "{merged:?}");
    }

    #[test]
    fn an_edit_of_sales_after_a_write_that_nobody_recorded_counts() {
        let written = changed([(Phone, "+13125550001")]);
        let theirs = sheree().with(&changed([(Phone, "+13125550009")]));

        let merged = merge(CrmModule::Contacts, &sheree(), &[&written], &sheree().with(&written), &theirs);

        assert_eq!(merged.take, changed([(Phone, "+13125550009")]));
    }

    /// 52 characters, of which the CRM takes 40.
    const LONG_NAME: &str = "Wolfeschlegelsteinhausenbergerdorff Senior of Altona";
    const SHORT_NAME: &str = "Wolfeschlegelsteinhausenbergerdorff Seni";
    /// 104 characters, of which the CRM takes 100.
    const LONG_CITY: &str =
        "Llanfair near the rapid whirlpool and the church of Saint Tysilio by the red cave at the end of the wood";
    const SHORT_CITY: &str =
        "Llanfair near the rapid whirlpool and the church of Saint Tysilio by the red cave at the end of the";

    /// 112 characters.
    fn long_address() -> String {
        format!("{}@example.com", "s".repeat(100))
    }

    #[test]
    fn a_name_that_is_too_long_for_the_crm_is_shortened_there_told_once_and_no_edit_of_sales() {
        let ours = sheree().with(&changed([(FirstName, LONG_NAME)]));

        let sent = contact(&sheree(), &ours, &sheree());
        let theirs = sheree().with(&sent.send);
        let echo = contact(&sent.base, &ours, &theirs);

        assert_eq!(sent.send, changed([(FirstName, SHORT_NAME)]));
        let told = Conflict {
            unit: Unit::FirstName,
            ours: Some(LONG_NAME.to_owned()),
            theirs: Some(SHORT_NAME.to_owned()),
            kept: Kept::Shortened,
        };
        assert_eq!(sent.conflicts, [told]);
        assert_eq!(echo, Merge { base: theirs.clone(), base_unsent: theirs, ..Merge::default() });
    }

    #[test]
    fn a_name_that_was_agreed_on_before_it_was_shortened_is_the_same() {
        let ours = sheree().with(&changed([(FirstName, LONG_NAME)]));
        let theirs = sheree().with(&changed([(FirstName, SHORT_NAME)]));

        let merged = contact(&ours, &ours, &theirs);

        assert!(merged.take.is_empty() && merged.send.is_empty() && merged.conflicts.is_empty(), "{merged:?}");
    }

    #[test]
    fn an_edit_of_sales_of_a_shortened_name_is_taken_over() {
        let ours = sheree().with(&changed([(FirstName, LONG_NAME)]));
        let base = sheree().with(&changed([(FirstName, SHORT_NAME)]));

        let merged = contact(&base, &ours, &sheree());

        assert_eq!(merged.take, changed([(FirstName, "Sheree")]));
        assert!(merged.conflicts.is_empty());
    }

    #[test]
    fn sales_who_change_a_part_of_an_address_leave_what_is_shortened_beside_it_as_long_as_it_is() {
        let home = [(Street, "12 Elm St"), (City, LONG_CITY), (State, "IL"), (PostalCode, "60601"), (Country, "US")];
        let ours = sheree().with(&changed(home));
        let base = ours.with(&changed([(City, SHORT_CITY)]));
        let theirs = base.with(&changed([(Street, "14 Elm St")]));

        let merged = contact(&base, &ours, &theirs);

        let taken = ours.with(&merged.take);
        assert_eq!((taken.get(Street), taken.get(City)), (Some("14 Elm St"), Some(LONG_CITY)));
        assert_eq!(contact(&merged.base, &taken, &theirs).send, Changes::default());
    }

    #[test]
    fn an_e_mail_address_that_the_crm_cannot_hold_is_left_out_and_the_old_one_goes() {
        let ours = sheree().with(&changed([(Email, &*long_address())]));

        let sent = contact(&sheree(), &ours, &sheree());
        let echo = contact(&sent.base, &ours, &sheree().with(&sent.send));

        assert_eq!(sent.send, Changes::from([(Email, None)]));
        let [told] = &*sent.conflicts else { panic!("{:?}", sent.conflicts) };
        assert_eq!(
            (told.ours.as_deref(), told.theirs.as_deref(), told.kept),
            (Some(&*long_address()), None, Kept::Shortened)
        );
        assert!(echo.send.is_empty() && echo.take.is_empty() && echo.conflicts.is_empty(), "{echo:?}");
    }

    #[test]
    fn an_address_that_sales_write_where_ours_is_left_out_stays_over_there() {
        let ours = sheree().with(&changed([(Email, &*long_address())]));
        let without = sheree().with(&Changes::from([(Email, None)]));
        let theirs = sheree().with(&changed([(Email, "lane@example.com")]));

        let merged = contact(&without, &ours, &theirs);

        assert!(merged.send.is_empty() && merged.take.is_empty(), "{merged:?}");
        assert_eq!(merged.conflicts.iter().map(|conflict| conflict.kept).collect::<Vec<_>>(), [Kept::Both]);
    }

    #[test]
    fn at_the_first_meeting_each_side_fills_the_blanks_of_the_other() {
        let ours = sheree().with(&Changes::from([(City, Some("Chicago".to_owned())), (State, Some("IL".to_owned()))]));
        let theirs = fields([(LastName, "Lane"), (City, "Chicago"), (FirstName, "Sherry")]);

        let merged = contact(&Fields::default(), &ours, &theirs);

        assert_eq!(merged.take, changed([(FirstName, "Sherry")]));
        assert_eq!(ours.with(&merged.take), merged.base);
        assert_eq!(theirs.with(&merged.send), merged.base);
    }

    /// Values that sales or the user may have typed: some that our side cannot hold, and some that the CRM cannot.
    fn value(field: Field) -> impl Strategy<Value = Option<String>> {
        let long = long_address();
        let values: &[&str] = match field {
            Phone => {
                &["+13125550001", "+13125550002", "(312) 555-0001", "1-312-555-0002", "+44 (0)20 7946 0958", "ask her"]
            }
            Email => &["a@example.com", "A@example.com", "b@example.com", &long],
            FirstName => &["One", " One ", "Two", "\u{200b}", LONG_NAME, SHORT_NAME],
            City | PostalCode => &["One", " One ", "Two", LONG_CITY, SHORT_CITY],
            _ => &["One", "Two", " Two ", "Three", "\u{202e}Two\u{200b}", "\u{200b}"],
        };
        let values: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
        prop_oneof![Just(None), prop::sample::select(values).prop_map(Some)]
    }

    fn record() -> impl Strategy<Value = Fields> {
        let fields: Vec<Field> = Unit::of(CrmModule::Contacts).flat_map(Unit::fields).copied().collect();
        fields
            .into_iter()
            .map(|field| value(field).prop_map(move |value| (field, value)))
            .collect::<Vec<_>>()
            .prop_map(|values| values.into_iter().collect())
    }

    /// What our side holds came in through its own doors.
    fn held() -> impl Strategy<Value = Fields> {
        record().prop_map(|fields| {
            let clean = contact(&Fields::default(), &Fields::default(), &fields).take;
            let names = [(FirstName, Some("Pat".to_owned())), (LastName, Some("Moss".to_owned()))];
            let email = fields.get(Email).unwrap_or("pat@example.com").to_owned();
            let ours = fields.get(ReferralCode).map(str::trim).map(str::to_owned);
            Fields::from_iter(names).with(&clean).with(&Changes::from([(Email, Some(email)), (ReferralCode, ours)]))
        })
    }

    /// On what both last agreed; nothing, if they never met.
    fn agreed() -> impl Strategy<Value = Fields> {
        prop_oneof![1 => Just(Fields::default()), 3 => held()]
    }

    proptest! {
        #[test]
        fn after_one_merge_there_is_nothing_left_to_do(base in agreed(), ours in held(), theirs in record()) {
            let merged = contact(&base, &ours, &theirs);
            let (ours, theirs) = (ours.with(&merged.take), theirs.with(&merged.send));

            let again = contact(&merged.base, &ours, &theirs);

            prop_assert!(again.send.is_empty() && again.take.is_empty(), "{:?} {:?}", again.send, again.take);
            prop_assert_eq!(&again.base, &merged.base);
            prop_assert!(again.conflicts.iter().all(|conflict| conflict.kept != Kept::Shortened), "told once");
            for unit in Unit::of(CrmModule::Contacts) {
                let noted = again.conflicts.iter().any(|conflict| conflict.unit == unit);
                let clean = raw(unit, &theirs).clean;
                let agreed = clean.is_some_and(|theirs| theirs.same(&Values::in_crm(unit, &ours), unit));
                prop_assert!(agreed || noted, "{:?} differs and nobody is told", unit);
            }
        }

        #[test]
        fn what_is_sent_fits_into_the_crm(base in agreed(), ours in held(), theirs in record()) {
            let merged = contact(&base, &ours, &theirs);

            for (field, value) in merged.send.iter() {
                prop_assert_eq!(value.as_deref().and_then(|value| crm_form(*field, value)), value.clone(), "{:?}", field);
            }
        }

        #[test]
        fn no_value_is_replaced_without_a_trace_unless_it_is_the_old_one(base in agreed(), ours in held(), theirs in record()) {
            let merged = contact(&base, &ours, &theirs);

            for unit in Unit::of(CrmModule::Contacts) {
                let told = merged.conflicts.iter().any(|conflict| conflict.unit == unit);
                let of = |fields: &Fields| Values::of(unit, fields);
                let new_ours = of(&ours.with(&merged.take));
                let kept = new_ours.same(&of(&ours), unit) || new_ours.completes(&of(&ours), &of(&base));
                // In the form of which both sides know: that ours is longer was told when it was shortened.
                let in_crm = |fields: &Fields| Values::in_crm(unit, fields);
                prop_assert!(kept || in_crm(&ours).same(&in_crm(&base), unit) || told, "{:?} of ours was lost", unit);
                let new_theirs = raw(unit, &theirs.with(&merged.send)).clean;
                let old_theirs = raw(unit, &theirs).clean;
                let kept = match (&new_theirs, &old_theirs) {
                    (Some(new), Some(old)) => {
                        new.same(old, unit) || new.completes(old, &of(&base)) || old.same(&in_crm(&base), unit)
                    }
                    (None, None) => true,
                    // A blank is nothing to lose.
                    (_, None) => of(&theirs).is_blank(),
                    _ => false,
                };
                prop_assert!(kept || told, "{:?} of theirs was lost", unit);
            }
        }

        #[test]
        fn what_is_ours_to_say_is_never_taken(base in agreed(), ours in held(), theirs in record()) {
            let merged = contact(&base, &ours, &theirs);

            prop_assert!(merged.take.keys().all(|field| Unit::ALL.into_iter()
                .any(|unit| unit.fields().contains(field) && unit.owner() == Owner::Crm)));
        }
    }
}
