//! What somebody says about herself when she signs up.

use chrono::NaiveDate;
use serde_json::Value;

use super::address::MailingAddress;
use super::code::ReferralCode;
use super::form::{FieldError, Form};
use super::invalid::FieldCode;
use super::labels::{OrgType, Role};
use super::sport;
use super::text::{DateOfBirth, OrgName, PersonName, PhoneNumber, Sport, TaxId, Typed, TypedCode, WebUrl, ZipCode};

/// The body of `POST /api/users`, by role. `admin` cannot be asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Registration {
    Parent(ParentProfile, Enrolment),
    Org(OrgProfile),
    Photographer(PhotographerProfile),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ParentProfile {
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub phone_number: Option<PhoneNumber>,
    pub mailing_address: Option<MailingAddress>,
    pub referred_by_code: Option<TypedCode>,
    pub sport_interests: Vec<Sport>,
}

/// A parent's children and the rosters that they all join.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enrolment {
    pub athletes: Vec<NewAthlete>,
    pub join_codes: Vec<TypedCode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewAthlete {
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub dob: Option<DateOfBirth>,
    pub sport_primary: Option<Sport>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrgProfile {
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub org_name: OrgName,
    pub org_type: OrgType,
    pub tax_id: Option<TaxId>,
    pub referred_by_code: Option<TypedCode>,
}

#[derive(Clone, PartialEq)]
pub struct PhotographerProfile {
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub business_name: OrgName,
    pub website_url: Option<WebUrl>,
    /// JSON object of links and handles, like `{"instagram": "@frank_shoots"}`; at most 4 KiB.
    pub social_links: Option<Value>,
    /// Made from the business name when he gives none.
    pub referral_code: Option<ReferralCode>,
    pub service_region: Vec<ZipCode>,
    /// JSON list; at most 16 KiB.
    pub gear_list: Option<Value>,
}

/// Without his links and his gear, which are whatever he wrote.
impl std::fmt::Debug for PhotographerProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhotographerProfile").field("referral_code", &self.referral_code).finish_non_exhaustive()
    }
}

impl Registration {
    /// Reads the body; `today` is the day against which a day of birth is held.
    ///
    /// # Errors
    /// Every field that has to be corrected, at once.
    pub fn read(body: &Value, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(body).map_err(|error| vec![error])?;
        let read = match form.required::<Role>("role") {
            Some(Role::Parent) => read_parent(&mut form, today),
            Some(Role::Org) => read_org(&mut form),
            Some(Role::Photographer) => read_photographer(&mut form),
            Some(Role::Admin) => {
                let message = "must be one of: parent, org, photographer";
                return Err(vec![FieldError::new("/role", FieldCode::UnknownValue, message)]);
            }
            // Which fields belong here is only known with the role, so nothing else can be judged.
            None => return Err(form.into_errors()),
        };
        form.finish(read)
    }

    pub fn role(&self) -> Role {
        match self {
            Self::Parent(..) => Role::Parent,
            Self::Org(_) => Role::Org,
            Self::Photographer(_) => Role::Photographer,
        }
    }

    /// The code that she says brought her here.
    pub fn referred_by(&self) -> Option<&TypedCode> {
        let code = match self {
            Self::Parent(parent, _) => parent.referred_by_code.as_ref(),
            Self::Org(org) => org.referred_by_code.as_ref(),
            Self::Photographer(_) => None,
        };
        code.filter(|code| !code.as_str().is_empty())
    }
}

fn read_parent(form: &mut Form<'_>, today: NaiveDate) -> Option<Registration> {
    let first_name = form.required::<Typed<PersonName>>("first_name");
    let last_name = form.required::<Typed<PersonName>>("last_name");
    let phone_number = form.optional::<Typed<PhoneNumber>>("phone_number").map(|number| number.0);
    let mailing_address = form.object("mailing_address", MailingAddress::read);
    let referred_by_code = form.optional("referred_by_code");
    let sport_interests = form.list::<Typed<Sport>>("sport_interests", 20);
    let athletes = form.objects("athletes", 20, |athlete| NewAthlete::read(athlete, today));
    let join_codes = form.list("join_codes", 20);
    let profile = ParentProfile {
        first_name: first_name?.0,
        last_name: last_name?.0,
        phone_number,
        mailing_address,
        referred_by_code,
        sport_interests: sport::distinct(sport_interests.into_iter().map(|sport| sport.0).collect()),
    };
    Some(Registration::Parent(profile, Enrolment { athletes, join_codes }))
}

impl NewAthlete {
    /// Reads one athlete; every problem stays in the form.
    pub fn read(form: &mut Form<'_>, today: NaiveDate) -> Option<Self> {
        let first_name = form.required::<Typed<PersonName>>("first_name");
        let last_name = form.required::<Typed<PersonName>>("last_name");
        let dob = form.optional::<DateOfBirth>("dob");
        let sport_primary = form.optional::<Typed<Sport>>("sport_primary");
        if dob.is_some_and(|dob| !dob.is_athletes(today)) {
            return Self::reject_dob(form);
        }
        Some(Self {
            first_name: first_name?.0,
            last_name: last_name?.0,
            dob,
            sport_primary: sport_primary.map(|sport| sport.0),
        })
    }

    /// Notes that an athlete cannot be born on this day.
    pub(super) fn reject_dob<T>(form: &mut Form<'_>) -> Option<T> {
        form.reject("dob", FieldCode::OutOfRange, "must be a day from 1 to 25 years ago, like 2009-05-14")
    }
}

fn read_org(form: &mut Form<'_>) -> Option<Registration> {
    let first_name = form.required::<Typed<PersonName>>("first_name");
    let last_name = form.required::<Typed<PersonName>>("last_name");
    let org_name = form.required::<Typed<OrgName>>("org_name");
    let org_type = form.required("org_type");
    let tax_id = form.optional("tax_id");
    let referred_by_code = form.optional("referred_by_code");
    Some(Registration::Org(OrgProfile {
        first_name: first_name?.0,
        last_name: last_name?.0,
        org_name: org_name?.0,
        org_type: org_type?,
        tax_id,
        referred_by_code,
    }))
}

fn read_photographer(form: &mut Form<'_>) -> Option<Registration> {
    let first_name = form.required::<Typed<PersonName>>("first_name");
    let last_name = form.required::<Typed<PersonName>>("last_name");
    let business_name = form.required::<Typed<OrgName>>("business_name");
    let website_url = form.optional("website_url");
    let social_links = form.links("social_links", 4 * 1024);
    let referral_code = form.optional("referral_code");
    let service_region = form.list("service_region", 500);
    let gear_list = form.any_list("gear_list", 16 * 1024);
    Some(Registration::Photographer(PhotographerProfile {
        first_name: first_name?.0,
        last_name: last_name?.0,
        business_name: business_name?.0,
        website_url,
        social_links,
        referral_code,
        service_region,
        gear_list,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Registration, Vec<FieldError>> {
        Registration::read(body, NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())
    }

    #[test]
    fn only_a_parents_names_are_required() {
        let body = json!({"role": "parent", "first_name": "Sheree", "last_name": "Lane"});

        assert!(matches!(read(&body), Ok(Registration::Parent(..))));
    }

    #[test]
    fn one_sport_in_several_spellings_is_one_interest() {
        let body = json!({"role": "parent", "first_name": "Sheree", "last_name": "Lane",
            "sport_interests": ["Track & Field", "Soccer", "track", "Track and Field"]});

        let Ok(Registration::Parent(parent, _)) = read(&body) else { panic!("{body}") };

        let interests: Vec<&str> = parent.sport_interests.iter().map(Sport::as_str).collect();
        assert_eq!(interests, ["Track & Field", "Soccer"]);
    }

    #[test]
    fn all_problems_of_a_parent_are_told_at_once() {
        let body = json!({
            "role": "parent", "first_name": " ", "phone_number": "555", "nickname": "S",
            "mailing_address": {"street": "12 Elm St", "city": "Chicago"},
            "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "2026-11-22", "sport_primary": 7}],
        });

        let problems = serde_json::to_value(read(&body).unwrap_err()).unwrap();
        let pointers: Vec<&str> = problems.as_array().unwrap().iter().filter_map(|p| p["pointer"].as_str()).collect();

        let expected = [
            "/first_name",
            "/last_name",
            "/phone_number",
            "/mailing_address/state",
            "/mailing_address/postal_code",
            "/mailing_address/country",
            "/athletes/0/sport_primary",
            "/athletes/0/dob",
            "/nickname",
        ];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn an_optional_field_that_is_left_blank_is_one_that_is_left_out() {
        let body = json!({
            "role": "parent", "first_name": "Sheree", "last_name": "Lane", "phone_number": "", "referred_by_code": " ",
            "mailing_address": {"street": "", "city": "", "state": "", "postal_code": "", "country": ""},
            "sport_interests": [""], "join_codes": [" "],
            "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "", "sport_primary": " "}],
        });
        let mut without = json!({
            "role": "parent", "first_name": "Sheree", "last_name": "Lane",
            "athletes": [{"first_name": "Jordan", "last_name": "Lane"}],
        });

        assert_eq!(read(&body), read(&without));
        without["last_name"] = json!("\u{200b}");
        let told = "must have at least one character that can be seen: type it as it is written";
        assert_eq!(read(&without), Err(vec![FieldError::new("/last_name", FieldCode::Empty, told)]));
    }

    #[test]
    fn nobody_can_ask_to_be_an_admin() {
        let problems = read(&json!({"role": "admin"})).unwrap_err();

        let message = "must be one of: parent, org, photographer";
        assert_eq!(problems, [FieldError::new("/role", FieldCode::UnknownValue, message)]);
    }

    #[test]
    fn a_field_of_another_role_is_unknown_here() {
        let body = json!({"role": "org", "first_name": "Cathy", "last_name": "Reed", "org_name": "Lincoln High",
            "org_type": "School", "referral_code": "CATHY1"});

        let unknown = FieldError::new("/referral_code", FieldCode::UnknownField, "is not a field of this request");
        assert_eq!(read(&body).unwrap_err(), [unknown]);
    }
}
