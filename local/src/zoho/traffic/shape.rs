//! How Zoho writes ids, times and addresses, and what several rules ask of JSON.

use serde_json::{Map, Value};

/// Digits; 15 to 19 of them in practice, which nobody promises.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2024-01-15T15:26:49+05:30`: whole seconds, a numeric offset, never `Z`.
pub(super) fn is_time(text: &str) -> bool {
    text.len() == "2024-01-15T15:26:49+05:30".len()
        && text.as_bytes().get(10) == Some(&b'T')
        && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

/// One `@`, no blanks, a dot behind it: what Zoho certainly asks of an address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !text.contains(char::is_whitespace)
        && !local.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
}

/// The keys of an object that are not among these.
pub(super) fn unknown_keys<'a>(object: &'a Map<String, Value>, known: &[&str]) -> Vec<&'a str> {
    object.keys().map(String::as_str).filter(|key| !known.contains(key)).collect()
}

/// The number of characters, not bytes.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}
