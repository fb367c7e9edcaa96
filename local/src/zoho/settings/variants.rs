//! The switches that have names instead of numbers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What becomes of notifications that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::zoho) enum Notifications {
    /// Sent at once, in the background.
    Deliver,
    /// Kept until `POST /_control/notifications` says what becomes of them.
    Hold,
    /// Lost.
    Drop,
}

/// What the field `Tag` of a write does to the tags that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::zoho) enum TagField {
    Replace,
    Add,
}

/// How a quote is written between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::zoho) enum CoqlEscape {
    /// By a second one; a backslash is a character like any other.
    Double,
    /// By a backslash, which escapes itself too.
    Backslash,
}

/// What is done to the spelling of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::zoho) enum EmailCase {
    Keep,
    Lower,
}

/// A workflow of the CRM that sets a field to the same value after every write, whoever wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::zoho) struct FieldRule {
    pub(in crate::zoho) module: String,
    pub(in crate::zoho) field: String,
    /// As it is stored: null clears the field, a lookup is the other record's id.
    pub(in crate::zoho) always: Value,
}
