//! The `Tag` field of a record that is written.

use serde_json::{Value, json};

use super::{Change, NAME_LENGTH, get_or_make};
use crate::zoho::{fields::Module, records::Tag, reply::item_error, world::World};

/// The names in the `Tag` field of a record that is written; they replace the record's tags.
pub(in crate::zoho) fn names_in_record(world: &World, value: &Value, index: usize) -> Result<Vec<String>, Value> {
    let wrong = |mut details: Value| {
        details["api_name"] = "Tag".into();
        details["json_path"] = format!("$.data[{index}].Tag").into();
        item_error("INVALID_DATA", "invalid data", details)
    };
    let not_a_list = || wrong(json!({ "expected_data_type": "jsonarray" }));
    let items = match value {
        Value::Null => &[],
        Value::Array(items) => items.as_slice(),
        _ => return Err(not_a_list()),
    };
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.get("name").and_then(Value::as_str).ok_or_else(not_a_list)?;
        if name.chars().count() > NAME_LENGTH {
            return Err(wrong(json!({ "maximum_length": NAME_LENGTH })));
        }
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    let most = world.settings.record_tag_limit;
    if names.len() > most {
        return Err(wrong(json!({ "maximum_length": most })));
    }
    Ok(names)
}

/// These tags of the module, made where it does not know them; the error is the record's item of `data[]`.
pub(in crate::zoho) fn known(
    world: &mut World,
    module: Module,
    names: &[String],
    index: usize,
) -> Result<Vec<Tag>, Value> {
    let full = || {
        let details = json!({ "api_name": "Tag", "json_path": format!("$.data[{index}].Tag") });
        item_error("LICENSE_LIMIT_EXCEEDED", "tags edition limit exceeded", details)
    };
    get_or_make(world, module, names).ok_or_else(full)
}

/// A record's tags with these besides; the error is the record's item of `data[]`.
pub(in crate::zoho) fn joined(world: &World, tags: &[Tag], new: Vec<Tag>, index: usize) -> Result<Vec<Tag>, Value> {
    let tags = Change::Add(new).applied_to(tags);
    let most = world.settings.record_tag_limit;
    if tags.len() > most {
        let path = format!("$.data[{index}].Tag");
        let details = json!({ "maximum_length": most, "api_name": "Tag", "json_path": path });
        return Err(item_error("INVALID_DATA", "invalid data", details));
    }
    Ok(tags)
}
