//! What admins see of kinds of work, sources and endpoints.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use shared::db::operations::{EndpointState, EndpointStatus};
use shared::db::tasks::Backlog;
use shared::deliveries::{self, Endpoints};
use shared::domain::HostName;
use shared::entries::WrongEntry;
use shared::webhooks;

#[derive(Serialize)]
pub(crate) struct Work {
    kind: String,
    waiting: i64,
    failed: i64,
    oldest_seconds: i64,
    /// A moment, or `infinity`.
    paused_until: Option<String>,
    reason: Option<String>,
}

impl From<Backlog> for Work {
    fn from(backlog: Backlog) -> Self {
        let until = |until: Option<DateTime<Utc>>| {
            until.map_or_else(|| "infinity".to_owned(), |until| until.to_rfc3339_opts(SecondsFormat::Millis, true))
        };
        Self {
            kind: backlog.kind,
            waiting: backlog.waiting,
            failed: backlog.failed,
            oldest_seconds: backlog.oldest_seconds,
            paused_until: backlog.pause.as_ref().map(|pause| until(pause.until)),
            reason: backlog.pause.map(|pause| pause.reason),
        }
    }
}

/// Who may push events in. Keys are counted and never shown.
#[derive(Serialize)]
pub(crate) struct Source<'a> {
    name: &'a HostName,
    scheme: &'static str,
    events: Vec<&'static str>,
    hosts: &'a [HostName],
    keys: usize,
    test_token: Option<&'a str>,
    last_event_at: Option<DateTime<Utc>>,
}

impl<'a> Source<'a> {
    pub(crate) fn of(source: &'a webhooks::Source, last_event_at: Option<DateTime<Utc>>) -> Self {
        Self {
            name: &source.name,
            scheme: source.scheme(),
            events: source.events().iter().map(|event| event.as_str()).collect(),
            hosts: source.hosts(),
            keys: source.active_keys(),
            test_token: source.test_token(),
            last_event_at,
        }
    }
}

/// Who is told of our events.
#[derive(Serialize)]
pub(crate) struct Endpoint {
    name: String,
    /// Scheme and host alone, since the path is a credential.
    origin: Option<String>,
    events: Vec<String>,
    keys: usize,
    state: &'static str,
    reason: Option<String>,
    paused_until: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    last_success_at: Option<DateTime<Utc>>,
    pending: i64,
    failed: i64,
}

impl Endpoint {
    /// An endpoint of the table, with what only the secret knows of it.
    pub(crate) fn of(endpoint: EndpointStatus, registered: &Endpoints) -> Self {
        let known = registered.named(&endpoint.name);
        let left_out = registered.left_out(&endpoint.name).map(str::to_owned);
        let (state, reason, paused_until) = match endpoint.state {
            EndpointState::Active | EndpointState::Slowed { .. } if left_out.is_some() => ("left-out", left_out, None),
            EndpointState::Active => ("active", None, None),
            EndpointState::Slowed { until } => ("slowed", Some(SPARED.to_owned()), Some(until)),
            EndpointState::Disabled { reason } => ("disabled", Some(reason), None),
            EndpointState::Removed => ("removed", None, None),
        };
        Self {
            name: endpoint.name,
            origin: known.map(deliveries::Endpoint::origin),
            events: endpoint.events,
            keys: known.map_or(0, deliveries::Endpoint::number_of_keys),
            state,
            reason,
            paused_until,
            failing_since: endpoint.failing_since,
            last_success_at: endpoint.last_success_at,
            pending: endpoint.pending,
            failed: endpoint.failed,
        }
    }
}

const SPARED: &str = "It asked to be spared (429, 502, 503 or 504), or did not answer.";

/// What is left out of a secret, or the secret as a whole.
#[derive(Clone, Serialize)]
pub(crate) struct Wrong {
    secret: &'static str,
    /// Of the entry; none where the secret as a whole cannot be used.
    name: Option<String>,
    problem: String,
}

pub(crate) fn wrong(secret: &'static str, as_a_whole: Option<String>, entries: &[WrongEntry]) -> Vec<Wrong> {
    let as_a_whole = as_a_whole.map(|problem| Wrong { secret, name: None, problem });
    let entries = entries.iter().map(|entry| Wrong {
        secret,
        name: Some(entry.shown_name()),
        problem: entry.problem().to_owned(),
    });
    as_a_whole.into_iter().chain(entries).collect()
}
