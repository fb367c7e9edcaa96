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

/// How a whole call is told that all its records are too new for `If-Unmodified-Since`. Always an HTTP 412.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::zoho) enum AlreadyModified {
    /// `data[]` has an error for each record.
    PerRecord,
    /// `data[]` has one for all of them.
    First,
    /// The error stands alone.
    Bare,
}

/// What accounts calls the secret of another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::zoho) enum WrongSecret {
    /// The same as a client that it does not know.
    InvalidClient,
    InvalidClientSecret,
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
