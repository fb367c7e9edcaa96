//! What a record of a write must look like: types, lengths, formats, as `INVALID_DATA` and `MANDATORY_NOT_FOUND` say them.

use serde_json::{Map, Value, json};

use super::{
    fields::{Kind, Module},
    reply::item_error,
    settings::EmailCase,
    tags,
    world::World,
};

/// A record of a write that passed: what will be stored.
#[derive(Debug)]
pub(super) struct Change {
    /// Null clears a field.
    pub(super) fields: Map<String, Value>,
    /// The whole new set of tags, if it is to be replaced.
    pub(super) tags: Option<Vec<String>>,
}

/// Whether a write may leave mandatory fields out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    Whole,
    Partial,
}

/// Checks one record; the error is its item of `data[]`. Unknown and read-only fields are passed over, as Zoho does.
pub(super) fn check(
    world: &World,
    module: Module,
    record: &Value,
    index: usize,
    completeness: Completeness,
) -> Result<Change, Value> {
    let Some(record) = record.as_object() else {
        let details = json!({ "expected_data_type": "jsonobject", "json_path": format!("$.data[{index}]") });
        return Err(item_error("INVALID_DATA", "invalid data", details));
    };
    let mandatory = module.mandatory();
    match record.get(mandatory) {
        None if completeness == Completeness::Partial => {}
        Some(value) if !is_blank(value) => {}
        _ => return Err(item_error("MANDATORY_NOT_FOUND", "required field not found", at(mandatory, index))),
    }
    let mut change = Change { fields: Map::new(), tags: None };
    for (name, value) in record {
        let Some(kind) = module.kind(name, &world.options).filter(|kind| !kind.is_read_only()) else { continue };
        if kind == Kind::Tags {
            change.tags = Some(tags::names_in_record(world, value, index)?);
            continue;
        }
        let value = if is_blank(value) { Value::Null } else { checked(world, kind, name, value, index)? };
        change.fields.insert(name.clone(), value);
    }
    Ok(change)
}

/// The `details` of an error about one field of one record.
pub(super) fn at(field: &str, index: usize) -> Value {
    json!({ "api_name": field, "json_path": format!("$.data[{index}].{field}") })
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A value as it is stored.
fn checked(world: &World, kind: Kind, name: &str, value: &Value, index: usize) -> Result<Value, Value> {
    let wrong = |key: &str, expected: Value| {
        let mut details = at(name, index);
        details[key] = expected;
        item_error("INVALID_DATA", "invalid data", details)
    };
    let wrong_type = |expected: &str| wrong("expected_data_type", expected.into());
    match kind {
        Kind::Text(maximum) => {
            let text = value.as_str().ok_or_else(|| wrong_type("text"))?;
            if text.chars().count() > maximum { Err(wrong("maximum_length", maximum.into())) } else { Ok(text.into()) }
        }
        Kind::Email(maximum) => {
            let text = value.as_str().filter(|text| is_email(text)).ok_or_else(|| wrong_type("email"))?;
            match world.settings.email_case {
                _ if text.chars().count() > maximum => Err(wrong("maximum_length", maximum.into())),
                EmailCase::Keep => Ok(text.into()),
                EmailCase::Lower => Ok(text.to_lowercase().into()),
            }
        }
        Kind::Boolean => value.as_bool().map(Value::from).ok_or_else(|| wrong_type("boolean")),
        Kind::Integer => value.as_i64().map(Value::from).ok_or_else(|| wrong_type("integer")),
        Kind::Date => {
            let date = value.as_str().filter(|text| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok());
            date.map(Value::from).ok_or_else(|| wrong_type("date"))
        }
        Kind::Lookup(target) => {
            let id = value.get("id").and_then(Value::as_str).ok_or_else(|| wrong_type("jsonobject"))?;
            let other = world.table(target).get(id);
            let other =
                other.ok_or_else(|| item_error("INVALID_DATA", "the id given seems to be invalid", at(name, index)))?;
            Ok(other.id.clone().into())
        }
        // Passed over or handled by `check` before it comes here.
        Kind::Tags | Kind::Id | Kind::Formula | Kind::Time | Kind::Person => Ok(Value::Null),
    }
}

/// Zoho's idea of an address, by the pattern of e-mail fields in its OpenAPI documents: what the local part begins with
/// and goes on with, labels with hyphens and underscores inside, and letters alone in the last one.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((names, last)) = domain.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && label.starts_with(char::is_alphanumeric)
            && label.ends_with(char::is_alphanumeric)
    };
    local.starts_with(|c: char| c.is_alphanumeric() || "+-_".contains(c))
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
        && names.split('.').all(is_label)
        && (2..=22).contains(&last.chars().count())
        && last.chars().all(char::is_alphabetic)
}
