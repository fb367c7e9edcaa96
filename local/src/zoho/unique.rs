//! Finds records by the value of a field by which duplicates are looked up, without regard to case.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

/// Ids by field and value.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<(String, String), BTreeSet<String>>);

impl Index {
    /// Notes the values of these fields.
    pub(super) fn insert<'a>(&mut self, id: &str, fields: &Map<String, Value>, indexed: impl Iterator<Item = &'a str>) {
        for name in indexed {
            if let Some(text) = fields.get(name).and_then(Value::as_str) {
                self.0.entry((name.to_owned(), text.to_lowercase())).or_default().insert(id.to_owned());
            }
        }
    }

    /// Forgets what [`Index::insert`] noted for the same arguments.
    pub(super) fn remove<'a>(&mut self, id: &str, fields: &Map<String, Value>, indexed: impl Iterator<Item = &'a str>) {
        for name in indexed {
            let Some(text) = fields.get(name).and_then(Value::as_str) else { continue };
            let key = (name.to_owned(), text.to_lowercase());
            if let Some(ids) = self.0.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.0.remove(&key);
                }
            }
        }
    }

    /// Ids with this value, oldest record first.
    pub(super) fn find(&self, field: &str, value: &str) -> impl Iterator<Item = &str> {
        self.0.get(&(field.to_owned(), value.to_lowercase())).into_iter().flatten().map(String::as_str)
    }
}
