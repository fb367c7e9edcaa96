//! `DELETE /{module}?ids=`, `DELETE /{module}/{id}` and the list of what was deleted.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::{
    call::Call,
    clock,
    faults::Plan,
    fields::Module,
    page::Page,
    records::{Deleted, INTEGRATION},
    reply::{Reply, item_error, item_success},
    world::World,
};

const RECORDS_PER_CALL: usize = 100;

pub(super) fn delete(world: &mut World, module: Module, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    let ids = match &call.id {
        Some(id) => vec![id.as_str()],
        None => call.list("ids").ok_or_else(|| Reply::missing_parameter("ids"))?,
    };
    if ids.len() > RECORDS_PER_CALL {
        return Err(Reply::invalid_data(json!({ "maximum_length": RECORDS_PER_CALL, "param_name": "ids" })));
    }
    let results = ids
        .into_iter()
        .enumerate()
        .map(|(index, id)| match plan.error_for(&id.into(), index) {
            Some(error) => Err(error),
            None => delete_one(world, module, id),
        })
        .collect();
    let all_failed = StatusCode::from_u16(world.settings.all_failed_status).unwrap_or(StatusCode::BAD_REQUEST);
    Ok(Reply::per_record(results, StatusCode::OK, all_failed))
}

/// `GET /{module}/deleted`. What is deleted here lies in the recycle bin; nothing is ever gone for good.
pub(super) fn deleted(world: &World, module: Module, call: &Call) -> Result<Reply, Reply> {
    let kind = call.parameter("type").unwrap_or("all");
    if !["all", "recycle", "permanent"].contains(&kind) {
        let message = "Please check whether the input values are correct";
        return Err(Reply::bad_request("PATTERN_NOT_MATCHED", message, json!({ "param_name": "type" })));
    }
    let page = Page::of(call)?;
    let since = call.header(header::IF_MODIFIED_SINCE).and_then(clock::read);
    let newest_first = world.table(module).deleted.iter().rev();
    let rows: Vec<_> = newest_first
        .filter(|record| kind != "permanent" && since.is_none_or(|since| record.at > since))
        .map(|record| shown(world, record))
        .collect();
    if rows.is_empty() && since.is_some() {
        return Ok(Reply::empty(not_modified(world)));
    }
    Ok(page.reply(rows))
}

/// The status of a conditional read without news.
pub(super) fn not_modified(world: &World) -> StatusCode {
    StatusCode::from_u16(world.settings.not_modified_status).unwrap_or(StatusCode::NOT_MODIFIED)
}

fn delete_one(world: &mut World, module: Module, id: &str) -> Result<Value, Value> {
    let options = world.options.clone();
    let Some(record) = world.table_mut(module).remove(id, &options) else {
        return Err(item_error("INVALID_DATA", "the id given seems to be invalid", json!({ "id": id })));
    };
    let name = record.display_name(module);
    let gone = Deleted { id: record.id, name, created_by: record.created_by, at: world.now };
    world.table_mut(module).deleted.push(gone);
    Ok(item_success("record deleted", json!({ "id": id })))
}

fn shown(world: &World, record: &Deleted) -> Value {
    json!({
        "id": record.id,
        "display_name": record.name,
        "type": "recycle",
        "deleted_by": INTEGRATION.shown(),
        "created_by": record.created_by.shown(),
        "deleted_time": world.written(record.at),
    })
}
