//! `POST /_control/restore`: a salesperson takes a record back out of the recycle bin.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chrono::SubsecRound;
use serde::Deserialize;

use super::{Answer, Refused, body, module, refused};
use crate::zoho::{
    delete as removal,
    fields::Module,
    records::{self, SALESPERSON},
    refuse,
    watch::Cause,
    world::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restoration {
    module: String,
    id: String,
    /// Whether `Modified_Time` is that of the restoration, and not what it was.
    #[serde(default = "yes")]
    touch: bool,
    /// Whether a channel hears of it, as of a new record.
    #[serde(default = "yes")]
    tell: bool,
}

fn yes() -> bool {
    true
}

/// The record is what it was, its id and ours included. That a channel hears of it as of a new one, whether its
/// `Modified_Time` changes, and that a unique value which another record has by now stands against it: none of this is
/// published. A Contact whose Account has gone meanwhile is attached to none.
pub(in crate::zoho::control) async fn restore(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: Restoration = body(&text)?;
    let module = module(&order.module)?;
    let mut world = shared.lock();
    let fields = removal::in_bin(&world, module, &order.id).map(|gone| gone.record.fields.clone());
    let missing = || Refused(StatusCode::NOT_FOUND, format!("No record {} lies in the recycle bin.", order.id));
    refuse::duplicates(&world, module, &fields.ok_or_else(missing)?, None, 0).map_err(refused)?;
    let mut record = removal::take_from_bin(&mut world, module, &order.id).ok_or_else(missing)?;
    let account = record.text("Account_Name").and_then(|account| world.accounts.get(account));
    if module == Module::Contacts && account.is_none() {
        record.fields.remove("Account_Name");
    }
    if order.touch {
        record.modified = world.now.trunc_subsecs(0);
        record.modified_by = SALESPERSON;
    }
    if order.tell {
        world.put(module, &record);
    } else {
        world.put_silently(module, record.clone());
    }
    let shown = records::shown(&world, module, &record);
    shared.finish(world, Cause::Person);
    Ok(Json(shown))
}
