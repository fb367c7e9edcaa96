//! `add_tags` and `remove_tags`, and the `Tag` field of a write. Unknown names become tags of the module by themselves.
//!
//! Caps: 25 characters a name, 500 records a call (v8), and by edition so many tags a record and a module (help pages).

mod field;
mod request;

use axum::http::StatusCode;
use chrono::SubsecRound;
use serde_json::{Value, json};

use super::{
    call::Call,
    faults::Plan,
    fields::Module,
    operation::Operation,
    records::{INTEGRATION, Tag},
    refuse,
    reply::{Reply, item_error, item_success},
    world::World,
};
pub(super) use field::{joined, known, names_in_record};

const NAME_LENGTH: usize = 25;
/// Zoho hands its colours out in turn.
const COLORS: [&str; 13] = [
    "#57B1FD", "#879BFC", "#658BA8", "#FD87BD", "#969696", "#F48435", "#1DB9B4", "#E7A826", "#63C57E", "#F17574",
    "#D297EE", "#A8C026", "#B88562",
];

/// `POST /{module}/actions/add_tags` and `remove_tags`, and the same on one record.
pub(super) fn change(world: &mut World, module: Module, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    let body = call.object()?;
    let may_make = world.settings.add_tags_creates || call.operation == Operation::RemoveTags;
    let names = request::names(world, module, body, may_make)?;
    let ids = match &call.id {
        Some(id) => vec![id.clone()],
        None => request::ids(body)?,
    };
    let change = match call.operation {
        Operation::RemoveTags => Change::Remove(names),
        _ if body.get("over_write") == Some(&true.into()) => Change::Replace(make(world, module, &names)?),
        _ => Change::Add(make(world, module, &names)?),
    };
    let results: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| match plan.error_for(&id.clone().into(), index) {
            Some(error) => Err(error),
            None => change_one(world, module, &change, id, index),
        })
        .collect();
    if call.id.is_some() {
        return Ok(Reply::per_record(results, StatusCode::OK, StatusCode::BAD_REQUEST));
    }
    Ok(counted(results))
}

enum Change {
    Add(Vec<Tag>),
    Replace(Vec<Tag>),
    Remove(Vec<String>),
}

impl Change {
    /// A record's tags after this change.
    fn applied_to(&self, tags: &[Tag]) -> Vec<Tag> {
        match self {
            Self::Replace(new) => new.clone(),
            Self::Add(new) => {
                let added = new.iter().filter(|tag| !tags.contains(tag));
                tags.iter().chain(added).cloned().collect()
            }
            Self::Remove(names) => {
                let stays = |tag: &&Tag| !names.iter().any(|name| name.eq_ignore_ascii_case(&tag.name));
                tags.iter().filter(stays).cloned().collect()
            }
        }
    }
}

fn change_one(world: &mut World, module: Module, change: &Change, id: &str, index: usize) -> Result<Value, Value> {
    let Some(record) = world.table(module).get(id) else {
        let details = json!({ "id": id, "api_name": "ids", "json_path": format!("$.ids[{index}]") });
        return Err(item_error("INVALID_DATA", "the id given seems to be invalid", details));
    };
    refuse::locked(record)?;
    let tags = change.applied_to(&record.tags);
    let most = world.settings.record_tag_limit;
    if tags.len() > most && tags.len() > record.tags.len() {
        let details = json!({ "id": id, "maximum_length": most, "api_name": "tags", "json_path": "$.tags" });
        return Err(item_error("INVALID_DATA", "invalid data", details));
    }
    let item = item_success("tags updated successfully", json!({ "id": id, "tags": tags }));
    if tags != record.tags {
        let mut record = record.clone();
        record.tags = tags;
        if world.settings.tags_touch_modified_time {
            record.modified = world.now.trunc_subsecs(0);
            record.modified_by = INTEGRATION;
        }
        world.put(module, &record);
    }
    Ok(item)
}

fn make(world: &mut World, module: Module, names: &[String]) -> Result<Vec<Tag>, Reply> {
    let full = || Reply::bad_request("LICENSE_LIMIT_EXCEEDED", "tags edition limit exceeded", json!({}));
    get_or_make(world, module, names).ok_or_else(full)
}

fn is_known(world: &World, module: Module, name: &str) -> bool {
    world.table(module).tags.iter().any(|tag| tag.name.eq_ignore_ascii_case(name))
}

/// `None` when the module may have no more tags; then none is made.
fn get_or_make(world: &mut World, module: Module, names: &[String]) -> Option<Vec<Tag>> {
    let unknown = names.iter().filter(|name| !is_known(world, module, name)).count();
    if world.table(module).tags.len() + unknown > world.settings.module_tag_limit {
        return None;
    }
    let mut found: Vec<Tag> = Vec::with_capacity(names.len());
    for name in names {
        let known = world.table(module).tags.iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).cloned();
        let tag = known.unwrap_or_else(|| {
            let color = COLORS[world.table(module).tags.len() % COLORS.len()];
            let tag = Tag { name: name.clone(), id: world.new_id(), color_code: Some(color) };
            world.table_mut(module).tags.push(tag.clone());
            tag
        });
        if !found.contains(&tag) {
            found.push(tag);
        }
    }
    Some(found)
}

/// The answer to a call on many records: its counts are strings.
fn counted(results: Vec<Result<Value, Value>>) -> Reply {
    let done = results.iter().filter(|result| result.is_ok()).count();
    let status = match done {
        0 => StatusCode::BAD_REQUEST,
        done if done == results.len() => StatusCode::OK,
        _ => StatusCode::MULTI_STATUS,
    };
    let items: Vec<Value> = results.into_iter().map(|result| result.unwrap_or_else(|error| error)).collect();
    let locked = items.iter().filter(|item| item["code"] == "RECORD_LOCKED").count();
    let (done, locked) = (done.to_string(), locked.to_string());
    Reply::json(status, json!({ "data": items, "success_count": done, "locked_count": locked }))
}
