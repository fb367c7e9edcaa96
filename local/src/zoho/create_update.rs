//! `POST /{module}`, `PUT /{module}` and `PUT /{module}/{id}`: records that are new, or known by their id.

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    call::Call,
    faults::Plan,
    fields::Module,
    records::INTEGRATION,
    refuse,
    reply::{Reply, item_error},
    validate::{self, Completeness},
    world::World,
    write::{self, Action},
};

pub(super) fn create(world: &mut World, module: Module, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    let body = call.object()?;
    let records = write::data(body)?;
    let mut results = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        results.push(match plan.error_for(record, index) {
            Some(error) => Err(error),
            None => create_one(world, module, record, index),
        });
    }
    Ok(write::reply(world, results, StatusCode::CREATED))
}

pub(super) fn update(world: &mut World, module: Module, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    let body = call.object()?;
    let records = write::data(body)?;
    // With the id in the path there is one record, and the path wins over an id in the body.
    let records = if call.id.is_some() { &records[..1] } else { records };
    let mut results = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let id = call.id.as_deref().or_else(|| record.get("id").and_then(Value::as_str));
        results.push(match plan.error_for(record, index) {
            Some(error) => Err(error),
            None => update_one(world, module, call, id, record, index),
        });
    }
    Ok(write::reply(world, results, StatusCode::OK))
}

fn create_one(world: &mut World, module: Module, record: &Value, index: usize) -> Result<Value, Value> {
    let change = validate::check(world, module, record, index, Completeness::Whole)?;
    refuse::duplicates(world, module, &change.fields, None, index)?;
    let record = write::insert(world, module, change, index, INTEGRATION)?;
    Ok(write::receipt(world, &record, Action::Insert))
}

fn update_one(
    world: &mut World,
    module: Module,
    call: &Call,
    id: Option<&str>,
    record: &Value,
    index: usize,
) -> Result<Value, Value> {
    let missing = || item_error("MANDATORY_NOT_FOUND", "required field not found", validate::at("id", index));
    let id = id.ok_or_else(missing)?;
    let target = world.table(module).get(id).ok_or_else(|| write::unknown_id(index))?;
    refuse::locked(target)?;
    refuse::newer(world, call, target)?;
    let change = validate::check(world, module, record, index, Completeness::Partial)?;
    refuse::duplicates(world, module, &change.fields, Some(id), index)?;
    let record = write::update(world, module, id, change, index, INTEGRATION)?;
    Ok(write::receipt(world, &record, Action::Update))
}
