//! `POST /{module}/upsert`: each record updates what it duplicates, or becomes a new one.
//!
//! Precedence of v8: the fields of `duplicate_check_fields` in their order, then every other unique field. Without the
//! list it is the system's own field first. With a list that leaves the system's field out, that field is ignored.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    faults::Plan,
    fields::Module,
    records::INTEGRATION,
    refuse,
    reply::Reply,
    validate::{self, Completeness},
    world::World,
    write::{self, Action},
};

pub(super) fn upsert(world: &mut World, module: Module, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    let body = call.object()?;
    let records = write::data(body)?;
    let checks = duplicate_checks(world, module, body)?;
    let mut results = Vec::with_capacity(records.len());
    // One after the other: a record may duplicate an earlier one of the same call.
    for (index, record) in records.iter().enumerate() {
        results.push(match plan.error_for(record, index) {
            Some(error) => Err(error),
            None => upsert_one(world, module, call, &checks, record, index),
        });
    }
    let all_done = StatusCode::from_u16(world.settings.upsert_status).unwrap_or(StatusCode::OK);
    Ok(write::reply(world, results, all_done))
}

fn upsert_one(
    world: &mut World,
    module: Module,
    call: &Call,
    checks: &[String],
    record: &Value,
    index: usize,
) -> Result<Value, Value> {
    let by_id = record.get("id").and_then(Value::as_str);
    let completeness = if by_id.is_some() { Completeness::Partial } else { Completeness::Whole };
    let change = validate::check(world, module, record, index, completeness)?;
    let found = match by_id {
        Some(id) => Some((None, world.table(module).get(id).ok_or_else(|| write::unknown_id(index))?)),
        None => find_duplicate(world, module, checks, &change.fields).map(|(field, other)| (Some(field), other)),
    };
    if let Some((_, other)) = found {
        refuse::locked(other)?;
        refuse::newer(world, call, other)?;
    }
    let target = found.map(|(field, other)| (field.map(str::to_owned), other.id.clone()));
    let own_id = target.as_ref().map(|(_, id)| id.as_str());
    refuse::duplicates(world, module, &change.fields, own_id, index)?;
    let (record, field, action) = match target {
        Some((field, id)) => (write::update(world, module, &id, change, index, INTEGRATION)?, field, Action::Update),
        None => (write::insert(world, module, change, index, INTEGRATION)?, None, Action::Insert),
    };
    let mut item = write::receipt(world, &record, action);
    item["duplicate_field"] = json!(field);
    item["action"] = match action {
        Action::Insert => "insert".into(),
        Action::Update => "update".into(),
    };
    Ok(item)
}

/// The first field by which this record is already there, and what is there.
fn find_duplicate<'a>(
    world: &'a World,
    module: Module,
    checks: &'a [String],
    fields: &Map<String, Value>,
) -> Option<(&'a str, &'a super::records::Record)> {
    checks.iter().find_map(|field| {
        let value = fields.get(field)?.as_str()?;
        Some((field.as_str(), world.table(module).find(field, value, None)?))
    })
}

/// The fields to check, in their order. Only the system's field and unique ones may be named.
fn duplicate_checks(world: &World, module: Module, body: &Map<String, Value>) -> Result<Vec<String>, Reply> {
    let system = module.duplicate_field();
    let named = match body.get("duplicate_check_fields") {
        None | Some(Value::Null) => vec![system.to_owned()],
        Some(Value::Array(names)) if names.is_empty() => vec![system.to_owned()],
        Some(Value::Array(names)) => names
            .iter()
            .enumerate()
            .map(|(position, name)| {
                let name = name.as_str().filter(|name| *name == system || is_unique(world, module, name));
                name.map(str::to_owned).ok_or_else(|| not_checkable(&format!("$.duplicate_check_fields[{position}]")))
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(not_checkable("$.duplicate_check_fields")),
    };
    let others: Vec<_> = refuse::unique_fields(world, module)
        .filter(|field| !named.iter().any(|name| name == field))
        .map(str::to_owned)
        .collect();
    Ok(named.into_iter().chain(others).collect())
}

fn is_unique(world: &World, module: Module, name: &str) -> bool {
    refuse::unique_fields(world, module).any(|field| field == name)
}

fn not_checkable(path: &str) -> Reply {
    Reply::invalid_data(json!({ "api_name": "duplicate_check_fields", "json_path": path }))
}
