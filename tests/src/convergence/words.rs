//! What people and sales write: no value twice, so that each stands for the edit that it came with.

use serde_json::{Value, json};

use super::dice::Dice;
use super::unit::{Role, Unit};

/// Parts of all values that say something about a person: none of them may stand in a log.
pub(super) const MARKS: [&str; 6] = ["Quillon", "Brambleford", "Larkspur", "people.example", "+1312555", "(312)"];

/// Counts the values.
#[derive(Debug, Default)]
pub(super) struct Words(u64);

impl Words {
    fn number(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    /// Some have a quote in them, which a query has to get past.
    pub(super) fn email(&mut self) -> String {
        let number = self.number();
        let quote = if number.is_multiple_of(4) { "o'" } else { "" };
        format!("{quote}quillon{number}@people.example")
    }

    pub(super) fn athlete(&mut self) -> String {
        format!("Quillon{}", self.number())
    }

    /// What somebody writes into her own profile.
    pub(super) fn ours(&mut self, dice: &mut Dice, unit: Unit) -> Option<String> {
        let number = self.number();
        match unit {
            Unit::FirstName => Some(format!("Quillon{number}")),
            Unit::LastName | Unit::OrgName => Some(format!("Brambleford {number}")),
            Unit::Phone => dice.percent(85).then(|| format!("+1312555{number:04}")),
            Unit::Address => dice.percent(85).then(|| address(number)),
            Unit::OrgType => Some(dice.pick(&["School", "League", "Club"]).to_owned()),
            _ => None,
        }
    }

    /// What sales write into the fields of a unit.
    pub(super) fn of_sales(&mut self, dice: &mut Dice, unit: Unit) -> Value {
        let number = self.number();
        let name = dice.weighted(&[(7, ""), (2, " ")]);
        match unit {
            Unit::FirstName if dice.percent(15) => json!({ "First_Name": null }),
            Unit::FirstName => json!({ "First_Name": format!("{name}Quillon{number}{name}") }),
            Unit::LastName => json!({ "Last_Name": format!("{name}Brambleford {number}") }),
            Unit::OrgName => json!({ "Account_Name": format!("Brambleford {number}{name}") }),
            Unit::Phone => json!({ "Phone": phone_of_sales(dice, number) }),
            Unit::Address => address_of_sales(dice, number),
            Unit::Email if dice.percent(20) => json!({ "Email": null }),
            Unit::Email => json!({ "Email": self.email() }),
            unit => json!({ unit.fields()[0]: format!("Larkspur {number}") }),
        }
    }
}

fn address(number: u64) -> String {
    format!("{number} Larkspur Lane, Chicago, IL, 60601, US")
}

fn phone_of_sales(dice: &mut Dice, number: u64) -> Option<String> {
    match dice.below(6) {
        0 | 1 => Some(format!("+1312555{number:04}")),
        2 => Some(format!("(312) 555-{number:04}")),
        3 => Some(format!("312.555.{number:04}")),
        4 => Some(format!("ask Quillon{number}")),
        _ => None,
    }
}

fn address_of_sales(dice: &mut Dice, number: u64) -> Value {
    let street = format!("{number} Larkspur Street");
    match dice.below(5) {
        0 | 1 => {
            json!({ "Mailing_Street": street, "Mailing_City": "Evanston", "Mailing_State": "IL", "Mailing_Zip": "60201",
            "Mailing_Country": "US" })
        }
        2 => json!({ "Mailing_Street": street }),
        3 => json!({ "Mailing_City": format!("Larkspur {number}") }),
        _ => json!({ "Mailing_Street": null, "Mailing_City": null, "Mailing_State": null, "Mailing_Zip": null,
            "Mailing_Country": null }),
    }
}

/// What somebody may change in her profile.
pub(super) fn is_editable(unit: Unit) -> bool {
    matches!(unit, Unit::FirstName | Unit::LastName | Unit::Phone | Unit::Address | Unit::OrgName | Unit::OrgType)
}

/// What a member registers with.
pub(super) fn registration(dice: &mut Dice, words: &mut Words, role: Role, member: usize) -> Value {
    let mut body = json!({ "role": role.as_str() });
    for unit in role.units().iter().copied().filter(|unit| is_editable(*unit)) {
        if let Some(patch) = super::patch::of(unit, words.ours(dice, unit).as_deref()).as_object()
            && patch.values().all(|value| !value.is_null())
        {
            body.as_object_mut().expect("a body is an object").extend(patch.clone());
        }
    }
    match role {
        Role::Parent if dice.percent(80) => body["sport_interests"] = json!([dice.pick(&["Soccer", "Tennis", "Golf"])]),
        Role::Photographer => {
            body["business_name"] = json!(format!("Brambleford {member}"));
            body["referral_code"] = json!(format!("CODE{member}"));
        }
        _ => {}
    }
    if role != Role::Photographer && dice.percent(40) {
        body["referred_by_code"] = json!(format!("WORD{member}"));
    }
    body
}

/// A Contact as sales make it.
pub(super) fn lead(dice: &mut Dice, words: &mut Words, email: &str) -> Value {
    let mut fields = words.of_sales(dice, Unit::LastName);
    fields["Email"] = json!(if dice.percent(20) { email.to_uppercase() } else { email.to_owned() });
    for unit in [Unit::FirstName, Unit::Phone, Unit::Address] {
        if dice.percent(50) {
            let more = words.of_sales(dice, unit);
            let more = more.as_object().expect("fields are an object").clone();
            fields
                .as_object_mut()
                .expect("fields are an object")
                .extend(more.into_iter().filter(|(_, v)| !v.is_null()));
        }
    }
    fields
}

/// What a registration says about a unit.
pub(super) fn said_in(unit: Unit, body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match unit {
        Unit::Phone => text(&body["phone_number"]),
        Unit::Address => {
            let parts = ["street", "city", "state", "postal_code", "country"];
            let parts: Option<Vec<&str>> =
                parts.into_iter().map(|part| body["mailing_address"][part].as_str()).collect();
            parts.map(|parts| parts.join(", "))
        }
        Unit::Email | Unit::Role | Unit::CertificationLevel => None,
        unit => text(&body[unit.name()]),
    }
}
