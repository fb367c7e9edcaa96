//! Each way in which a field can be wrong, once, and the code that a front end gets for it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::super::invalid::FieldCode::{
    self, AlreadyCredited, Contradiction, ControlCharacters, Empty, Fixed, NoSuchPhoneNumber, NotABoolean, NotACode,
    NotACountry, NotACursor, NotADate, NotALink, NotAList, NotAPhoneNumber, NotATaxId, NotATime, NotAUrl,
    NotAWholeNumber, NotAZipCode, NotAnEmail, NotAnId, NotAnObject, NotRemovable, NotText, NotYours, OutOfRange,
    PhoneExtension, Required, SeveralValues, TooLarge, TooLate, TooLong, TooMany, UnknownCode, UnknownField,
    UnknownValue, WrongFormat,
};
use super::super::profile::{ProfileChanges, unknown_referral_code};
use super::super::referral::Correction;
use super::super::registration::Registration;
use super::super::{Email, HostName, Role, UserId};
use super::{FieldError, Form};

/// A field, what is sent in it, and where which code comes back.
type Case = (&'static str, Value, &'static str, FieldCode);

/// What only functions and their lists say; their own tests have it.
const ELSEWHERE: [FieldCode; 4] = [NotACursor, NotATime, NotYours, Contradiction];

fn parent() -> Value {
    json!({"role": "parent", "first_name": "Sheree", "last_name": "Lane"})
}

fn parents() -> Vec<Case> {
    let athlete = |dob: &str| json!([{"first_name": "Jordan", "last_name": "Lane", "dob": dob}]);
    let address =
        json!({"street": "12 Elm St", "city": "Chicago", "state": "IL", "postal_code": "60601", "country": "Atlantis"});
    vec![
        ("role", Value::Null, "/role", Required),
        ("role", json!("nanny"), "/role", UnknownValue),
        ("role", json!("admin"), "/role", UnknownValue),
        ("first_name", Value::Null, "/first_name", Required),
        ("first_name", json!(7), "/first_name", NotText),
        ("first_name", json!(" "), "/first_name", Empty),
        ("first_name", json!("\u{301}"), "/first_name", Empty),
        ("first_name", json!("x".repeat(81)), "/first_name", TooLong),
        ("first_name", json!("S\u{7}"), "/first_name", ControlCharacters),
        ("nickname", json!("S"), "/nickname", UnknownField),
        ("a/b~c", json!("S"), "/a~1b~0c", UnknownField),
        ("phone_number", json!("312 555 0142"), "/phone_number", NotAPhoneNumber),
        ("phone_number", json!("+1 312 555 0142 x23"), "/phone_number", PhoneExtension),
        ("phone_number", json!("+1 911 555 0142"), "/phone_number", NoSuchPhoneNumber),
        ("mailing_address", json!("12 Elm St"), "/mailing_address", NotAnObject),
        ("mailing_address", address, "/mailing_address/country", NotACountry),
        ("sport_interests", json!("Soccer"), "/sport_interests", NotAList),
        ("sport_interests", json!(vec!["Soccer"; 21]), "/sport_interests", TooMany),
        ("sport_interests", json!(["Soccer, Golf"]), "/sport_interests/0", SeveralValues),
        ("athletes", json!(["Jordan"]), "/athletes/0", NotAnObject),
        ("athletes", athlete("14.5.2009"), "/athletes/0/dob", NotADate),
        ("athletes", athlete("1950-05-14"), "/athletes/0/dob", OutOfRange),
        ("join_codes", json!([7]), "/join_codes/0", NotText),
    ]
}

fn org() -> Value {
    json!({"role": "org", "first_name": "Cathy", "last_name": "Reed", "org_name": "Lincoln High", "org_type": "School"})
}

fn orgs() -> Vec<Case> {
    vec![
        ("org_type", json!("Company"), "/org_type", UnknownValue),
        ("org_name", json!("x".repeat(121)), "/org_name", TooLong),
        ("tax_id", json!("36-123"), "/tax_id", NotATaxId),
    ]
}

fn photographer() -> Value {
    json!({"role": "photographer", "first_name": "Frank", "last_name": "Diaz", "business_name": "Frank Shoots"})
}

fn photographers() -> Vec<Case> {
    let links: Value = (0..51).map(|n| (n.to_string(), json!("@frank"))).collect();
    let long = format!("https://frank.example/{}", "x".repeat(500));
    vec![
        ("website_url", json!("frank"), "/website_url", NotAUrl),
        ("website_url", json!(long), "/website_url", TooLong),
        ("social_links", json!("@frank"), "/social_links", NotAnObject),
        ("social_links", json!({"x": "javascript:alert(1)"}), "/social_links/x", NotALink),
        ("social_links", json!({"x": 7}), "/social_links/x", NotText),
        ("social_links", links, "/social_links", TooMany),
        ("referral_code", json!("FRA"), "/referral_code", NotACode),
        ("service_region", json!(["1"]), "/service_region/0", NotAZipCode),
        ("gear_list", json!({}), "/gear_list", NotAList),
        ("gear_list", json!(["R5\0"]), "/gear_list", ControlCharacters),
        ("gear_list", json!(["x".repeat(17_000)]), "/gear_list", TooLarge),
    ]
}

/// What an error looks like to a front end.
fn shown(errors: &[FieldError]) -> Vec<(Value, Value)> {
    let shown = |error: &FieldError| (json!(error)["pointer"].clone(), json!(error)["code"].clone());
    errors.iter().map(shown).collect()
}

fn expected(place: &str, code: FieldCode) -> Vec<(Value, Value)> {
    vec![(json!(place), json!(code))]
}

fn of_registrations() -> BTreeSet<FieldCode> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let mut seen = BTreeSet::new();
    for (body, cases) in [(parent(), parents()), (org(), orgs()), (photographer(), photographers())] {
        for (field, value, place, code) in cases {
            let mut body = body.clone();
            body[field] = value;
            let errors = Registration::read(&body, today).unwrap_err();
            assert_eq!(shown(&errors), expected(place, code), "{}", body[field]);
            seen.insert(code);
        }
    }
    seen
}

fn of_patches() -> BTreeSet<FieldCode> {
    let current = json!({"first_name": "Sheree", "last_name": "Lane", "referred_by_code": "FRNK2024"});
    let new_code = json!({"referred_by_code": "FRANK2024"});
    let cases = [
        (json!({"first_name": null}), Correction::Open, "/first_name", NotRemovable),
        (json!({"first_name": ""}), Correction::Open, "/first_name", Empty),
        (json!({"email": "new@example.com"}), Correction::Open, "/email", Fixed),
        (json!({"referred_by_code": null}), Correction::Open, "/referred_by_code", NotRemovable),
        (new_code.clone(), Correction::Credited, "/referred_by_code", AlreadyCredited),
        (new_code, Correction::TooLate, "/referred_by_code", TooLate),
        (json!({"mailing_address": []}), Correction::Open, "/mailing_address", NotAnObject),
    ];
    let mut seen = BTreeSet::from([UnknownCode]);
    assert_eq!(shown(&[unknown_referral_code()]), expected("/referred_by_code", UnknownCode));
    for (patch, correction, place, code) in cases {
        let errors = ProfileChanges::read(Role::Parent, &patch, &current, correction).unwrap_err();
        assert_eq!(shown(&errors), expected(place, code), "{patch}");
        seen.insert(code);
    }
    seen
}

/// What other requests ask for.
fn of_other_fields() -> BTreeSet<FieldCode> {
    let cases = [
        (json!({"flag": "true"}), "/flag", NotABoolean),
        (json!({"number": "7"}), "/number", NotAWholeNumber),
        (json!({"number": 1.5}), "/number", NotAWholeNumber),
        (json!({"number": 0}), "/number", OutOfRange),
        (json!({"number": u64::MAX}), "/number", OutOfRange),
        (json!({"id": "1"}), "/id", NotAnId),
        (json!({"host": "Photo Day!"}), "/host", WrongFormat),
        (json!({"email": "cathy"}), "/email", NotAnEmail),
    ];
    let mut seen = BTreeSet::new();
    for (body, place, code) in cases {
        let mut form = Form::of(&body).unwrap();
        form.flag("flag");
        form.number("number", &(1..=9));
        form.optional::<UserId>("id");
        form.optional::<HostName>("host");
        form.optional::<Email>("email");
        let errors = form.finish(Some(())).unwrap_err();
        assert_eq!(shown(&errors), expected(place, code), "{body}");
        seen.insert(code);
    }
    seen
}

#[test]
fn every_wrong_input_has_its_code() {
    let seen = [of_registrations(), of_patches(), of_other_fields(), ELSEWHERE.into()];

    let all: BTreeSet<FieldCode> = FieldCode::ALL.iter().copied().collect();
    assert_eq!(seen.iter().flatten().copied().collect::<BTreeSet<_>>(), all, "a code that no input has");
    assert_eq!(shown(&[Form::of(&json!([])).unwrap_err()]), expected("", NotAnObject));
}
