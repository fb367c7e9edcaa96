//! What somebody changes about herself: a JSON Merge Patch of her profile, in which each role has fields of its own.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::address::MailingAddress;
use super::form::{Edit, FieldError, Form};
use super::invalid::FieldCode;
use super::labels::{OrgType, Role};
use super::referral::Correction;
use super::sport;
use super::text::{OrgName, PersonName, PhoneNumber, Sport, TaxId, Typed, TypedCode, WebUrl, ZipCode};

/// Fields of a profile with their new values, all of them checked and none of them as it was before. The names are those
/// of the columns.
#[derive(Clone, PartialEq)]
pub struct ProfileChanges {
    fields: Map<String, Value>,
    referred_by: Option<TypedCode>,
}

/// Without the values: they say something about a person.
impl std::fmt::Debug for ProfileChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}

/// What a profile shows and its owner does not change, and why.
const FIXED: [(&str, &str); 8] = [
    ("role", "was decided at the sign-up: use another sign-in for another role"),
    ("email", "is changed where you sign in: confirm the new address there, then send POST /api/users again"),
    ("referral_code", "is on your flyers and in the ledger and stays as it is"),
    ("certification_level", "is given by the academy"),
    ("paywall_tier", "changes with what you pay for"),
    ("training_progress", "is kept by the academy"),
    ("background_check_status", "is set once your background check is done"),
    ("join_code", "is what parents have been given and stays as it is"),
];

impl ProfileChanges {
    /// Reads a patch of the profile `current`, which is one of this role; `correction` says whether the code that the user
    /// signed up with may still be changed.
    ///
    /// # Errors
    /// Every field that has to be corrected, at once.
    pub fn read(role: Role, patch: &Value, current: &Value, correction: Correction) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(patch).map_err(|error| vec![error])?;
        let mut edited = Edited { current, changes: Map::new() };
        edited.set("first_name", form.edit_required::<Typed<PersonName>>("first_name"));
        edited.set("last_name", form.edit_required::<Typed<PersonName>>("last_name"));
        match role {
            Role::Parent => edited.parent(&mut form),
            Role::Org => edited.org(&mut form),
            Role::Photographer => edited.photographer(&mut form),
            Role::Admin => {}
        }
        for (field, why) in FIXED {
            form.fixed(field, why);
        }
        let referred_by = match role {
            Role::Parent | Role::Org => edited.referred_by(&mut form, correction),
            Role::Photographer | Role::Admin => None,
        };
        form.finish(Some(Self { fields: edited.changes, referred_by }))
    }

    /// Whether a patch is about the code that the user signed up with.
    pub fn name_a_referral(patch: &Value) -> bool {
        patch.get(REFERRED_BY).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The code that is to be credited, if the patch names one: also the one that is there already, since its photographer
    /// may have signed up later than the user.
    pub fn referred_by(&self) -> Option<&TypedCode> {
        self.referred_by.as_ref()
    }

    /// Whether that code is another one than before.
    pub fn correct_the_referral(&self) -> bool {
        self.fields.contains_key(REFERRED_BY)
    }

    /// Whether any of them is about what others are told of the user. What a parent chooses for the e-mails and plugins of
    /// this system is nobody else's concern.
    pub fn concern_others(&self) -> bool {
        self.fields.keys().any(|field| !CHOICES.contains(&field.as_str()))
    }

    /// Whether a parent wants no e-mails about galleries any more.
    pub fn end_alerts(&self) -> bool {
        self.fields.get(EMAIL_ALERTS) == Some(&Value::Bool(false))
    }

    /// Whether an organisation says that it is another one: what an admin has verified is no longer what it shows.
    pub fn end_verification(&self) -> bool {
        ["org_name", "org_type", "tax_id"].iter().any(|field| self.fields.contains_key(*field))
    }

    /// The profile with these changes.
    pub fn applied_to(&self, mut profile: Value) -> Value {
        if let Some(fields) = profile.as_object_mut() {
            fields.extend(self.fields.clone());
        }
        profile
    }

    /// The fields with their new values.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.fields
    }
}

const EMAIL_ALERTS: &str = "email_alerts";

/// What a parent chooses for this system alone.
const CHOICES: [&str; 2] = [EMAIL_ALERTS, "share_athlete_names"];

const REFERRED_BY: &str = "referred_by_code";

/// For a code that no photographer has.
pub fn unknown_referral_code() -> FieldError {
    FieldError::new(
        format!("/{REFERRED_BY}"),
        FieldCode::UnknownCode,
        "is no photographer's code: type it as it stands on the flyer, like FRANK2024",
    )
}

/// A profile while its patch is read.
struct Edited<'a> {
    current: &'a Value,
    changes: Map<String, Value>,
}

impl Edited<'_> {
    fn parent(&mut self, form: &mut Form<'_>) {
        for choice in CHOICES {
            self.set(choice, form.edit_flag(choice));
        }
        // What stands already is not judged again.
        if form.says("phone_number", &self.current["phone_number"]) {
            self.set("phone_number", form.edit::<PhoneNumber>("phone_number"));
        } else {
            self.set("phone_number", form.edit::<Typed<PhoneNumber>>("phone_number"));
        }
        // The CRM's word about an address is taken as it is, also where a part is missing. Whoever writes hers anew
        // writes it whole.
        let current = &self.current["mailing_address"];
        let address = form.edit_group("mailing_address", current, |form| MailingAddress::changed(form, current));
        self.set("mailing_address", address);
        let sports = match form.edit_list::<Typed<Sport>>("sport_interests", 20) {
            Edit::Set(sports) => Edit::Set(sport::distinct(sports.into_iter().map(|sport| sport.0).collect())),
            Edit::Clear => Edit::Clear,
            Edit::Keep => Edit::Keep,
        };
        self.set_or("sport_interests", sports, json!([]));
    }

    fn org(&mut self, form: &mut Form<'_>) {
        self.set("org_name", form.edit_required::<Typed<OrgName>>("org_name"));
        self.set("org_type", form.edit_required::<OrgType>("org_type"));
        self.set("tax_id", form.edit::<TaxId>("tax_id"));
    }

    /// A form may send back the code that it has shown, changeable or not.
    fn referred_by(&mut self, form: &mut Form<'_>, correction: Correction) -> Option<TypedCode> {
        let code = match form.edit::<TypedCode>(REFERRED_BY) {
            Edit::Keep => return None,
            Edit::Clear => None,
            Edit::Set(code) => Some(code).filter(|code| !code.as_str().is_empty()),
        };
        let is_new = json!(code) != self.current[REFERRED_BY];
        match (correction.refusal(), &code) {
            (Some(why), _) if is_new => return form.reject_as(REFERRED_BY, why),
            (Some(_), _) => return None,
            (None, None) if is_new => {
                return form.reject(REFERRED_BY, FieldCode::NotRemovable, "can be corrected and not taken away");
            }
            (None, _) => {}
        }
        if is_new {
            self.changes.insert(REFERRED_BY.to_owned(), json!(code));
        }
        code
    }

    fn photographer(&mut self, form: &mut Form<'_>) {
        self.set("business_name", form.edit_required::<Typed<OrgName>>("business_name"));
        self.set("website_url", form.edit::<WebUrl>("website_url"));
        let links = form.edit_links("social_links", &self.current["social_links"], 4 * 1024);
        self.set_or("social_links", links, json!({}));
        self.set_or("service_region", form.edit_list::<ZipCode>("service_region", 500), json!([]));
        self.set_or("gear_list", form.edit_any_list("gear_list", 16 * 1024), json!([]));
        let schedule = &self.current["availability_schedule"];
        let schedule = form.edit_any_object("availability_schedule", schedule, 16 * 1024);
        self.set_or("availability_schedule", schedule, json!({}));
    }

    fn set(&mut self, field: &'static str, edit: Edit<impl Serialize>) {
        self.set_or(field, edit, Value::Null);
    }

    /// `cleared` is what stands in a field that has nothing in it. What is there already is no change.
    fn set_or(&mut self, field: &'static str, edit: Edit<impl Serialize>, cleared: Value) {
        let value = match edit {
            Edit::Keep => return,
            Edit::Clear => cleared,
            Edit::Set(value) => json!(value),
        };
        if value != self.current[field] {
            self.changes.insert(field.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheree() -> Value {
        json!({
            "first_name": "Sheree", "last_name": "Lane", "phone_number": "+13125550142", "referred_by_code": null,
            "mailing_address":
                {"street": "12 Elm St", "city": "Chicago", "state": "IL", "postal_code": "60601", "country": "US"},
            "sport_interests": ["Soccer"],
        })
    }

    fn frank() -> Value {
        json!({
            "first_name": "Frank", "last_name": "Diaz", "business_name": "Frank Shoots LLC", "website_url": null,
            "social_links": {"instagram": "@frank", "more": {"x": "1", "y": "2"}}, "service_region": ["60601"],
            "gear_list": [{"body": "R5"}], "availability_schedule": {"mon": ["9-12"]},
        })
    }

    fn changes(role: Role, patch: &Value, current: &Value) -> Value {
        json!(ProfileChanges::read(role, patch, current, Correction::Open).unwrap().as_map())
    }

    fn problems(role: Role, patch: &Value, current: &Value) -> Vec<(String, String)> {
        let problems = json!(ProfileChanges::read(role, patch, current, Correction::Open).unwrap_err());
        let text = |problem: &Value, name: &str| problem[name].as_str().unwrap().to_owned();
        problems.as_array().unwrap().iter().map(|p| (text(p, "pointer"), text(p, "message"))).collect()
    }

    #[test]
    fn an_address_is_laid_over_the_one_that_is_there() {
        let patch = json!({"mailing_address": {"street": "7 Oak Ave"}, "phone_number": null, "sport_interests": null});

        let mut address = sheree()["mailing_address"].clone();
        address["street"] = json!("7 Oak Ave");
        let expected = json!({"mailing_address": address, "phone_number": null, "sport_interests": []});
        assert_eq!(changes(Role::Parent, &patch, &sheree()), expected);
    }

    #[test]
    fn what_is_there_already_is_no_change_however_it_is_written() {
        let patch = json!({
            "first_name": " Sheree ", "phone_number": "+1 (312) 555-0142", "sport_interests": ["soccer"],
            "mailing_address": {"city": " Chicago "},
        });

        assert_eq!(changes(Role::Parent, &patch, &sheree()), json!({}));
        assert_eq!(changes(Role::Parent, &sheree_as_sent(), &sheree()), json!({}));
    }

    #[test]
    fn a_number_that_stands_and_could_not_be_typed_any_more_stops_no_other_change() {
        let mut current = sheree();
        current["phone_number"] = json!("+11234567890");

        let kept = json!({"first_name": "Sherry", "phone_number": "+11234567890"});

        assert_eq!(changes(Role::Parent, &kept, &current), json!({"first_name": "Sherry"}));
        assert_eq!(problems(Role::Parent, &kept, &sheree())[0].0, "/phone_number");
    }

    /// A form that sends back whatever it has shown and may be changed.
    fn sheree_as_sent() -> Value {
        let mut sent = sheree();
        sent.as_object_mut().unwrap().remove("referred_by_code");
        sent
    }

    #[test]
    fn one_sport_in_several_spellings_is_one_interest() {
        let patch = json!({"sport_interests": ["Swim", "Soccer", "Swimming"]});

        assert_eq!(changes(Role::Parent, &patch, &sheree()), json!({"sport_interests": ["Swim", "Soccer"]}));
    }

    #[test]
    fn an_address_that_the_crm_has_left_incomplete_stays_until_it_is_written_whole() {
        let mut current = sheree();
        current["mailing_address"]["street"] = json!("");
        let patch = |street: Value| json!({"mailing_address": {"city": "Evanston", "street": street}});

        assert_eq!(changes(Role::Parent, &json!({"mailing_address": current["mailing_address"]}), &current), json!({}));
        assert_eq!(
            problems(Role::Parent, &json!({"mailing_address": {"city": "Evanston"}}), &current),
            [("/mailing_address/street".to_owned(), "must not be empty".to_owned())]
        );
        assert_eq!(
            problems(Role::Parent, &patch(Value::Null), &current),
            [("/mailing_address/street".to_owned(), "is required".to_owned())]
        );
        assert_eq!(
            changes(Role::Parent, &patch(json!("7 Oak Ave")), &current)["mailing_address"]["street"],
            "7 Oak Ave"
        );
    }

    #[test]
    fn a_first_address_is_written_whole() {
        let mut current = sheree();
        current["mailing_address"] = Value::Null;

        let found = problems(Role::Parent, &json!({"mailing_address": {"city": "Evanston"}}), &current);

        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "/mailing_address/street",
                "/mailing_address/state",
                "/mailing_address/postal_code",
                "/mailing_address/country"
            ]
        );
    }

    #[test]
    fn links_are_laid_over_and_lists_take_the_place_of_others() {
        let patch = json!({
            "social_links": {"instagram": null, "tiktok": "@frank"}, "gear_list": [], "website_url": null,
            "service_region": null, "availability_schedule": null,
        });

        let expected = json!({
            "social_links": {"more": {"x": "1", "y": "2"}, "tiktok": "@frank"}, "gear_list": [], "service_region": [],
            "availability_schedule": {},
        });
        assert_eq!(changes(Role::Photographer, &patch, &frank()), expected);
    }

    #[test]
    fn links_have_their_limit_together() {
        let links: Map<String, Value> = (0..40).map(|n| (n.to_string(), json!("x".repeat(100)))).collect();
        let large = json!({ "social_links": links });

        assert_eq!(problems(Role::Photographer, &large, &frank())[0].1, "must have at most 4096 bytes");
    }

    #[test]
    fn all_problems_are_told_at_once_and_what_is_fixed_says_why() {
        let patch = json!({
            "first_name": null, "last_name": "", "org_type": "Company", "email": "x@example.com", "role": "admin",
            "join_code": "MINE", "referral_code": null, "gear_list": [],
        });

        let found = problems(Role::Org, &patch, &json!({"first_name": "Cathy"}));

        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            ["/first_name", "/last_name", "/org_type", "/role", "/email", "/referral_code", "/join_code", "/gear_list"]
        );
        assert_eq!(found[0].1, "can be changed and not taken away");
        assert!(found[4].1.starts_with("is changed where you sign in"));
        assert_eq!(found[7].1, "is not a field of this request");
    }

    #[test]
    fn a_code_is_corrected_while_that_is_open_and_may_always_be_sent_back_unchanged() {
        let mut current = sheree();
        current["referred_by_code"] = json!("FRNK2024");
        let read = |role: Role, code: Value, correction: Correction| {
            let changes = ProfileChanges::read(role, &json!({ "referred_by_code": code }), &current, correction);
            let told = |changes: ProfileChanges| {
                (changes.correct_the_referral(), changes.referred_by().map(|code| code.as_str().to_owned()))
            };
            changes.map(told).map_err(|problems| json!(problems)[0]["message"].as_str().unwrap_or_default().to_owned())
        };
        let (new, old) = (Some("FRANK2024".to_owned()), Some("FRNK2024".to_owned()));
        let (credited, too_late) = (
            "has been credited to its photographer and stays as it is",
            "can be corrected for 30 days after the sign-up, and stays as it is since then",
        );

        for role in [Role::Parent, Role::Org] {
            assert_eq!(read(role, json!(" FRANK2024 "), Correction::Open), Ok((true, new.clone())));
            assert_eq!(read(role, json!("FRNK2024"), Correction::Open), Ok((false, old.clone())));
            for nothing in [json!(null), json!(" "), json!("\u{200b}")] {
                let problem = "can be corrected and not taken away".to_owned();
                assert_eq!(read(role, nothing, Correction::Open), Err(problem));
            }
            assert_eq!(read(role, json!(7), Correction::Open), Err("must be text".to_owned()));
            for (correction, why) in [(Correction::Credited, credited), (Correction::TooLate, too_late)] {
                assert_eq!(read(role, json!("FRANK2024"), correction), Err(why.to_owned()));
                assert_eq!(read(role, json!(null), correction), Err(why.to_owned()));
                assert_eq!(read(role, json!("FRNK2024"), correction), Ok((false, None)));
            }
        }
        let problem = "is not a field of this request".to_owned();
        assert_eq!(read(Role::Photographer, json!("FRANK2024"), Correction::Open), Err(problem));
        assert_eq!(changes(Role::Parent, &sheree(), &sheree()), json!({}));
    }

    #[test]
    fn a_patch_is_an_object() {
        assert_eq!(problems(Role::Parent, &json!([]), &sheree())[0].1, "must be a JSON object");
    }
}
