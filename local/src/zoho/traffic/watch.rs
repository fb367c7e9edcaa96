//! `/actions/watch`: which changes the CRM tells of, to whom, until when.

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{
    endpoint::Endpoint,
    pages, reads,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::{call::Call, fields::Module};

const TOKEN: usize = 50;
/// Zoho's clock and ours differ by a little.
const LONGEST: TimeDelta = TimeDelta::seconds(7 * 24 * 3600 + 60);
const GROUPS: usize = 2;

static BODY: Rule = Rule::violation("watch-body", pages::WATCH);
static KEY: Rule = Rule::violation("watch-key", pages::WATCH);
static CHANNEL: Rule = Rule::violation("watch-channel", pages::WATCH);
static EVENTS: Rule = Rule::violation("watch-events", pages::WATCH);
static URL: Rule = Rule::violation("watch-url", pages::WATCH);
static SECRET: Rule = Rule::violation("watch-token", pages::WATCH);
static EXPIRY: Rule = Rule::violation("watch-expiry", pages::WATCH);
static NO_EXPIRY: Rule = Rule::note("watch-of-an-hour", pages::WATCH);
static RELATED: Rule = Rule::violation("watch-related", pages::WATCH);
static CONDITION: Rule = Rule::violation("watch-condition", pages::WATCH);

pub(super) static RULES: &[&Rule] =
    &[&BODY, &KEY, &CHANNEL, &EVENTS, &URL, &SECRET, &EXPIRY, &NO_EXPIRY, &RELATED, &CONDITION];

pub(super) fn check(now: DateTime<Utc>, call: &Call, findings: &mut Findings) {
    if call.method == Method::GET {
        reads::check_pages(call, Endpoint::Watch, findings);
        return;
    }
    if call.method == Method::DELETE {
        let ids = call.list("channel_ids").unwrap_or_default();
        let named = !ids.is_empty() && ids.iter().all(|id| shape::is_id(id));
        findings.hold(named, &CHANNEL, || "channel_ids lists numbers".to_owned());
        return;
    }
    let Some(body) = call.json().and_then(Value::as_object) else { return };
    for key in shape::unknown_keys(body, &["watch"]) {
        findings.add(&BODY, format!("the body has no key {key}"));
    }
    let channels = body.get("watch").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    findings.hold(!channels.is_empty(), &BODY, || "watch lists at least one channel".to_owned());
    for (index, channel) in channels.iter().enumerate() {
        match channel.as_object() {
            Some(channel) => Channel { fields: channel, index, call, now }.check(findings),
            None => findings.add(&BODY, format!("watch[{index}] is an object")),
        }
    }
}

struct Channel<'a> {
    fields: &'a Map<String, Value>,
    index: usize,
    call: &'a Call,
    now: DateTime<Utc>,
}

impl Channel<'_> {
    fn check(&self, findings: &mut Findings) {
        // PATCH changes a part of a channel; the others say all of it.
        let is_whole = self.call.method != Method::PATCH;
        let known = [
            "channel_id",
            "events",
            "channel_expiry",
            "token",
            "notify_url",
            "return_affected_field_values",
            "notify_on_related_action",
            "notification_condition",
            "fields",
        ];
        for key in shape::unknown_keys(self.fields, &known) {
            let known = !is_whole && key == "_delete_events";
            findings.hold(known, &KEY, || format!("{} has no key {key}", self.place()));
        }
        let channel = self.fields.get("channel_id");
        let channel = channel.is_some_and(|id| id.is_u64() || id.as_str().is_some_and(shape::is_id));
        findings.hold(channel, &CHANNEL, || format!("{}.channel_id is a number", self.place()));
        self.check_events(is_whole, findings);
        self.check_address(is_whole, findings);
        self.check_expiry(is_whole, findings);
        self.check_switches(is_whole, findings);
    }

    fn check_events(&self, needed: bool, findings: &mut Findings) {
        let Some(events) = self.fields.get("events") else {
            findings.hold(!needed, &EVENTS, || format!("{}.events is missing", self.place()));
            return;
        };
        let known = |event: &Value| {
            let parts = event.as_str().and_then(|event| event.split_once('.'));
            parts.is_some_and(|(module, what)| {
                module.parse::<Module>().is_ok() && ["create", "edit", "delete", "all"].contains(&what)
            })
        };
        let sound = events.as_array().is_some_and(|events| !events.is_empty() && events.iter().all(known));
        findings.hold(sound, &EVENTS, || format!("{}.events is like Contacts.all, Accounts.edit", self.place()));
    }

    fn check_address(&self, needed: bool, findings: &mut Findings) {
        match self.fields.get("notify_url") {
            None => findings.hold(!needed, &URL, || format!("{}.notify_url is missing", self.place())),
            Some(url) => {
                let url = url.as_str().and_then(|url| url.parse::<url::Url>().ok());
                // A laptop has no certificate.
                let is_own = |url: &url::Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
                let sound = url.is_some_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_own(&url)));
                findings.hold(sound, &URL, || format!("{}.notify_url is an https address", self.place()));
            }
        }
        let token = self.fields.get("token");
        let fits = token.is_none_or(|token| token.as_str().is_some_and(|token| shape::length(token) <= TOKEN));
        findings.hold(fits, &SECRET, || format!("{}.token is text of at most {TOKEN} characters", self.place()));
    }

    fn check_expiry(&self, needed: bool, findings: &mut Findings) {
        let Some(expiry) = self.fields.get("channel_expiry") else {
            findings.hold(!needed, &NO_EXPIRY, || format!("{}.channel_expiry is missing: one hour", self.place()));
            return;
        };
        // One of Zoho's examples says `Z` here, and here alone.
        let text = expiry.as_str().filter(|text| shape::is_time(&text.replace('Z', "+00:00")));
        let time = text.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        findings.hold(time.is_some(), &EXPIRY, || {
            format!("{}.channel_expiry is whole seconds with an offset", self.place())
        });
        let fits = time.is_none_or(|time| time.to_utc() <= self.now + LONGEST);
        findings.hold(fits, &EXPIRY, || format!("{}.channel_expiry is over a week ahead: one hour", self.place()));
    }

    fn check_switches(&self, needed: bool, findings: &mut Findings) {
        // Left out it is true, and changes of related records arrive as if they were the record's own.
        let related = self.fields.get("notify_on_related_action").map_or(!needed, Value::is_boolean);
        findings.hold(related, &RELATED, || format!("{} does not say notify_on_related_action", self.place()));
        let condition = self.fields.get("notification_condition");
        let sound = condition.is_none_or(|condition| {
            condition.as_array().is_some_and(|groups| {
                groups.len() <= GROUPS && groups.iter().all(|group| group["type"] == "field_selection")
            })
        });
        findings.hold(sound, &CONDITION, || {
            format!("{}.notification_condition has at most {GROUPS} field selections", self.place())
        });
    }

    fn place(&self) -> String {
        format!("watch[{}]", self.index)
    }
}
