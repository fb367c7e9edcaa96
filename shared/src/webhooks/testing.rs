//! What the tests of this module have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::headers::Headers;
use super::{Source, Sources, SourcesSettings};
use crate::config::ConfigError;

impl Headers for BTreeMap<&str, &str> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(|value| value.as_bytes())
    }
}

pub(super) fn sources(settings: Value) -> Result<Sources, String> {
    let settings: SourcesSettings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    settings.try_into().map_err(|error: ConfigError| error.to_string())
}

/// A source of these settings, which are right.
pub(super) fn source(settings: &Value) -> Arc<Source> {
    Arc::clone(sources(json!({ "photoday": settings })).unwrap().named("photoday").unwrap())
}

/// Why a source of these settings is refused.
pub(super) fn refused(settings: &Value) -> String {
    sources(json!({ "photoday": settings })).unwrap_err()
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
