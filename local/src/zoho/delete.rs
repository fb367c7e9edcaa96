//! `DELETE /{module}?ids=`, `DELETE /{module}/{id}` and the list of what was deleted.

use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    call::Call,
    clock,
    faults::Plan,
    fields::Module,
    page::Page,
    records::{Deleted, INTEGRATION, Person, Record},
    refuse,
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

/// `GET /{module}/deleted`, newest first.
pub(super) fn deleted(world: &World, module: Module, call: &Call) -> Result<Reply, Reply> {
    let kind = call.parameter("type").unwrap_or("all");
    if !["all", "recycle", "permanent"].contains(&kind) {
        let message = "Please check whether the input values are correct";
        return Err(Reply::bad_request("PATTERN_NOT_MATCHED", message, json!({ "param_name": "type" })));
    }
    let page = Page::of(call)?;
    let page = match world.settings.deleted_page_limit {
        Some(rows) => page.within(rows)?,
        None => page,
    };
    let since = call.header(header::IF_MODIFIED_SINCE).and_then(clock::read);
    let newest_first = world.table(module).deleted.iter().rev();
    let rows: Vec<_> = newest_first
        .filter(|record| since.is_none_or(|since| record.at > since))
        .filter_map(|record| Some((record, Whereabouts::of(world, record)?)))
        .filter(|(_, whereabouts)| kind == "all" || kind == whereabouts.name())
        .map(|(record, whereabouts)| shown(world, record, whereabouts))
        .collect();
    if rows.is_empty() && since.is_some() {
        return Ok(Reply::empty(not_modified(world)));
    }
    Ok(page.reply(rows))
}

/// Takes a record away, as a person does it. What looks it up has nothing to look up any more; that alone is not
/// notified and leaves `Modified_Time` as it is, about which Zoho says nothing.
pub(super) fn remove(world: &mut World, module: Module, id: &str, by: Person, for_good: bool) -> bool {
    let Some(record) = world.remove(module, id) else { return false };
    let name = record.display_name(module);
    let at = world.now;
    let gone = Deleted { record, name, by, at, for_good };
    world.table_mut(module).deleted.push(gone);
    if module == Module::Accounts {
        point_contacts(world, id, None);
    }
    true
}

/// What lies in the recycle bin, the oldest first.
pub(super) fn bin(world: &World, module: Module) -> impl Iterator<Item = &Deleted> {
    let lies_there = |gone: &&Deleted| Whereabouts::of(world, gone) == Some(Whereabouts::Recycle);
    world.table(module).deleted.iter().filter(lies_there)
}

/// The record with this id in the recycle bin.
pub(super) fn in_bin<'a>(world: &'a World, module: Module, id: &str) -> Option<&'a Deleted> {
    bin(world, module).find(|gone| gone.record.id == id)
}

/// Takes a record out of the recycle bin, as it was.
pub(super) fn take_from_bin(world: &mut World, module: Module, id: &str) -> Option<Record> {
    let record = in_bin(world, module, id)?.record.clone();
    world.table_mut(module).deleted.retain(|gone| gone.record.id != id);
    Some(record)
}

/// Lets the Contacts of one Account be those of another, or of none.
pub(super) fn point_contacts(world: &mut World, from: &str, to: Option<&str>) {
    let belongs = |contact: &&Record| contact.text("Account_Name") == Some(from);
    let contacts: Vec<Record> = world.contacts.iter().filter(belongs).cloned().collect();
    for mut contact in contacts {
        match to {
            Some(to) => contact.fields.insert("Account_Name".to_owned(), to.into()),
            None => contact.fields.remove("Account_Name"),
        };
        world.put_silently(Module::Contacts, contact);
    }
}

/// The status of a conditional read without news.
pub(super) fn not_modified(world: &World) -> StatusCode {
    StatusCode::from_u16(world.settings.not_modified_status).unwrap_or(StatusCode::NOT_MODIFIED)
}

fn delete_one(world: &mut World, module: Module, id: &str) -> Result<Value, Value> {
    if let Some(record) = world.table(module).get(id) {
        refuse::locked(record)?;
    }
    if remove(world, module, id, INTEGRATION, false) {
        Ok(item_success("record deleted", json!({ "id": id })))
    } else {
        Err(item_error("INVALID_DATA", "the id given seems to be invalid", json!({ "id": id })))
    }
}

/// Where a deleted record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    Recycle,
    Permanent,
}

impl Whereabouts {
    /// `None` when it is listed no more.
    fn of(world: &World, record: &Deleted) -> Option<Self> {
        let in_bin = if record.for_good { 0 } else { world.settings.recycle_days };
        let age = world.now - record.at;
        if !record.for_good && age < TimeDelta::days(in_bin.into()) {
            return Some(Self::Recycle);
        }
        let listed = TimeDelta::days(i64::from(in_bin) + i64::from(world.settings.permanent_days));
        (age < listed).then_some(Self::Permanent)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Recycle => "recycle",
            Self::Permanent => "permanent",
        }
    }
}

/// Of what is gone for good the CRM knows only that and when.
fn shown(world: &World, record: &Deleted, whereabouts: Whereabouts) -> Value {
    let is_known = whereabouts == Whereabouts::Recycle;
    json!({
        "id": record.record.id,
        "display_name": is_known.then_some(&record.name),
        "type": whereabouts.name(),
        "deleted_by": is_known.then(|| record.by.shown()),
        "created_by": is_known.then(|| record.record.created_by.shown()),
        "deleted_time": world.written(record.at),
    })
}
