//! `POST /_control/create`, `edit`, `delete` and `lock`: a salesperson at work in Zoho's own pages.

pub(super) mod merge;
pub(super) mod restore;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refused, bad, body};
use crate::zoho::{
    delete as removal,
    fields::Module,
    records::{self, SALESPERSON},
    refuse,
    validate::{self, Change, Completeness},
    watch::Cause,
    world::{Shared, World},
    write,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    module: String,
    fields: Value,
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    module: String,
    id: String,
    #[serde(default = "nothing")]
    fields: Value,
    /// All that the record has afterwards.
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deletion {
    module: String,
    id: String,
    /// Whether it is taken out of the recycle bin at once.
    #[serde(default)]
    permanent: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    module: String,
    id: String,
    locked: bool,
}

fn nothing() -> Value {
    json!({})
}

/// A salesperson makes a record: the same rules as for a create, another `Created_By`.
pub(super) async fn create(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let new: New = body(&text)?;
    let module = module(&new.module)?;
    let mut world = shared.lock();
    let change = change(&world, module, new.fields, new.tags, Completeness::Whole)?;
    refuse::duplicates(&world, module, &change.fields, None, 0).map_err(refused)?;
    let record = write::insert(&mut world, module, change, 0, SALESPERSON).map_err(refused)?;
    let shown = records::shown(&world, module, &record);
    shared.finish(world, Cause::Person);
    Ok(Json(shown))
}

/// A salesperson changes a record: the same rules as for an update, another `Modified_By`. A lock does not hold her up.
pub(super) async fn edit(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let edit: Edit = body(&text)?;
    let module = module(&edit.module)?;
    let mut world = shared.lock();
    exists(&world, module, &edit.id)?;
    let change = change(&world, module, edit.fields, edit.tags, Completeness::Partial)?;
    refuse::duplicates(&world, module, &change.fields, Some(&edit.id), 0).map_err(refused)?;
    let record = write::update(&mut world, module, &edit.id, change, 0, SALESPERSON).map_err(refused)?;
    let shown = records::shown(&world, module, &record);
    shared.finish(world, Cause::Person);
    Ok(Json(shown))
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let deletion: Deletion = body(&text)?;
    let module = module(&deletion.module)?;
    let mut world = shared.lock();
    exists(&world, module, &deletion.id)?;
    removal::remove(&mut world, module, &deletion.id, SALESPERSON, deletion.permanent);
    shared.finish(world, Cause::Person);
    Ok(Json(json!({ "deleted": deletion.id })))
}

/// Locks a record against the API, or unlocks it.
pub(super) async fn lock(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let lock: Lock = body(&text)?;
    let module = module(&lock.module)?;
    let mut world = shared.lock();
    let mut record = exists(&world, module, &lock.id)?.clone();
    record.locked = lock.locked;
    world.put_silently(module, record);
    Ok(Json(json!({ "locked": lock.locked })))
}

fn module(name: &str) -> Result<Module, Refused> {
    name.parse().map_err(|()| bad("module is \"Contacts\" or \"Accounts\"."))
}

fn exists<'a>(world: &'a World, module: Module, id: &str) -> Result<&'a records::Record, Refused> {
    let missing = || Refused(StatusCode::NOT_FOUND, format!("{} has no record {id}.", module.name()));
    world.table(module).get(id).ok_or_else(missing)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands on")]
fn refused(error: Value) -> Refused {
    bad(format!("Zoho would refuse this: {error}"))
}

fn change(
    world: &World,
    module: Module,
    mut fields: Value,
    tags: Option<Vec<String>>,
    completeness: Completeness,
) -> Result<Change, Refused> {
    check_names(world, module, &fields)?;
    if let Some(tags) = tags {
        fields["Tag"] = tags.into_iter().map(|name| json!({ "name": name })).collect();
    }
    validate::check(world, module, &fields, 0, completeness).map_err(refused)
}

/// The API passes over names that it does not know; in a test such a name is a mistake.
fn check_names(world: &World, module: Module, fields: &Value) -> Result<(), Refused> {
    let fields = fields.as_object().ok_or_else(|| bad("fields is an object of field names and values."))?;
    let editable = |name: &String| module.kind(name, &world.options).is_some_and(|kind| !kind.is_read_only());
    match fields.keys().find(|name| !editable(name)) {
        Some(name) => Err(bad(format!("{} has no field {name} that anybody can edit.", module.name()))),
        None => Ok(()),
    }
}
