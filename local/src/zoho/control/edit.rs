//! `POST /_control/edit`: a salesperson at work.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Refused, bad, body};
use crate::zoho::{
    fields::Module,
    records::{self, SALESPERSON},
    validate::{self, Completeness},
    world::{Shared, World},
    write,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    module: String,
    id: String,
    fields: Value,
}

/// A salesperson changes a record in Zoho's own pages: the same rules as for an update, another `Modified_By`.
pub(super) async fn edit(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let edit: Edit = body(&text)?;
    let module: Module = edit.module.parse().map_err(|()| bad("module is \"Contacts\" or \"Accounts\"."))?;
    let mut world = shared.lock();
    if world.table(module).get(&edit.id).is_none() {
        return Err(Refused(StatusCode::NOT_FOUND, format!("{} has no record {}.", edit.module, edit.id)));
    }
    check_names(&world, module, &edit.fields)?;
    let refused = |error: Value| bad(format!("Zoho would refuse this edit: {error}"));
    let change = validate::check(&world, module, &edit.fields, 0, Completeness::Partial).map_err(refused)?;
    write::refuse_duplicates(&world, module, &change.fields, Some(&edit.id), 0).map_err(refused)?;
    let record = write::update(&mut world, module, &edit.id, change, 0, SALESPERSON).map_err(refused)?;
    Ok(Json(records::shown(&world, module, &record)))
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
