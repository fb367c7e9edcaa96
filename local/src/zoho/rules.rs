//! What the customer's own workflows make of a record that is written: the setting `field_rules`.

use super::{fields::Module, records::Record, settings::Settings};

/// Sets the fields that a workflow always sets. Simplified: in the same step, and also where a write asks for no
/// workflow, since a rule may as well stand for another product that keeps setting the field.
pub(super) fn apply(settings: &Settings, module: Module, record: &mut Record) {
    for rule in settings.field_rules.iter().filter(|rule| rule.module == module.name()) {
        if rule.always.is_null() {
            record.fields.remove(&rule.field);
        } else {
            record.fields.insert(rule.field.clone(), rule.always.clone());
        }
    }
}
