//! Records as the CRM keeps them, and as it shows them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Options,
    fields::{Kind, Module},
    unique::Index,
    world::World,
};

/// One module's records, deleted ones and tags.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) module: Module,
    /// By id, so oldest first.
    records: BTreeMap<String, Record>,
    pub(super) deleted: Vec<Deleted>,
    /// The tags that this module knows, in the order in which they were made.
    pub(super) tags: Vec<Tag>,
    index: Index,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    /// Values that are not null. A lookup is the other record's id, as text.
    pub(super) fields: Map<String, Value>,
    pub(super) tags: Vec<Tag>,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
    pub(super) created_by: Person,
    pub(super) modified_by: Person,
    /// Whether the API may not touch it.
    pub(super) locked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) color_code: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct Deleted {
    /// As it was.
    pub(super) record: Record,
    pub(super) name: String,
    /// Who deleted it.
    pub(super) by: Person,
    pub(super) at: DateTime<Utc>,
    /// Whether it never lay in the recycle bin.
    pub(super) for_good: bool,
}

/// A user of the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Person {
    name: &'static str,
    id: &'static str,
}

/// Whose refresh token our client has.
pub(super) const INTEGRATION: Person = Person { name: "ISO Integration", id: "4150868000000225013" };
/// Who edits by `POST /_control/edit`.
pub(super) const SALESPERSON: Person = Person { name: "Robin Sales", id: "4150868000000225027" };

impl Table {
    pub(super) fn new(module: Module) -> Self {
        Self { module, records: BTreeMap::new(), deleted: Vec::new(), tags: Vec::new(), index: Index::default() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// All records, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    /// Puts a record in place of what stood under its id.
    pub(super) fn put(&mut self, record: Record, options: &Options) {
        let indexed = || indexed(self.module, options);
        if let Some(old) = self.records.get(&record.id) {
            self.index.remove(&old.id, &old.fields, indexed());
        }
        self.index.insert(&record.id, &record.fields, indexed());
        self.records.insert(record.id.clone(), record);
    }

    pub(super) fn remove(&mut self, id: &str, options: &Options) -> Option<Record> {
        let record = self.records.remove(id)?;
        self.index.remove(id, &record.fields, indexed(self.module, options));
        Some(record)
    }

    /// The oldest record other than `except` with this value in a field by which duplicates are found.
    pub(super) fn find(&self, field: &str, value: &str, except: Option<&str>) -> Option<&Record> {
        let id = self.index.find(field, value).find(|id| Some(*id) != except)?;
        self.records.get(id)
    }
}

/// The fields that are indexed: those by which duplicates can be found.
fn indexed(module: Module, options: &Options) -> impl Iterator<Item = &str> {
    let phone = (module == Module::Contacts).then_some("Phone");
    [module.duplicate_field(), module.key(options)].into_iter().chain(phone)
}

impl Record {
    /// What lists show of a record instead of its fields.
    pub(super) fn display_name(&self, module: Module) -> String {
        match module {
            Module::Accounts => self.text("Account_Name").unwrap_or_default().to_owned(),
            Module::Contacts => {
                [self.text("First_Name"), self.text("Last_Name")].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }
}

impl Person {
    pub(super) fn shown(self) -> Value {
        json!({ "name": self.name, "id": self.id })
    }
}

/// One field as the REST calls show it; null when it is blank.
pub(super) fn shown_field(world: &World, module: Module, record: &Record, field: &str) -> Value {
    let stored = || record.fields.get(field).cloned().unwrap_or_default();
    match (field, module.kind(field, &world.options)) {
        ("id", _) => record.id.clone().into(),
        ("Full_Name", _) => record.display_name(module).into(),
        ("Created_Time", _) => world.written(record.created).into(),
        ("Modified_Time", _) => world.written(record.modified).into(),
        ("Created_By" | "Owner", _) => record.created_by.shown(),
        ("Modified_By", _) => record.modified_by.shown(),
        ("Tag", _) => json!(record.tags),
        (_, Some(Kind::Lookup(target))) => shown_lookup(world, target, &stored()),
        _ => stored(),
    }
}

/// A record with all of its fields, blank ones as null.
pub(super) fn shown(world: &World, module: Module, record: &Record) -> Value {
    let standard = module.standard().map(|(name, _)| name).chain([module.key(&world.options)]);
    let custom = record.fields.keys().map(String::as_str);
    let fields = standard.chain(custom).map(|name| (name.to_owned(), shown_field(world, module, record, name)));
    Value::Object(fields.collect())
}

fn shown_lookup(world: &World, target: Module, id: &Value) -> Value {
    match id.as_str().and_then(|id| world.table(target).get(id)) {
        Some(other) => json!({ "name": other.display_name(target), "id": other.id }),
        None => Value::Null,
    }
}
