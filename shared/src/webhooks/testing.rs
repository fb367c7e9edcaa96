//! What the tests of this module have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::headers::Headers;
use super::{Source, Sources};

impl Headers for BTreeMap<&str, &str> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(|value| value.as_bytes())
    }
}

/// The sources of these settings; what is wrong with any of them is an error.
pub(super) fn sources(settings: &Value) -> Result<Sources, String> {
    let sources = Sources::of(serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?);
    let wrong: Vec<String> = sources.wrong().iter().map(ToString::to_string).collect();
    if wrong.is_empty() { Ok(sources) } else { Err(wrong.join("\n")) }
}

/// A source of these settings, which are right.
pub(super) fn source(settings: &Value) -> Arc<Source> {
    Arc::clone(sources(&json!({ "photoday": settings })).unwrap().named("photoday").unwrap())
}

/// Why a source of these settings is refused.
pub(super) fn refused(settings: &Value) -> String {
    sources(&json!({ "photoday": settings })).unwrap_err()
}

pub(super) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// The event's id, or the refusal.
pub(super) fn verified(
    source: &Arc<Source>,
    headers: &BTreeMap<&str, &str>,
    body: &[u8],
    second: i64,
) -> Result<Option<String>, String> {
    let verified = source.verify(headers, body, at(second));
    verified
        .map(|webhook| webhook.event_id.map(|id| id.as_str().to_owned()))
        .map_err(|error| error.to_string().replace("unauthenticated: ", ""))
}
