//! The steps that create, update and upsert share: reading `data`, refusing duplicates, storing, and the receipt per record.

use axum::http::StatusCode;
use chrono::SubsecRound;
use serde_json::{Map, Value, json};

use super::{
    fields::Module,
    records::{INTEGRATION, Person, Record},
    reply::{Reply, item_error, item_success},
    rules,
    settings::{AlreadyModified, TagField},
    tags,
    validate::{Change, at},
    world::World,
};

/// Records in one call (v8 upsert, insert, update).
const RECORDS_PER_CALL: usize = 100;
const TRIGGERS: [&str; 3] = ["workflow", "approval", "blueprint"];

/// What happened to a stored record, as its receipt says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    Update,
}

/// The records of a write's body.
pub(super) fn data(body: &Map<String, Value>) -> Result<&[Value], Reply> {
    let data = body.get("data").ok_or_else(|| Reply::missing_key("data"))?;
    let wrong = |key: &str, expected: Value| {
        Reply::invalid_data(json!({ key: expected, "api_name": "data", "json_path": "$.data" }))
    };
    let records = data.as_array().ok_or_else(|| wrong("expected_data_type", "jsonarray".into()))?;
    if records.is_empty() {
        return Err(wrong("minimum_length", 1.into()));
    }
    if records.len() > RECORDS_PER_CALL {
        return Err(wrong("maximum_length", RECORDS_PER_CALL.into()));
    }
    check_trigger(body)?;
    Ok(records)
}

/// Adds a record and gives its receipt.
pub(super) fn insert(
    world: &mut World,
    module: Module,
    change: Change,
    index: usize,
    by: Person,
) -> Result<Record, Value> {
    let now = world.now.trunc_subsecs(0);
    let record = Record {
        id: world.new_id(),
        fields: Map::new(),
        tags: Vec::new(),
        created: now,
        modified: now,
        created_by: by,
        modified_by: by,
        locked: false,
    };
    store(world, module, record, change, index)
}

/// Changes a record and gives it as it is now.
pub(super) fn update(
    world: &mut World,
    module: Module,
    id: &str,
    change: Change,
    index: usize,
    by: Person,
) -> Result<Record, Value> {
    let mut record = world.table(module).get(id).cloned().ok_or_else(|| unknown_id(index))?;
    record.modified = world.now.trunc_subsecs(0);
    record.modified_by = by;
    store(world, module, record, change, index)
}

/// The item of `data[]` for a record that was stored.
pub(super) fn receipt(world: &World, record: &Record, action: Action) -> Value {
    let message = match action {
        Action::Insert => "record added",
        Action::Update => "record updated",
    };
    item_success(message, stamps(world, record))
}

/// The item of `data[]` for an id that this module does not have.
pub(super) fn unknown_id(index: usize) -> Value {
    item_error("INVALID_DATA", "the id given seems to be invalid", at("id", index))
}

/// The answer to a write. When every record was too new for `If-Unmodified-Since` it is a 412.
pub(super) fn reply(world: &World, results: Vec<Result<Value, Value>>, all_done: StatusCode) -> Reply {
    let too_new =
        |result: &Result<Value, Value>| result.as_ref().is_err_and(|error| error["code"] == "ALREADY_MODIFIED");
    if results.iter().all(too_new) {
        return already_modified(world, results.into_iter().filter_map(Result::err).collect());
    }
    let all_failed = StatusCode::from_u16(world.settings.all_failed_status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::per_record(results, all_done, all_failed)
}

fn already_modified(world: &World, mut errors: Vec<Value>) -> Reply {
    let body = match world.settings.already_modified {
        AlreadyModified::PerRecord => json!({ "data": errors }),
        AlreadyModified::First => json!({ "data": [errors.remove(0)] }),
        AlreadyModified::Bare => errors.remove(0),
    };
    Reply::json(StatusCode::PRECONDITION_FAILED, body)
}

fn store(world: &mut World, module: Module, mut record: Record, change: Change, index: usize) -> Result<Record, Value> {
    if let Some(names) = change.tags {
        let tags = tags::known(world, module, &names, index)?;
        // Somebody who edits in Zoho's own pages sees all tags and means what he leaves.
        let adds = world.settings.tag_field == TagField::Add && record.modified_by == INTEGRATION;
        record.tags = if adds { tags::joined(world, &record.tags, tags, index)? } else { tags };
    }
    for (name, value) in change.fields {
        if value.is_null() {
            record.fields.remove(&name);
        } else {
            record.fields.insert(name, value);
        }
    }
    rules::apply(&world.settings, module, &mut record);
    world.put(module, &record);
    Ok(record)
}

pub(super) fn stamps(world: &World, record: &Record) -> Value {
    json!({
        "id": record.id,
        "Created_Time": world.written(record.created),
        "Modified_Time": world.written(record.modified),
        "Created_By": record.created_by.shown(),
        "Modified_By": record.modified_by.shown(),
    })
}

fn check_trigger(body: &Map<String, Value>) -> Result<(), Reply> {
    let Some(trigger) = body.get("trigger").filter(|trigger| !trigger.is_null()) else { return Ok(()) };
    let known = |value: &Value| value.as_str().is_some_and(|name| TRIGGERS.contains(&name));
    match trigger.as_array() {
        Some(list) if list.iter().all(known) => Ok(()),
        _ => Err(Reply::invalid_data(json!({ "api_name": "trigger", "json_path": "$.trigger" }))),
    }
}
