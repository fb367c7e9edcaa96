//! The adapter for a source that speaks its own language: settings that turn its JSON into our envelope, so that a
//! gallery host or a parser of e-mails needs no code here.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::kind::EventKind;
use super::pointer::Pointer;
use super::refusal::malformed;
use super::timestamp;
use crate::domain::{FieldCode, Form, Invalid};
use crate::error::Error;

/// Where each part of an event stands in a source's own body:
/// ```json
/// {"type":{"pointer":"/status","values":{"Published":"gallery.published","Archived":"gallery.archived"}},
///  "timestamp":"/changed_at",
///  "data":{"external_host_id":"/job/id","public_url":"/job/link","host":{"constant":"photoday"}}}
/// ```
/// A sender that only ever says one thing has `"type":{"constant":"gallery.published"}`. Without `timestamp` an event
/// has happened when it came.
#[derive(Debug)]
pub(super) struct Mapping {
    kind: KindOf,
    timestamp: Option<Pointer>,
    data: Vec<(&'static str, Part)>,
}

#[derive(Debug)]
enum KindOf {
    Constant(EventKind),
    /// A value that is not listed has no meaning here.
    Value {
        at: Pointer,
        meanings: BTreeMap<String, EventKind>,
    },
}

#[derive(Debug)]
enum Part {
    Constant(String),
    At(Pointer),
}

/// The fields of `data` in our envelope.
const FIELDS: [&str; 10] = [
    "host",
    "external_host_id",
    "public_url",
    "order_id",
    "booking_id",
    "buyer_email",
    "total",
    "currency",
    "user_id",
    "zoho_contact_id",
];

impl Mapping {
    /// Reads a source's settings; `allowed` is what it may send.
    pub(super) fn read(form: &mut Form<'_>, allowed: &[EventKind]) -> Option<Self> {
        let kind = form.object("type", |form| KindOf::read(form, allowed));
        if kind.is_none() {
            let message = "must say which event it is, by a pointer and its values or by a constant";
            form.reject::<()>("type", FieldCode::Required, message);
        }
        let timestamp = form.optional("timestamp");
        let data = form.object("data", |form| {
            let parts = FIELDS.iter().filter_map(|field| Part::read(form, field).map(|part| (*field, part)));
            Some(parts.collect())
        });
        Some(Self { kind: kind?, timestamp, data: data.unwrap_or_default() })
    }

    /// Our envelope, made of a source's body; none where the body says something that has no meaning here.
    ///
    /// # Errors
    /// `malformed`, 400: a part has a shape that cannot be read, or the time is not where it should be.
    pub(super) fn apply(&self, body: &Value, arrived: DateTime<Utc>) -> Result<Option<Value>, Error> {
        if !body.is_object() {
            return Err(malformed("The body must be a JSON object."));
        }
        let Some(kind) = self.kind.of(body) else { return Ok(None) };
        let timestamp = match &self.timestamp {
            None => arrived,
            Some(pointer) => pointer.of(body).and_then(timestamp::of_event).ok_or_else(|| {
                let place = pointer.as_str();
                malformed(format!("The time at {place} must be RFC 3339, or seconds or milliseconds since 1970."))
            })?,
        };
        let mut data = Map::new();
        for (field, part) in &self.data {
            match part.of(body) {
                Ok(value) => drop(value.map(|value| data.insert((*field).to_owned(), value))),
                Err(problem) if kind.reads(field) => return Err(problem),
                // One mapping serves all events of a source, and this one does not say what it has there.
                Err(_) => {}
            }
        }
        let timestamp = timestamp.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Ok(Some(json!({ "type": kind.as_str(), "timestamp": timestamp, "data": data })))
    }

    /// Where the body says what happened, if it does not always say the same.
    pub(super) fn place_of_kind(&self) -> Option<&str> {
        match &self.kind {
            KindOf::Constant(_) => None,
            KindOf::Value { at, .. } => Some(at.as_str()),
        }
    }
}

impl KindOf {
    fn read(form: &mut Form<'_>, allowed: &[EventKind]) -> Option<Self> {
        let known = |name: &str| {
            let kind = serde_json::from_value(Value::from(name)).ok();
            kind.filter(|kind| allowed.contains(kind))
        };
        if let Some(constant) = form.optional::<String>("constant") {
            let kind = known(&constant);
            return kind.map(Self::Constant).or_else(|| form.reject_as("constant", NOT_ALLOWED));
        }
        let at = form.required("pointer");
        let values = form.any_object("values", 16 * 1024);
        let values = values.as_ref().and_then(Value::as_object).filter(|values| !values.is_empty());
        let Some(values) = values else {
            return form.reject("values", FieldCode::Required, "must give at least one value a meaning");
        };
        let mut meanings = BTreeMap::new();
        for (value, name) in values {
            match name.as_str().and_then(known) {
                Some(kind) => drop(meanings.insert(value.clone(), kind)),
                None => form.reject_as("values", NOT_ALLOWED)?,
            }
        }
        Some(Self::Value { at: at?, meanings })
    }

    fn of(&self, body: &Value) -> Option<EventKind> {
        match self {
            Self::Constant(kind) => Some(*kind),
            Self::Value { at, meanings } => {
                let value = match at.of(body)? {
                    Value::String(text) => text.trim().to_owned(),
                    other => other.to_string(),
                };
                meanings.get(&value).copied()
            }
        }
    }
}

const NOT_ALLOWED: Invalid = Invalid::constant(
    FieldCode::UnknownValue,
    "must be an event of our envelope that this source may send: see its events",
);

impl Part {
    /// A pointer, or `{"constant":"…"}`.
    fn read(form: &mut Form<'_>, field: &'static str) -> Option<Self> {
        match form.text_or_object(field, |form| form.required::<String>("constant"))? {
            Ok(text) => match text.parse() {
                Ok(pointer) => Some(Self::At(pointer)),
                Err(problem) => form.reject_as(field, problem),
            },
            Err(constant) => Some(Self::Constant(constant)),
        }
    }

    fn of(&self, body: &Value) -> Result<Option<Value>, Error> {
        let pointer = match self {
            Self::Constant(text) => return Ok(Some(text.clone().into())),
            Self::At(pointer) => pointer,
        };
        match pointer.of(body) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().into())),
            // Whoever reads the field knows whether a number will do.
            Some(Value::Number(number)) => Ok(Some(number.clone().into())),
            Some(_) => Err(malformed(format!("What stands at {} must be text or a number.", pointer.as_str()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, refused, source};
    use super::*;

    fn settings(mapping: &Value) -> Value {
        json!({"scheme": "token", "keys": ["sixteen letters!"], "mapping": mapping,
            "events": ["gallery.published", "gallery.archived", "order.created"]})
    }

    fn mapped(mapping: &Value, body: &Value) -> Result<Option<Value>, String> {
        let source = source(&settings(mapping));
        source.mapping.as_ref().unwrap().apply(body, at(1_790_000_000)).map_err(|error| error.to_string())
    }

    fn by_status() -> Value {
        json!({
            "type": {"pointer": "/status", "values": {"Published": "gallery.published", "Selling": "gallery.published",
                "3": "gallery.archived"}},
            "timestamp": "/changed_at",
            "data": {"external_host_id": "/job/id", "public_url": "/job/link", "host": {"constant": "photoday"}},
        })
    }

    #[test]
    fn a_hosts_own_body_becomes_our_envelope() {
        let body = json!({"status": "Selling", "changed_at": "2026-11-22T15:00:00+01:00", "parent": "Sheree",
            "job": {"id": 20931, "link": " https://photos.example/1 "}});

        let envelope = mapped(&by_status(), &body).unwrap().unwrap();

        assert_eq!(
            envelope,
            json!({"type": "gallery.published", "timestamp": "2026-11-22T14:00:00Z", "data": {
                "host": "photoday", "external_host_id": 20931, "public_url": "https://photos.example/1"}})
        );
    }

    #[test]
    fn a_value_without_a_meaning_is_no_event() {
        for status in [json!("Draft"), json!(4), Value::Null, json!(["Selling"])] {
            assert_eq!(mapped(&by_status(), &json!({"status": status})), Ok(None));
        }
        assert!(mapped(&by_status(), &json!([])).is_err());
    }

    #[test]
    fn a_time_is_written_in_many_ways() {
        let time = |value: Value| {
            let body = json!({"status": 3, "changed_at": value});
            mapped(&by_status(), &body).map(|envelope| envelope.unwrap()["timestamp"].clone())
        };

        for value in [
            json!(1_790_000_000),
            json!(1_790_000_000.0),
            json!(1_790_000_000_000_u64),
            json!("1790000000"),
            json!(" 1790000000000 "),
        ] {
            assert_eq!(time(value), Ok(json!("2026-09-21T14:13:20Z")));
        }
        for wrong in [Value::Null, json!("yesterday"), json!(-1.5), json!(true), json!(u64::MAX)] {
            assert!(time(wrong).unwrap_err().contains("The time at /changed_at must be"));
        }
    }

    #[test]
    fn a_sender_that_says_one_thing_needs_neither_a_value_nor_a_time() {
        let mapping = json!({"type": {"constant": "gallery.published"}, "data": {"external_host_id": "/subject"}});

        let envelope = mapped(&mapping, &json!({"subject": "PD-1"})).unwrap().unwrap();

        assert_eq!(
            envelope,
            json!({"type": "gallery.published", "timestamp": "2026-09-21T14:13:20Z", "data": {"external_host_id": "PD-1"}})
        );
        let wrong = mapped(&mapping, &json!({"subject": {"id": 1}})).unwrap_err();
        assert_eq!(wrong, "malformed: What stands at /subject must be text or a number.");
    }

    #[test]
    fn every_field_of_an_order_can_be_mapped() {
        let mapping = json!({"type": {"constant": "order.created"}, "data": {"order_id": "/n", "buyer_email": "/by",
            "total": "/sum", "currency": {"constant": "USD"}}});

        let envelope = mapped(&mapping, &json!({"n": 7, "by": "sheree@example.com", "sum": 48.5})).unwrap().unwrap();

        let data = json!({"order_id": 7, "buyer_email": "sheree@example.com", "total": 48.5, "currency": "USD"});
        assert_eq!(envelope["data"], data);
    }

    #[test]
    fn what_an_event_does_not_need_may_have_any_shape() {
        let mut mapping = by_status();
        mapping["data"]["order_id"] = json!("/order");
        mapping["data"]["total"] = json!("/sum");
        let body = json!({"status": 3, "changed_at": 1_790_000_000, "job": {"id": 1, "link": false}, "order": [7],
            "sum": {"usd": 1}});
        let mut selling = body.clone();
        selling["status"] = json!("Selling");

        let archived = mapped(&mapping, &body).unwrap().unwrap();
        let published = mapped(&mapping, &selling);

        assert_eq!(archived["data"], json!({"host": "photoday", "external_host_id": 1}));
        assert_eq!(published, Err("malformed: What stands at /job/link must be text or a number.".to_owned()));
    }

    #[test]
    fn a_wrong_mapping_is_refused_at_the_start() {
        let change = |pointer: &str, value: Value| {
            let mut mapping = by_status();
            *mapping.pointer_mut(pointer).unwrap() = value;
            refused(&settings(&mapping))
        };

        for (problem, told) in [
            (change("/type", json!({"pointer": "/status"})), "/mapping/type/values must give"),
            (change("/type/pointer", json!("status")), "/mapping/type/pointer must be a JSON pointer"),
            (change("/type/values/Selling", json!("gallery.sold")), "/mapping/type/values must be an event"),
            (change("/type/values/Selling", json!("booking.created")), "/mapping/type/values must be an event"),
            (change("/type", json!({"constant": "email.receipt"})), "/mapping/type/constant must be an event"),
            (change("/type", Value::Null), "/mapping/type must say"),
            (change("/timestamp", json!("at")), "/mapping/timestamp must be a JSON pointer"),
            (change("/data/host", json!({"const": "x"})), "/mapping/data/host/constant is required"),
            (change("/data/host", json!(7)), "/mapping/data/host must be a JSON object"),
            (change("/data", json!({"job": "/id"})), "/mapping/data/job is not a field"),
        ] {
            assert!(problem.contains(told), "{told}: {problem}");
        }
    }
}
