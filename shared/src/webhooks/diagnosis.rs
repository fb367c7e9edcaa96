//! What is right and wrong about a request, for the integrator who has a source's test token. It is verified and read
//! as the real one would be, and nothing else happens. What people tell about themselves is not repeated.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::event::{Incoming, KeptEvent, Told};
use super::headers::Headers;
use super::kind::EventKind;
use super::scheme::Scheme;
use super::sources::Source;
use super::standard;
use super::timestamp::{self, FIRST_MILLISECONDS};
use super::verify::VerifiedWebhook;
use super::{MOST_BYTES, guess};
use crate::domain::event::EventSubject;
use crate::error::Error;

/// The whole finding.
#[derive(Debug, Serialize)]
pub struct Report {
    source: String,
    scheme: &'static str,
    accepted: bool,
    checks: Vec<Check>,
    event: Option<Seen>,
}

#[derive(Debug, Serialize)]
struct Check {
    #[serde(rename = "check")]
    step: Step,
    result: Outcome,
    /// What to do, or what was found.
    detail: String,
}

/// In the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Size,
    Signature,
    Timestamp,
    Envelope,
    EventAllowed,
    Data,
}

const STEPS: [Step; 6] = [Step::Size, Step::Signature, Step::Timestamp, Step::Envelope, Step::EventAllowed, Step::Data];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// What the request says.
#[derive(Debug, Serialize)]
struct Seen {
    r#type: EventKind,
    subject: String,
    event_id: Option<String>,
}

impl Source {
    /// Verifies and reads a request as the door does, and says how far it comes.
    pub fn diagnose(self: &Arc<Self>, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) -> Report {
        let mut report = Report {
            source: self.name.as_str().to_owned(),
            scheme: self.scheme(),
            accepted: false,
            checks: Vec::new(),
            event: None,
        };
        report.look(self, headers, body, now);
        report.accepted = report.checks.iter().all(|check| check.result != Outcome::Failed);
        for step in &STEPS[report.checks.len()..] {
            report.checks.push(Check {
                step: *step,
                result: Outcome::Skipped,
                detail: "Not looked at: it comes after the others.".to_owned(),
            });
        }
        report
    }
}

impl Report {
    /// Whether the real door would take the request.
    pub fn accepted(&self) -> bool {
        self.accepted
    }

    fn look(&mut self, source: &Arc<Source>, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) {
        let size = format!("The body has {} of at most {MOST_BYTES} bytes.", body.len());
        if body.len() > MOST_BYTES {
            return self.note(Outcome::Failed, size);
        }
        self.note(Outcome::Passed, size);
        let (sent, time) = signed_time(source, headers, now);
        match source.verify(headers, body, now) {
            Ok(webhook) => {
                self.note(Outcome::Passed, "The sender is proven.");
                self.note(sent, time);
                self.read(&webhook, now);
            }
            Err(Error::Malformed { detail }) => {
                self.note(Outcome::Passed, "The sender is proven.");
                self.note(sent, time);
                self.note(Outcome::Failed, detail);
            }
            Err(Error::Unauthenticated { code: "stale-timestamp", .. }) => {
                self.note(Outcome::Passed, "The sender is proven.");
                self.note(Outcome::Failed, time);
            }
            Err(_) => {
                self.note(Outcome::Failed, guess::guess(&source.scheme, headers, body));
                self.note(sent, time);
            }
        }
    }

    fn read(&mut self, webhook: &VerifiedWebhook<'_>, now: DateTime<Utc>) {
        let told = match webhook.told(now) {
            Ok(told) => told,
            Err(error) => return self.note(Outcome::Failed, sentence(&error)),
        };
        if matches!(told, Told::Nothing) {
            let place = webhook.source.mapping.as_ref().and_then(|mapping| mapping.place_of_kind()).unwrap_or("/type");
            return self.note(
                Outcome::Passed,
                format!(
                    "What stands at {place} has no meaning here: the request is answered with 200 and changes nothing."
                ),
            );
        }
        self.note(Outcome::Passed, "The body can be read.");
        match webhook.understand(told) {
            Ok(incoming) => {
                self.note(Outcome::Passed, "This source may send this event.");
                self.note(Outcome::Passed, "All that is needed is there.");
                self.event = seen(incoming);
            }
            Err(error @ Error::Forbidden { .. }) => self.note(Outcome::Failed, sentence(&error)),
            Err(error) => {
                self.note(Outcome::Passed, "This source may send this event.");
                self.note(Outcome::Failed, sentence(&error));
            }
        }
    }

    /// The outcome of the next step.
    fn note(&mut self, result: Outcome, detail: impl Into<String>) {
        let step = STEPS[self.checks.len().min(STEPS.len() - 1)];
        self.checks.push(Check { step, result, detail: detail.into() });
    }
}

/// What the time that is signed says by itself.
fn signed_time(source: &Source, headers: &dyn Headers, now: DateTime<Utc>) -> (Outcome, String) {
    let (header, with_milliseconds) = match &source.scheme {
        Scheme::Standard(_) => (standard::TIMESTAMP, false),
        Scheme::Hmac(hmac) => match &hmac.timestamp_header {
            Some(header) => (&**header, true),
            None => return (Outcome::Skipped, "No time is signed here.".to_owned()),
        },
        Scheme::Token(_) => return (Outcome::Skipped, "No time is signed here.".to_owned()),
    };
    let Some(text) = headers.trimmed(header) else {
        return (Outcome::Failed, format!("{header} is missing among the headers."));
    };
    match timestamp::seconds_or_milliseconds(text) {
        None => (Outcome::Failed, format!("{header} must be the seconds since 1970, in digits alone.")),
        Some(sent) if !with_milliseconds && sent.timestamp_millis() != millis_of_seconds(text) => {
            (Outcome::Failed, format!("{header} counts milliseconds: send seconds."))
        }
        Some(sent) => {
            let off = (now - sent).num_seconds();
            let direction = if off < 0 { "ahead of" } else { "behind" };
            let detail = format!("The time that is signed is {} s {direction} ours; 300 s are allowed.", off.abs());
            (if timestamp::fresh(Some(sent), now).is_ok() { Outcome::Passed } else { Outcome::Failed }, detail)
        }
    }
}

/// What the number is in milliseconds if it counts seconds.
fn millis_of_seconds(text: &[u8]) -> i64 {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    number.filter(|number| *number < FIRST_MILLISECONDS).map_or(-1, |number| number * 1000)
}

fn sentence(error: &Error) -> String {
    match error {
        Error::Malformed { detail } => detail.clone(),
        Error::Forbidden { detail, .. } => (*detail).to_owned(),
        other => other.to_string(),
    }
}

fn seen(incoming: Incoming) -> Option<Seen> {
    match incoming {
        Incoming::Event(KeptEvent { kind, event_id, subject, .. }) => {
            let subject = match subject {
                EventSubject::Gallery(gallery) => {
                    format!("gallery {}/{}", gallery.host.as_str(), gallery.external_host_id.as_str())
                }
                EventSubject::Buyer(_) => "a buyer, by an e-mail address".to_owned(),
                EventSubject::User(user) => format!("user {user}"),
            };
            Some(Seen { r#type: kind, subject, event_id: Some(event_id.as_str().to_owned()) })
        }
        Incoming::Receipts(receipts) => Some(Seen {
            r#type: EventKind::EmailReceipt,
            subject: format!("{} e-mails of ours", receipts.len()),
            event_id: None,
        }),
        Incoming::RecordsChanged(records) => {
            let subject = format!("{} records of Contacts or Accounts", records.len());
            Some(Seen { r#type: EventKind::CrmRecordsChanged, subject, event_id: None })
        }
        Incoming::Ignored => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_lc_rs::hmac;
    use base64::Engine;
    use serde_json::{Value, json};

    use super::super::testing::{at, source};
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn report(body: &str, timestamp: i64) -> Value {
        report_with(body, timestamp, &timestamp.to_string())
    }

    /// `header`: the time as its header writes it.
    fn report_with(body: &str, timestamp: i64, header: &str) -> Value {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &super::super::keys::BASE64.decode(KEY).unwrap());
        let tag = hmac::sign(&key, format!("msg_1.{timestamp}.{body}").as_bytes());
        let signature = format!("v1,{}", super::super::keys::BASE64.encode(tag));
        let headers = BTreeMap::from([
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", header),
            ("webhook-signature", &*signature),
        ]);
        let source = source(&json!({"scheme": "standard", "keys": [format!("whsec_{KEY}")],
            "events": ["gallery.published", "order.created"]}));
        serde_json::to_value(source.diagnose(&headers, body.as_bytes(), at(NOW))).unwrap()
    }

    /// One letter for each step, and the sentence of the first that failed.
    fn steps(report: &Value) -> (String, String) {
        let checks = report["checks"].as_array().unwrap();
        let names: Vec<_> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
        assert_eq!(names, ["size", "signature", "timestamp", "envelope", "event-allowed", "data"]);
        let letters = checks.iter().map(|check| &check["result"].as_str().unwrap()[..1]).collect();
        let failed = checks.iter().find(|check| check["result"] == "failed");
        (letters, failed.map(|check| check["detail"].as_str().unwrap().to_owned()).unwrap_or_default())
    }

    fn event(kind: &str, data: &Value) -> String {
        json!({"type": kind, "timestamp": "2026-09-21T14:00:00Z", "data": data}).to_string()
    }

    #[test]
    fn what_is_right_is_told_without_what_it_says_about_people() {
        let gallery = report(&event("gallery.published", &json!({"external_host_id": "PD-1"})), NOW);
        let order = json!({"order_id": "1", "buyer_email": "sheree@example.com"});
        let order = report(&event("order.created", &order), NOW);

        assert_eq!(steps(&gallery).0, "pppppp");
        assert_eq!(gallery["accepted"], true);
        assert_eq!(
            gallery["event"],
            json!({"type": "gallery.published", "subject": "gallery photoday/PD-1", "event_id": "msg_1"})
        );
        assert_eq!(order["event"]["subject"], "a buyer, by an e-mail address");
        assert!(!order.to_string().contains("sheree"), "{order}");
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        let published = event("gallery.published", &json!({"external_host_id": "PD-1"}));
        for (body, timestamp, expected, detail) in [
            (" ".repeat(MOST_BYTES + 1), NOW, "fsssss", "of at most 1048576 bytes"),
            (published.clone(), NOW - 301, "ppfsss", "301 s behind ours; 300 s are allowed"),
            (published.clone(), NOW + 400, "ppfsss", "400 s ahead of ours"),
            (published, NOW * 1000, "ppfsss", "counts milliseconds: send seconds."),
            ("{".to_owned(), NOW, "pppfss", "not valid JSON"),
            ("{}".to_owned(), NOW, "pppfss", "The body must be {"),
            (event("gallery.archived", &json!({})), NOW, "ppppfs", "may not send this event"),
            (event("gallery.published", &json!({})), NOW, "pppppf", "data.external_host_id is required."),
        ] {
            let report = report(&body, timestamp);

            let (letters, told) = steps(&report);
            assert_eq!(letters, expected, "{report}");
            assert!(told.contains(detail), "{detail}: {told}");
            assert_eq!((&report["accepted"], &report["event"]), (&json!(false), &Value::Null));
        }
    }

    #[test]
    fn a_time_with_spaces_around_it_is_read() {
        let published = event("gallery.published", &json!({"external_host_id": "PD-1"}));

        let report = report_with(&published, NOW, &format!(" {NOW} "));

        assert_eq!(steps(&report).0, "pppppp", "{report}");
    }

    #[test]
    fn a_type_that_is_not_known_is_taken_and_changes_nothing() {
        let report = report(&event("gallery.sold", &json!({})), NOW);

        assert_eq!(steps(&report).0, "ppppss");
        assert_eq!((&report["accepted"], &report["event"]), (&json!(true), &Value::Null));
        let told = report["checks"][3]["detail"].as_str().unwrap();
        assert!(
            told.starts_with("What stands at /type has no meaning here: the request is answered with 200"),
            "{told}"
        );
    }

    #[test]
    fn what_the_door_forgives_is_right_here_too() {
        for data in [
            json!({"external_host_id": 20931, "public_url": ""}),
            json!({"external_host_id": "PD-1", "public_url": format!("https://photos.example/{}", "x".repeat(1900))}),
        ] {
            assert_eq!(steps(&report(&event("gallery.published", &data), NOW)).0, "pppppp");
        }
        let broken = event("gallery.published", &json!({"external_host_id": "PD-1", "x": "?"})).replace('?', r"\ud83d");
        assert_eq!(steps(&report(&format!("\u{feff}{broken}"), NOW)).0, "pppppp");
        let id = event("gallery.published", &json!({"external_host_id": "?"})).replace('?', r"\ud83d");
        let (letters, told) = steps(&report(&id, NOW));
        assert_eq!(letters, "pppppf");
        assert!(told.starts_with("data.external_host_id has half of a character in it"), "{told}");
    }

    #[test]
    fn a_body_without_a_meaning_is_taken_and_changes_nothing() {
        let source = source(&json!({"scheme": "token", "keys": ["sixteen letters!"], "events": ["gallery.published"],
            "mapping": {"type": {"pointer": "/status", "values": {"Published": "gallery.published"}}}}));
        let headers = BTreeMap::from([("authorization", "sixteen letters!")]);

        let report = source.diagnose(&headers, br#"{"status":"Draft"}"#, at(NOW));

        let report = serde_json::to_value(report).unwrap();
        assert_eq!(steps(&report).0, "ppspss");
        assert_eq!(report["accepted"], true);
        assert!(report["checks"][3]["detail"].as_str().unwrap().starts_with("What stands at /status has no meaning"));
    }
}
