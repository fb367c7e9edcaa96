//! A unit's value in the words of our API.

use serde_json::{Value, json};

use super::unit::Unit;

/// The members of a registration or a JSON Merge Patch for one unit.
pub(super) fn of(unit: Unit, value: Option<&str>) -> Value {
    let parts: Vec<&str> = value.unwrap_or_default().split(", ").collect();
    match (unit, parts.as_slice()) {
        (Unit::Address, [street, city, state, postal_code, country]) => json!({ "mailing_address": {
            "street": street, "city": city, "state": state, "postal_code": postal_code, "country": country,
        } }),
        (Unit::Address, _) => json!({ "mailing_address": null }),
        (Unit::Phone, _) => json!({ "phone_number": value }),
        _ => json!({ unit.name(): value }),
    }
}
