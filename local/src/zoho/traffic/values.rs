//! The fields of a record that is written: names that the module has, values of their type.

use serde_json::{Map, Value};

use super::{
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
    shape,
    tags::NAME_LENGTH,
};
use crate::zoho::{
    Options,
    fields::{Kind, Module},
};

static UNKNOWN: Rule = Rule::violation("field-unknown", pages::FIELDS);
static READ_ONLY: Rule = Rule::violation("field-read-only", pages::FIELDS);
static MANDATORY: Rule = Rule::violation("field-mandatory", pages::INSERT);
static TYPE: Rule = Rule::violation("field-type", pages::INSERT);
static EMAIL: Rule = Rule::violation("email-shape", pages::INSERT);
static LOOKUP: Rule = Rule::violation("lookup-shape", pages::INSERT);
static TAG: Rule = Rule::violation("tag-in-record", pages::INSERT);
static LENGTH: Rule = Rule::note("field-length", pages::FIELDS);
static NOTHING: Rule = Rule::note("nothing-to-write", "");

pub(super) static RULES: &[&Rule] =
    &[&UNKNOWN, &READ_ONLY, &MANDATORY, &TYPE, &EMAIL, &LOOKUP, &TAG, &LENGTH, &NOTHING];

pub(super) fn check(
    options: &Options,
    module: Module,
    endpoint: Endpoint,
    record: &Map<String, Value>,
    index: usize,
    findings: &mut Findings,
) {
    // Keys with a dollar are Zoho's own switches, like `$append_values`.
    let fields: Vec<_> = record.iter().filter(|(name, _)| *name != "id" && !name.starts_with('$')).collect();
    findings.hold(!fields.is_empty(), &NOTHING, || format!("data[{index}] changes nothing"));
    let mandatory = module.mandatory();
    // An upsert by id is an update.
    let is_new = endpoint == Endpoint::Insert || (endpoint == Endpoint::Upsert && !record.contains_key("id"));
    let there =
        record.get(mandatory).map_or(!is_new, |value| value.as_str().is_some_and(|text| !text.trim().is_empty()));
    findings.hold(there, &MANDATORY, || format!("data[{index}].{mandatory} must not be blank"));
    for (name, value) in fields {
        let place = || format!("data[{index}].{name}");
        match module.kind(name, options) {
            None => findings.add(&UNKNOWN, format!("{} is no field of {}", place(), module.name())),
            // Whose record it is can be said; who made it cannot.
            Some(Kind::Person) if name == "Owner" => lookup(value, place, findings),
            Some(kind) if kind.is_read_only() => findings.add(&READ_ONLY, format!("{} is the CRM's to set", place())),
            // Null clears.
            Some(_) if value.is_null() => {}
            Some(kind) => check_value(kind, value, place, findings),
        }
    }
}

fn check_value(kind: Kind, value: &Value, place: impl Fn() -> String, findings: &mut Findings) {
    let is_text = value.is_string();
    let text = value.as_str().unwrap_or_default();
    match kind {
        Kind::Text(maximum) | Kind::Email(maximum) => {
            findings.hold(is_text, &TYPE, || format!("{} is text", place()));
            let sound = !matches!(kind, Kind::Email(_)) || !is_text || text.is_empty() || shape::is_email(text);
            findings.hold(sound, &EMAIL, || format!("{} does not look like an address", place()));
            findings.hold(shape::length(text) <= maximum, &LENGTH, || {
                format!("{} is longer than {maximum} characters", place())
            });
        }
        Kind::Boolean => findings.hold(value.is_boolean(), &TYPE, || format!("{} is true or false", place())),
        Kind::Integer => findings.hold(value.is_i64(), &TYPE, || format!("{} is a whole number", place())),
        Kind::Date => {
            let sound = text.len() == 10 && text.parse::<chrono::NaiveDate>().is_ok();
            findings.hold(sound, &TYPE, || format!("{} is a date like 2009-05-14", place()));
        }
        Kind::Lookup(_) => lookup(value, place, findings),
        Kind::Tags => {
            let named = |tag: &Value| {
                let name = tag.get("name").and_then(Value::as_str);
                tag.get("id").is_some_and(Value::is_string)
                    || name.is_some_and(|name| (1..=NAME_LENGTH).contains(&shape::length(name)))
            };
            let sound = value.as_array().is_some_and(|tags| tags.iter().all(named));
            findings.hold(sound, &TAG, || format!("{} lists tags by names of up to {NAME_LENGTH} characters", place()));
        }
        // Read-only, and told as such.
        Kind::Id | Kind::Formula | Kind::Time | Kind::Person => {}
    }
}

/// `{"id": "…"}`, not the bare id.
fn lookup(value: &Value, place: impl Fn() -> String, findings: &mut Findings) {
    let sound = value.is_null() || value.get("id").and_then(Value::as_str).is_some_and(shape::is_id);
    findings.hold(sound, &LOOKUP, || format!("{} is an object with the other record's id", place()));
}
