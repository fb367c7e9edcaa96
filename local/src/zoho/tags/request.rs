//! What the body of `add_tags` and `remove_tags` names: tags and records.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{NAME_LENGTH, is_known};
use crate::zoho::{
    fields::Module,
    reply::{Reply, item_error},
    world::World,
};

const RECORDS_PER_CALL: usize = 500;

/// The names that a body asks for. An id wins over a name.
pub(super) fn names(
    world: &World,
    module: Module,
    body: &Map<String, Value>,
    may_make: bool,
) -> Result<Vec<String>, Reply> {
    let tags = body.get("tags").ok_or_else(|| Reply::missing_key("tags"))?;
    let wrong = |path: String| Reply::invalid_data(json!({ "api_name": "tags", "json_path": path }));
    let tags = tags.as_array().filter(|tags| !tags.is_empty()).ok_or_else(|| wrong("$.tags".to_owned()))?;
    let name_of = |(position, tag): (usize, &Value)| {
        if let Some(id) = tag.get("id").and_then(Value::as_str) {
            let known = world.table(module).tags.iter().find(|known| known.id == id);
            return known.map(|tag| tag.name.clone()).ok_or_else(|| wrong(format!("$.tags[{position}].id")));
        }
        let name = tag.get("name").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Reply::missing_key(&format!("tags[{position}].name")))?;
        if name.chars().count() > NAME_LENGTH {
            return Err(name_too_long(position));
        }
        if !may_make && !is_known(world, module, name) {
            return Err(wrong(format!("$.tags[{position}].name")));
        }
        Ok(name.to_owned())
    };
    tags.iter().enumerate().map(name_of).collect()
}

pub(super) fn ids(body: &Map<String, Value>) -> Result<Vec<String>, Reply> {
    let wrong =
        |key: &str, value: Value| Reply::invalid_data(json!({ key: value, "api_name": "ids", "json_path": "$.ids" }));
    let ids = body.get("ids").ok_or_else(|| Reply::missing_key("ids"))?;
    let ids =
        ids.as_array().filter(|ids| !ids.is_empty()).ok_or_else(|| wrong("expected_data_type", "jsonarray".into()))?;
    if ids.len() > RECORDS_PER_CALL {
        return Err(wrong("maximum_length", RECORDS_PER_CALL.into()));
    }
    let texts = ids.iter().map(|id| id.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| wrong("expected_data_type", "text".into()))
}

/// Zoho wraps this one error in `tags`.
fn name_too_long(position: usize) -> Reply {
    let details =
        json!({ "api_name": "name", "maximum_length": NAME_LENGTH, "json_path": format!("$.tags[{position}].name") });
    Reply::json(StatusCode::BAD_REQUEST, json!({ "tags": [item_error("INVALID_DATA", "Invalid data", details)] }))
}
