//! Why a record is not written although it is well-formed: another has its unique value, somebody locked it, or it
//! changed meanwhile.

use axum::http::header;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    call::Call, clock, fields::Module, records::Record, reply::item_error, validate::at, world::World, write::stamps,
};

/// Refuses values of unique fields that another record has: the error is the record's item of `data[]`.
pub(super) fn duplicates(
    world: &World,
    module: Module,
    fields: &Map<String, Value>,
    own_id: Option<&str>,
    index: usize,
) -> Result<(), Value> {
    let mut duplicates: Vec<Value> = unique_fields(world, module)
        .filter_map(|field| {
            let value = fields.get(field)?.as_str()?;
            let other = world.table(module).find(field, value, own_id)?;
            Some(duplicate(module, other, field, index))
        })
        .collect();
    match duplicates.len() {
        0 => Ok(()),
        1 => Err(duplicates.remove(0)),
        _ => {
            let details = json!({ "errors": duplicates });
            Err(item_error("MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", details))
        }
    }
}

/// The fields of which no two records may have the same value.
pub(super) fn unique_fields(world: &World, module: Module) -> impl Iterator<Item = &str> {
    let settings = &world.settings;
    let (is_own_unique, is_phone_unique) = match module {
        Module::Contacts => (settings.unique_email, settings.unique_phone),
        Module::Accounts => (settings.unique_account_name, false),
    };
    let own = is_own_unique.then_some(module.duplicate_field());
    [module.key(&world.options)].into_iter().chain(own).chain(is_phone_unique.then_some("Phone"))
}

/// Refuses a record that somebody in the CRM has locked.
pub(super) fn locked(record: &Record) -> Result<(), Value> {
    if !record.locked {
        return Ok(());
    }
    let details = json!({ "action": "record_locking", "id": record.id });
    let message = "Sorry, you cannot perform this operation as the record is locked.";
    Err(item_error("RECORD_LOCKED", message, details))
}

/// Refuses a record that changed after the client's `If-Unmodified-Since`.
pub(super) fn newer(world: &World, call: &Call, record: &Record) -> Result<(), Value> {
    // What Zoho shows as a whole second has happened somewhat later.
    let hidden = TimeDelta::milliseconds(world.settings.modified_hidden_milliseconds.into());
    let newer = unmodified_since(call).is_some_and(|since| record.modified + hidden > since);
    if !newer {
        return Ok(());
    }
    let message = "record updated time has already passed if-unmodified-since time";
    Err(item_error("ALREADY_MODIFIED", message, stamps(world, record)))
}

fn duplicate(module: Module, other: &Record, field: &str, index: usize) -> Value {
    let mut details = at(field, index);
    details["id"] = other.id.clone().into();
    details["more_records"] = false.into();
    details["duplicate_record"] = json!({
        "id": other.id,
        "Owner": other.created_by.shown(),
        "module": { "api_name": module.name(), "id": module.id() },
    });
    item_error("DUPLICATE_DATA", "duplicate data", details)
}

fn unmodified_since(call: &Call) -> Option<DateTime<Utc>> {
    call.header(header::IF_UNMODIFIED_SINCE).and_then(clock::read)
}
