//! `notification_condition`: of which fields an edit is heard. Groups in groups, joined by `and` or `or`.

use serde_json::{Map, Value, json};

use super::read::invalid;
use crate::zoho::{fields::Module, reply::item_error};

const FIELDS: usize = 10;
const MODULES: usize = 2;

/// The conditions of a channel, if they are some.
pub(super) fn check(conditions: &Value, index: usize) -> Result<Value, Value> {
    let name = "notification_condition";
    let wrong = || invalid(name, index, "expected_data_type", "jsonarray".into());
    let list = conditions.as_array().ok_or_else(wrong)?;
    if list.len() > MODULES {
        return Err(invalid(name, index, "maximum_length", MODULES.into()));
    }
    for (position, condition) in list.iter().enumerate() {
        let path =
            |key: &str| json!({ "api_name": key, "json_path": format!("$.watch[{index}].{name}[{position}].{key}") });
        if condition["type"] != "field_selection" {
            return Err(item_error("INVALID_DATA", "invalid data", path("type")));
        }
        for key in ["module", "field_selection"] {
            if !condition[key].is_object() {
                let details = json!({ "dependee": path("type"), "api_name": key });
                return Err(item_error("DEPENDENT_FIELD_MISSING", "dependent field missing", details));
            }
        }
        if count(&condition["field_selection"]) > FIELDS {
            return Err(invalid(name, index, "maximum_length", FIELDS.into()));
        }
    }
    Ok(conditions.clone())
}

/// Whether an edit that affected these fields is heard.
pub(super) fn holds(conditions: &Value, module: Module, affected: &Map<String, Value>) -> bool {
    let own = |condition: &&Value| condition["module"]["api_name"] == module.name();
    let mut own = conditions.as_array().into_iter().flatten().filter(own).peekable();
    own.peek().is_none() || own.any(|condition| selected(&condition["field_selection"], affected))
}

fn selected(selection: &Value, affected: &Map<String, Value>) -> bool {
    let Some(group) = selection["group"].as_array() else {
        let name = selection.pointer("/field/api_name").or(selection.get("api_name")).and_then(Value::as_str);
        return name.is_some_and(|name| affected.contains_key(name));
    };
    let mut parts = group.iter().map(|part| selected(part, affected));
    if selection["group_operator"] == "and" { parts.all(|holds| holds) } else { parts.any(|holds| holds) }
}

fn count(selection: &Value) -> usize {
    selection["group"].as_array().map_or(1, |group| group.iter().map(count).sum())
}
