//! What a step changed in the CRM's records, written down where a record is stored, so that notifications can follow.

use serde_json::{Map, Value};

use super::{
    fields::Module,
    records::{Record, shown_field},
    world::World,
};

/// One record that was made, changed or deleted.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) module: Module,
    pub(super) operation: Operation,
    pub(super) id: String,
    /// The fields of an update that have another value now, with that value; `Tag` is one of them.
    pub(super) fields: Map<String, Value>,
}

/// As notifications call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Update,
    Delete,
}

impl World {
    /// Stores a record and notes what that changed.
    pub(super) fn put(&mut self, module: Module, record: &Record) {
        let (operation, names) = match self.table(module).get(&record.id) {
            None => (Operation::Insert, Vec::new()),
            Some(old) => (Operation::Update, differing(old, record)),
        };
        let id = record.id.clone();
        self.put_silently(module, record.clone());
        let shown = |name: String| {
            let value = shown_field(self, module, record, &name);
            (name, value)
        };
        let fields = names.into_iter().map(shown).collect();
        self.changes.push(Change { module, operation, id, fields });
    }

    /// Stores a record; nobody hears of it.
    pub(super) fn put_silently(&mut self, module: Module, record: Record) {
        let Self { contacts, accounts, options, .. } = self;
        let table = match module {
            Module::Contacts => contacts,
            Module::Accounts => accounts,
        };
        table.put(record, options);
    }

    /// Takes a record out of its module and notes that.
    pub(super) fn remove(&mut self, module: Module, id: &str) -> Option<Record> {
        let Self { contacts, accounts, options, changes, .. } = self;
        let table = match module {
            Module::Contacts => contacts,
            Module::Accounts => accounts,
        };
        let record = table.remove(id, options)?;
        changes.push(Change { module, operation: Operation::Delete, id: id.to_owned(), fields: Map::new() });
        Some(record)
    }
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

fn differing(old: &Record, new: &Record) -> Vec<String> {
    let mut names: Vec<String> = old.fields.keys().chain(new.fields.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| old.fields.get(name) != new.fields.get(name));
    if old.tags != new.tags {
        names.push("Tag".to_owned());
    }
    names
}
