//! What was asked of the simulator, for tests that want to know the conversation: no header, no secret.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{call::Call, operation::Operation};

/// Older requests are forgotten, so that a stack can run for days.
const KEPT: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct RequestLog {
    entries: VecDeque<Entry>,
    last_number: u64,
}

#[derive(Debug, Serialize)]
struct Entry {
    number: u64,
    operation: Operation,
    method: String,
    path: String,
    body: Value,
    /// Arrival, milliseconds since 1970.
    time: i64,
    /// True while a fault holds it.
    held: bool,
    /// `null` while it is under way, and for good when the client left or the connection was cut.
    status: Option<u16>,
}

impl RequestLog {
    /// Notes a request and gives its number.
    pub(super) fn note(&mut self, call: &Call, now: DateTime<Utc>) -> u64 {
        self.last_number += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            number: self.last_number,
            operation: call.operation,
            method: call.method.to_string(),
            path: call.path_without_secrets(),
            body: call.body_without_secrets(),
            time: now.timestamp_millis(),
            held: false,
            status: None,
        });
        self.last_number
    }

    pub(super) fn set_held(&mut self, number: u64, held: bool) {
        if let Some(entry) = self.find(number) {
            entry.held = held;
        }
    }

    pub(super) fn set_status(&mut self, number: u64, status: u16) {
        if let Some(entry) = self.find(number) {
            entry.status = Some(status);
        }
    }

    /// An empty log that gives no number twice, since requests under way still hold theirs.
    pub(super) fn forget(self) -> Self {
        Self { entries: VecDeque::new(), last_number: self.last_number }
    }

    pub(super) fn listed(&self) -> Value {
        serde_json::json!({ "requests": self.entries })
    }

    fn find(&mut self, number: u64) -> Option<&mut Entry> {
        let position = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get_mut(position)
    }
}
