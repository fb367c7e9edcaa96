//! What a verified body says: the canonical events, in our own shape or as an adapter reads a source's.

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};

use super::data::Data;
use super::kind::EventKind;
use super::refusal::malformed;
use super::verify::VerifiedWebhook;
use super::{notification, receipt, timestamp};
use crate::domain::alert::Receipt;
use crate::domain::event::{CrmRecord, Earning, Effect, EmailHash, EventSubject};
use crate::domain::gallery::{GalleryEvent, GallerySubject};
use crate::domain::{Email, EventId, ExternalId, GalleryUrl, HostName, ReferralAction};
use crate::error::Error;

/// What a source that may say so has told us.
#[derive(Debug)]
pub enum Incoming {
    Event(KeptEvent),
    /// What became of e-mails; doing it again changes nothing, so it has no event id.
    Receipts(Vec<Receipt>),
    /// Which records have changed in the CRM; likewise.
    RecordsChanged(Vec<CrmRecord>),
    /// It has no meaning here: the source's adapter says so.
    Ignored,
}

/// An event that goes through the inbox.
#[derive(Debug)]
pub struct KeptEvent {
    pub kind: EventKind,
    /// The sender's own id of it.
    pub event_id: EventId,
    pub subject: EventSubject,
    /// When it happened; never later than its arrival.
    pub at: DateTime<Utc>,
    pub effect: Effect,
}

/// A body as it tells itself: nobody has asked yet whether its source may say so.
pub(super) enum Told<'a> {
    Event {
        kind: EventKind,
        event_id: &'a EventId,
        at: DateTime<Utc>,
        data: Value,
    },
    InZohosShape(Value),
    /// It has no meaning here: its type is none that is known, or the source's adapter gives it none.
    Nothing,
}

const ENVELOPE: &str = r#"The body must be {"type":"…","timestamp":"2026-11-22T14:00:00Z","data":{…}}."#;
const TIME: &str =
    "The timestamp must be RFC 3339 with its offset, like 2026-11-22T14:00:00Z, or seconds or milliseconds since 1970.";

impl VerifiedWebhook<'_> {
    /// # Errors
    /// `malformed` (400), `event-not-allowed` (403).
    pub fn read(&self, now: DateTime<Utc>) -> Result<Incoming, Error> {
        self.understand(self.told(now)?)
    }

    /// The envelope, which says what kind of event it is.
    ///
    /// # Errors
    /// `malformed`, 400.
    pub(super) fn told(&self, now: DateTime<Utc>) -> Result<Told<'_>, Error> {
        let body = self.body.value().map_err(|error| {
            malformed(format!("The body is not valid JSON: see line {}, column {}.", error.line(), error.column()))
        })?;
        let Some(event_id) = &self.event_id else { return Ok(Told::InZohosShape(body)) };
        let mut envelope = match &self.source.mapping {
            None => body,
            Some(mapping) => match mapping.apply(&body, now)? {
                Some(envelope) => envelope,
                None => return Ok(Told::Nothing),
            },
        };
        let kind = envelope["type"].as_str().ok_or_else(|| malformed(ENVELOPE))?;
        let Ok(kind) = serde_json::from_value(kind.trim().into()) else { return Ok(Told::Nothing) };
        let at = match &envelope["timestamp"] {
            Value::Null => return Err(malformed(ENVELOPE)),
            time => timestamp::of_event(time).ok_or_else(|| malformed(TIME))?,
        };
        if at.year() < 2000 {
            return Err(malformed("The timestamp is when it happened, and that was not before the year 2000."));
        }
        Ok(Told::Event { kind, event_id, at: at.min(now), data: envelope["data"].take() })
    }

    /// What was told, if this source may say so and all that is needed is there.
    ///
    /// # Errors
    /// `malformed` (400), `event-not-allowed` (403).
    pub(super) fn understand(&self, told: Told<'_>) -> Result<Incoming, Error> {
        match told {
            Told::Nothing => Ok(Incoming::Ignored),
            // Zoho's notifications name a module, its receipts an action.
            Told::InZohosShape(body) if body["module"].is_string() => {
                self.source.allow(EventKind::CrmRecordsChanged)?;
                notification::read(&body).map(Incoming::RecordsChanged)
            }
            Told::InZohosShape(body) => {
                self.source.allow(EventKind::EmailReceipt)?;
                receipt::read(&body).map(Incoming::Receipts)
            }
            Told::Event { kind, event_id, at, data } => {
                self.source.allow(kind)?;
                let (subject, effect) = self.meaning(kind, Data::sent(&data, &self.body))?;
                Ok(Incoming::Event(KeptEvent { kind, event_id: event_id.clone(), subject, at, effect }))
            }
        }
    }

    /// Whom it is about and what it changes.
    fn meaning(&self, kind: EventKind, data: Data<'_>) -> Result<(EventSubject, Effect), Error> {
        Ok(match kind {
            EventKind::GalleryPublished => {
                let public_url = data.optional("public_url")?;
                (self.gallery(data)?, Effect::Gallery(GalleryEvent::Published { public_url }))
            }
            EventKind::GalleryArchived => (self.gallery(data)?, Effect::Gallery(GalleryEvent::Archived)),
            EventKind::OrderCreated => {
                let order: ExternalId = data.id("order_id")?;
                self.earning(data, ReferralAction::GalleryPurchase, order)?
            }
            EventKind::BookingCreated => {
                let booking: ExternalId = data.id("booking_id")?;
                // A host's orders and bookings may count from one, each on its own.
                let reference = format!("booking:{}", booking.as_str()).parse();
                let reference = reference.map_err(|problem| malformed(format!("data.booking_id {problem}.")))?;
                self.earning(data, ReferralAction::Booking, reference)?
            }
            EventKind::CrmContactLinked => {
                // As text alone: a number of nineteen digits has lost some wherever it was a float on its way.
                (EventSubject::User(data.required("user_id")?), Effect::Linked(data.required("zoho_contact_id")?))
            }
            EventKind::CrmRecordsChanged | EventKind::EmailReceipt => {
                return Err(malformed("This event comes in Zoho's own shape, not in ours."));
            }
        })
    }

    fn gallery(&self, data: Data<'_>) -> Result<EventSubject, Error> {
        let external_host_id = data.id("external_host_id")?;
        Ok(EventSubject::Gallery(GallerySubject { host: self.host(data)?, external_host_id }))
    }

    fn earning(
        &self,
        data: Data<'_>,
        action: ReferralAction,
        external_ref: ExternalId,
    ) -> Result<(EventSubject, Effect), Error> {
        let buyer: Email = data.required("buyer_email")?;
        let earning = Earning { action, source: self.host(data)?, external_ref };
        Ok((EventSubject::Buyer(EmailHash::of(&buyer)), Effect::Earned(earning)))
    }

    fn host(&self, data: Data<'_>) -> Result<HostName, Error> {
        self.source.host(data.optional("host")?)
    }
}

impl Effect {
    /// Into the inbox: what is needed of the data. Whatever else a source sends along, about people perhaps, stays
    /// outside.
    pub fn to_keep(&self) -> Value {
        match self {
            Self::Gallery(GalleryEvent::Published { public_url }) => {
                json!({ "public_url": public_url.as_ref().map(GalleryUrl::as_str) })
            }
            Self::Gallery(GalleryEvent::Archived) => json!({}),
            Self::Earned(earning) => {
                json!({ "source": earning.source.as_str(), "external_ref": earning.external_ref.as_str() })
            }
            Self::Linked(contact) => json!({ "zoho_contact_id": contact.as_str() }),
        }
    }

    /// Out of the inbox: what [`VerifiedWebhook::read`] found good when the event came.
    pub fn kept(kind: &str, data: &Value) -> Option<Self> {
        let data = Data::kept(data);
        let earned = |action| {
            let source = data.required("source").ok()?;
            Some(Self::Earned(Earning { action, source, external_ref: data.required("external_ref").ok()? }))
        };
        match serde_json::from_value(Value::from(kind)).ok()? {
            EventKind::GalleryPublished => {
                Some(Self::Gallery(GalleryEvent::Published { public_url: data.optional("public_url").ok()? }))
            }
            EventKind::GalleryArchived => Some(Self::Gallery(GalleryEvent::Archived)),
            EventKind::OrderCreated => earned(ReferralAction::GalleryPurchase),
            EventKind::BookingCreated => earned(ReferralAction::Booking),
            EventKind::CrmContactLinked => data.required("zoho_contact_id").ok().map(Self::Linked),
            EventKind::CrmRecordsChanged | EventKind::EmailReceipt => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::testing::{at, source};
    use super::*;

    const NOW: i64 = 1_790_000_000;

    /// What a source that proves itself by a token has said, our own envelope with its id at `/id`.
    fn read_bytes(body: &[u8]) -> Result<Incoming, String> {
        let source =
            source(&json!({"scheme": "token", "keys": ["sixteen letters!"], "event_id": "/id", "hosts": ["gotphoto"],
            "events": ["gallery.published", "gallery.archived", "order.created", "crm.contact.linked"]}));
        let headers = BTreeMap::from([("authorization", "sixteen letters!")]);
        let webhook = source.verify(&headers, body, at(NOW)).and_then(|webhook| webhook.read(at(NOW)));
        webhook.map_err(|error| error.to_string())
    }

    fn read(body: &str) -> Result<KeptEvent, String> {
        match read_bytes(body.as_bytes())? {
            Incoming::Event(event) => Ok(event),
            other => Err(format!("{other:?}")),
        }
    }

    fn published(data: &str) -> String {
        format!(r#"{{"id":"E-1","type":"gallery.published","timestamp":"2026-09-21T14:00:00Z","data":{{{data}}}}}"#)
    }

    fn gallery(external_host_id: &str) -> EventSubject {
        let (host, external_host_id) = ("photoday".parse().unwrap(), external_host_id.parse().unwrap());
        EventSubject::Gallery(GallerySubject { host, external_host_id })
    }

    /// Where a gallery is that was published, and which.
    fn link(data: &str) -> Result<(EventSubject, Option<String>), String> {
        let event = read(&published(data))?;
        let Effect::Gallery(GalleryEvent::Published { public_url }) = event.effect else { panic!("{event:?}") };
        Ok((event.subject, public_url.map(|url| url.as_str().to_owned())))
    }

    #[test]
    fn what_is_not_needed_never_stops_an_event() {
        let url = |length: usize| format!("https://photos.example/{}", "x".repeat(length - 23));
        let (long, longest) = (url(735), url(2000));
        for (data, external_host_id, expected) in [
            (r#""external_host_id":"PD-1""#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-1","public_url":null"#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-1","public_url":"","host":"""#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-1","public_url":" \n""#.to_owned(), "PD-1", None),
            (r#""external_host_id":20931"#.to_owned(), "20931", None),
            (format!(r#""external_host_id":"PD-1","public_url":"{long}""#), "PD-1", Some(long)),
            (format!(r#""external_host_id":"PD-1","public_url":"{longest}""#), "PD-1", Some(longest)),
            (r#""external_host_id":"PD-1","parent":"Sheree \ud83d","\udc00":1"#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-1","parent":"Sheree\u0000""#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-1","total":"48.00","order_id":[{}],"buyer_email":"""#.to_owned(), "PD-1", None),
            (r#""external_host_id":"PD-0","external_host_id":"PD-1""#.to_owned(), "PD-1", None),
            (format!(r#""external_host_id":"PD-1","x":{}{}"#, "[".repeat(5000), "]".repeat(5000)), "PD-1", None),
        ] {
            assert_eq!(link(&data), Ok((gallery(external_host_id), expected)), "{data:.100}");
        }
        let with_mark = [b"\xef\xbb\xbf", published(r#""external_host_id":"PD-1""#).as_bytes()].concat();
        assert!(matches!(read_bytes(&with_mark), Ok(Incoming::Event(_))));
        let latin_1 = published(r#""external_host_id":"PD-1","parent":"Jos?""#).replace('?', "\u{0}");
        let latin_1: Vec<u8> = latin_1.bytes().map(|byte| if byte == 0 { 0xe9 } else { byte }).collect();
        assert!(matches!(read_bytes(&latin_1), Ok(Incoming::Event(_))));
    }

    #[test]
    fn what_is_needed_and_cannot_be_read_is_refused() {
        let too_long =
            format!(r#""external_host_id":"PD-1","public_url":"https://photos.example/{}""#, "x".repeat(1978));
        for (data, problem) in [
            ("", "data.external_host_id is required."),
            (r#""external_host_id":"""#, "data.external_host_id must not be empty."),
            (r#""external_host_id":"PD-1\ud83d""#, "data.external_host_id has half of a character in it"),
            (r#""external_host_id":"PD-1\u0000""#, "data.external_host_id must not contain control characters."),
            (r#""external_host_id":1.5"#, "data.external_host_id must be text or a whole number."),
            (r#""external_host_id":["PD-1"]"#, "data.external_host_id must be text."),
            (&*too_long, "data.public_url must be a web address that starts with https://, of at most 2000"),
            (
                r#""external_host_id":"PD-1","public_url":"ftp://photos.example/""#,
                "data.public_url must be a web address",
            ),
            (r#""external_host_id":"PD-1","public_url":"javascript:1""#, "data.public_url must be a web address"),
            (r#""external_host_id":"PD-1","public_url":7"#, "data.public_url must be text."),
            (
                r#""external_host_id":"PD-1","public_url":"https://photos.example/\ud83d""#,
                "data.public_url has half of a character in it",
            ),
            (r#""external_host_id":"PD-1","host":"Photo Day!""#, "data.host must have 1 to 40"),
        ] {
            let told = link(data).unwrap_err();

            assert!(told.starts_with(&format!("malformed: {problem}")), "{data:.100}: {told}");
        }
        for id in [r#""E-\ud83d""#, r#""E-\u0000""#, "null", r#""""#, "1.5"] {
            let body = published(r#""external_host_id":"PD-1""#).replacen(r#""E-1""#, id, 1);
            assert!(read(&body).unwrap_err().starts_with("malformed: The event's id must stand at /id"), "{id}");
        }
    }

    #[test]
    fn an_id_is_a_number_or_a_text_in_every_event_but_an_id_of_the_crm_is_text() {
        let data = |kind: &str, data: &Value| {
            read(&json!({"id": 1, "type": kind, "timestamp": NOW, "data": data}).to_string())
        };
        let order = |id: Value| data("order.created", &json!({"order_id": id, "buyer_email": "sheree@example.com"}));
        let contact =
            |id: Value| data("crm.contact.linked", &json!({"user_id": uuid::Uuid::nil(), "zoho_contact_id": id}));

        assert_eq!(order(json!(7)).unwrap().effect, order(json!("7")).unwrap().effect);
        assert_eq!(order(json!(7)).unwrap().event_id.as_str(), "1");
        assert!(order(json!(1e40)).is_err() && order(json!("")).is_err() && order(Value::Null).is_err());
        assert!(contact(json!("4150868000000376008")).is_ok());
        let as_number = contact(json!(4_150_868_000_000_376_008_u64)).unwrap_err();
        assert_eq!(as_number, "malformed: data.zoho_contact_id must be text.");
    }

    #[test]
    fn a_type_that_is_not_known_is_ignored_and_a_known_one_has_to_be_allowed() {
        let with_type = |kind: &str| {
            let body = published(r#""external_host_id":"PD-1""#).replace(r#""gallery.published""#, kind);
            read_bytes(body.as_bytes()).map(|incoming| matches!(incoming, Incoming::Ignored))
        };

        for unknown in ["\"gallery.sold\"", "\"\"", "\"Gallery.Published\"", "\"gallery.published\\ud83d\"", "\"ping\""]
        {
            assert_eq!(with_type(unknown), Ok(true), "{unknown}");
        }
        assert!(
            matches!(read_bytes(br#"{"id":1,"type":"ping"}"#), Ok(Incoming::Ignored)),
            "it needs neither time nor data"
        );
        assert_eq!(with_type("\" gallery.published \""), Ok(false));
        for known in ["\"booking.created\"", "\"email.receipt\"", "\"crm.records.changed\""] {
            assert_eq!(with_type(known), Err("forbidden: event-not-allowed".to_owned()), "{known}");
        }
        for none in ["7", "null", "[\"gallery.published\"]"] {
            assert!(with_type(none).unwrap_err().starts_with("malformed: The body must be {"), "{none}");
        }
    }

    #[test]
    fn an_event_has_a_time_that_counts_as_now_where_it_lies_ahead() {
        let at_time = |time: &str| {
            let body = published(r#""external_host_id":"PD-1""#).replace(r#""2026-09-21T14:00:00Z""#, time);
            read(&body).map(|event| event.at)
        };

        assert_eq!(
            at_time("\"2026-09-21T16:00:00.5+02:00\""),
            Ok(at(NOW - 800) + chrono::TimeDelta::milliseconds(500))
        );
        assert_eq!(at_time("1789999000"), Ok(at(NOW - 1000)));
        assert_eq!(at_time("1790000001"), Ok(at(NOW)));
        assert_eq!(at_time("\"2000-01-01T00:00:00Z\""), Ok(at(946_684_800)));
        assert!(at_time("\"1999-12-31T23:59:59Z\"").unwrap_err().contains("not before the year 2000"));
        assert!(at_time("null").unwrap_err().starts_with("malformed: The body must be {"));
        for wrong in ["\"today\"", "true", "\"2026-09-21T14:00:00\""] {
            assert!(at_time(wrong).unwrap_err().starts_with("malformed: The timestamp must be RFC 3339"), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_reads_as_it_was() {
        let effects = [
            ("gallery.published", Effect::Gallery(GalleryEvent::Published { public_url: None })),
            (
                "gallery.published",
                Effect::Gallery(GalleryEvent::Published { public_url: "https://photos.example/1".parse().ok() }),
            ),
            ("gallery.archived", Effect::Gallery(GalleryEvent::Archived)),
            (
                "order.created",
                Effect::Earned(Earning {
                    action: ReferralAction::GalleryPurchase,
                    source: "photoday".parse().unwrap(),
                    external_ref: "SB1".parse().unwrap(),
                }),
            ),
            (
                "booking.created",
                Effect::Earned(Earning {
                    action: ReferralAction::Booking,
                    source: "photoday".parse().unwrap(),
                    external_ref: "booking:SB1".parse().unwrap(),
                }),
            ),
            ("crm.contact.linked", Effect::Linked("4150868000000376008".parse().unwrap())),
        ];

        for (kind, effect) in effects {
            assert_eq!(Effect::kept(kind, &effect.to_keep()), Some(effect));
        }
        for kind in ["email.receipt", "crm.records.changed", "gallery.sold"] {
            assert_eq!(Effect::kept(kind, &json!({})), None, "{kind}");
        }
    }

    /// JSON of any shape, written as senders write it that escape what they should not: `\u{e000}` and the like stand
    /// for halves of characters and for U+0000.
    fn anything() -> impl Strategy<Value = String> {
        let text = || "([a-z\\\\\"é😀\u{e000}\u{e001}\u{e002}\n]){0,8}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        let tree = leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(text(), inner, 0..4).prop_map(Value::from_iter),
            ]
        });
        tree.prop_map(|value| {
            value
                .to_string()
                .replace('\u{e000}', "\\ud83d")
                .replace('\u{e001}', "\\uDC00")
                .replace('\u{e002}', "\\u0000")
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_along_an_event_says_the_same(more in anything(), name in "[\u{e000}a-z]{0,6}", first in any::<bool>()) {
            let name = format!("x{}", name.replace('\u{e000}', "\\ude00"));
            let data = format!(r#""external_host_id":"PD-1","public_url":"https://photos.example/1","{name}":{more}"#);
            let body = published(&data);
            let body = if first { body.replacen('{', &format!(r#"{{"{name}":{more},"#), 1) } else { body };

            let event = read(&body).unwrap();

            let public_url = "https://photos.example/1".parse().ok();
            prop_assert_eq!(event.subject, gallery("PD-1"));
            prop_assert_eq!(event.effect, Effect::Gallery(GalleryEvent::Published { public_url }));
        }

        #[test]
        fn an_id_with_half_of_a_character_is_never_taken(before in "[a-z]{0,4}", after in "[a-z]{0,4}", half in 0xd800_u16..0xe000) {
            let data = format!(r#""external_host_id":"{before}\u{half:04x}{after}""#);

            prop_assert!(link(&data).unwrap_err().contains("has half of a character"));
        }
    }
}
