//! What a parent says about an athlete after the sign-up.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::form::{Edit, FieldError, Form};
use super::invalid::FieldCode;
use super::registration::NewAthlete;
use super::text::{self, DateOfBirth, PersonName, Sport, Typed, TypedCode};

/// How many athletes a parent has at most.
pub const MOST_ATHLETES: usize = 20;

/// The body of `POST /api/athletes`: an athlete, and the rosters to put the athlete on.
#[derive(Debug, PartialEq)]
pub struct Addition {
    pub athlete: NewAthlete,
    pub join_codes: Vec<TypedCode>,
    /// Where each of the codes stands in the body: blank ones are left out.
    places: Vec<usize>,
}

impl Addition {
    /// Reads the body; `today` is the day against which a day of birth is held.
    ///
    /// # Errors
    /// Every field that has to be corrected, at once.
    pub fn read(body: &Value, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(body).map_err(|error| vec![error])?;
        let athlete = NewAthlete::read(&mut form, today);
        let join_codes = form.list("join_codes", 20);
        let is_blank = |code: &Value| code.as_str().is_some_and(text::is_blank);
        let typed = body["join_codes"].as_array().into_iter().flatten().enumerate();
        let places = typed.filter(|(_, code)| !is_blank(code)).map(|(place, _)| place).collect();
        form.finish(athlete.map(|athlete| Self { athlete, join_codes, places }))
    }

    /// The errors of codes that no organisation has, by their places in `join_codes`.
    pub fn unknown_codes(&self, unknown: &[usize]) -> Vec<FieldError> {
        let places = unknown.iter().filter_map(|index| self.places.get(*index));
        let error = |place| {
            let message = "is no organisation's join code: ask the organisation for it and type it again";
            FieldError::new(format!("/join_codes/{place}"), FieldCode::UnknownCode, message)
        };
        places.map(error).collect()
    }
}

impl NewAthlete {
    /// Whether it is the same child to a parent who sends it again: by the names and the day of birth.
    pub fn is_same_child(&self, other: &Self) -> bool {
        (&self.first_name, &self.last_name, self.dob) == (&other.first_name, &other.last_name, other.dob)
    }

    /// The athlete with a JSON Merge Patch applied. What is sent back as it stands is not judged again: rows may be older
    /// than a rule, and athletes grow older than an age.
    ///
    /// # Errors
    /// Every field that has to be corrected, at once.
    pub fn patched(&self, patch: &Value, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(patch).map_err(|error| vec![error])?;
        let first_name = name(&mut form, "first_name", &self.first_name);
        let last_name = name(&mut form, "last_name", &self.last_name);
        let dob = match form.edit::<DateOfBirth>("dob") {
            Edit::Keep => self.dob,
            Edit::Clear => None,
            Edit::Set(dob) if Some(dob) == self.dob || dob.is_athletes(today) => Some(dob),
            Edit::Set(_) => NewAthlete::reject_dob(&mut form),
        };
        let sport_primary = match &self.sport_primary {
            Some(sport) if form.says("sport_primary", &json!(sport)) => edited(form.edit("sport_primary"), Some(sport)),
            current => {
                let typed: Edit<Typed<Sport>> = form.edit("sport_primary");
                edited(typed.map(|sport| sport.0), current.as_ref())
            }
        };
        form.finish(Some(Self { first_name, last_name, dob, sport_primary }))
    }
}

fn name(form: &mut Form<'_>, field: &'static str, current: &PersonName) -> PersonName {
    let edit = if form.says(field, &json!(current)) {
        form.edit_required(field)
    } else {
        form.edit_required::<Typed<PersonName>>(field).map(|name| name.0)
    };
    edited(edit, Some(current)).unwrap_or_else(|| current.clone())
}

fn edited<T: Clone>(edit: Edit<T>, current: Option<&T>) -> Option<T> {
    match edit {
        Edit::Keep => current.cloned(),
        Edit::Clear => None,
        Edit::Set(value) => Some(value),
    }
}

/// The sports that others are told of a parent, whose interests and athletes have these.
pub fn sports_told<'a>(
    interests: &'a [Sport],
    athletes: impl IntoIterator<Item = &'a NewAthlete>,
) -> BTreeSet<&'a str> {
    let of_athletes = athletes.into_iter().filter_map(|athlete| athlete.sport_primary.as_ref());
    interests.iter().chain(of_athletes).map(Sport::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    fn jordan() -> NewAthlete {
        Addition::read(&json!({"first_name": "Jordan", "last_name": "Lane", "dob": "2009-05-14"}), today())
            .unwrap()
            .athlete
    }

    fn pointers(errors: &[FieldError]) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        errors.iter().map(|error| json!(error)).map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    fn told(place: &str, code: &str) -> (String, String) {
        (place.to_owned(), code.to_owned())
    }

    #[test]
    fn an_unknown_code_is_told_at_the_place_where_it_was_typed() {
        let body =
            json!({"first_name": "Jordan", "last_name": "Lane", "join_codes": [" ", "LINCOLN-7Q2M", "", "WRONG"]});

        let addition = Addition::read(&body, today()).unwrap();

        assert_eq!(addition.join_codes.len(), 2);
        assert_eq!(pointers(&addition.unknown_codes(&[1])), [told("/join_codes/3", "unknown-code")]);
        assert_eq!(addition.unknown_codes(&[]), []);
    }

    #[test]
    fn all_that_is_wrong_with_an_athlete_is_told_at_once() {
        let body =
            json!({"last_name": "", "dob": "2026-11-22", "sport_primary": "Golf, Tennis", "join_codes": [7], "id": 1});

        let errors = Addition::read(&body, today()).unwrap_err();

        let expected = [
            told("/first_name", "required"),
            told("/last_name", "empty"),
            told("/sport_primary", "several-values"),
            told("/dob", "out-of-range"),
            told("/join_codes/0", "not-text"),
            told("/id", "unknown-field"),
        ];
        assert_eq!(pointers(&errors), expected);
    }

    #[test]
    fn an_athletes_day_of_birth_is_from_one_to_twenty_five_years_ago() {
        let patched = |dob: &str| jordan().patched(&json!({ "dob": dob }), today());

        for dob in ["2001-11-22", "2025-11-22"] {
            assert!(patched(dob).is_ok(), "{dob}");
        }
        for dob in ["2001-11-21", "2025-11-23", "2026-11-22"] {
            assert_eq!(pointers(&patched(dob).unwrap_err()), [told("/dob", "out-of-range")], "{dob}");
        }
    }

    #[test]
    fn a_patch_changes_what_it_names_and_takes_away_all_but_the_names() {
        let with_sport =
            jordan().patched(&json!({"sport_primary": "swimming", "first_name": " Jo "}), today()).unwrap();
        let without = with_sport.patched(&json!({"sport_primary": null, "dob": " "}), today()).unwrap();
        let nameless = jordan().patched(&json!({"first_name": null, "last_name": " "}), today()).unwrap_err();

        assert_eq!(json!([with_sport.first_name, with_sport.last_name]), json!(["Jo", "Lane"]));
        assert_eq!((with_sport.dob, json!(with_sport.sport_primary)), (jordan().dob, json!("Swimming")));
        assert_eq!((without.dob, without.sport_primary), (None, None));
        assert_eq!(pointers(&nameless), [told("/first_name", "not-removable"), told("/last_name", "empty")]);
    }

    #[test]
    fn what_stands_there_may_always_be_sent_back() {
        let old = NewAthlete {
            first_name: "\u{200b}".parse().unwrap(),
            dob: Some("1980-01-01".parse().unwrap()),
            sport_primary: Some("\u{301}".parse().unwrap()),
            ..jordan()
        };
        let same = json!({"first_name": old.first_name, "dob": old.dob, "sport_primary": old.sport_primary});

        assert_eq!(old.patched(&same, today()), Ok(old.clone()));
        assert_eq!(old.patched(&json!({}), today()), Ok(old.clone()));
    }

    #[test]
    fn the_same_names_and_day_are_the_same_child_whatever_the_sport() {
        let other_sport = NewAthlete { sport_primary: Some("Golf".parse().unwrap()), ..jordan() };

        assert!(jordan().is_same_child(&other_sport));
        assert!(!jordan().is_same_child(&NewAthlete { dob: None, ..jordan() }));
        assert!(!jordan().is_same_child(&NewAthlete { first_name: "Jo".parse().unwrap(), ..jordan() }));
    }

    #[test]
    fn a_sport_is_told_once_whoever_plays_it() {
        let interests = ["Soccer".parse().unwrap()];
        let plays = |sport: &str| NewAthlete { sport_primary: Some(sport.parse().unwrap()), ..jordan() };

        let told = |athletes: &[NewAthlete]| -> Vec<String> {
            sports_told(&interests, athletes).into_iter().map(str::to_owned).collect()
        };

        assert_eq!(told(&[jordan()]), ["Soccer"]);
        assert_eq!(told(&[plays("Soccer"), plays("Golf"), plays("Golf")]), ["Golf", "Soccer"]);
    }
}
