//! What a verified body says: the canonical events, in our own shape or as an adapter reads a source's.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::malformed;
use super::receipt;
use super::verify::VerifiedWebhook;
use crate::domain::WebUrl;
use crate::domain::alert::Receipt;
use crate::domain::gallery::{GalleryEvent, GallerySubject};
use crate::error::Error;

/// The events that a source can be allowed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "gallery.published")]
    GalleryPublished,
    #[serde(rename = "gallery.archived")]
    GalleryArchived,
    #[serde(rename = "email.receipt")]
    EmailReceipt,
}

/// An event of a source that may send it.
#[derive(Debug)]
pub struct Incoming {
    pub kind: EventKind,
    pub event: Event,
}

#[derive(Debug)]
pub enum Event {
    Gallery {
        event_id: String,
        subject: GallerySubject,
        /// When it happened; never later than its arrival.
        at: DateTime<Utc>,
        /// What is kept of it, so that it can be applied now or once the gallery is known.
        data: Value,
    },
    /// What became of e-mails; doing it again changes nothing, so there is no event id.
    Receipts(Vec<Receipt>),
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    timestamp: DateTime<Utc>,
    data: Value,
}

impl EventKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GalleryPublished => "gallery.published",
            Self::GalleryArchived => "gallery.archived",
            Self::EmailReceipt => "email.receipt",
        }
    }
}

impl VerifiedWebhook<'_> {
    /// # Errors
    /// `malformed` (400), `event-not-allowed` (403).
    pub fn read(&self, now: DateTime<Utc>) -> Result<Incoming, Error> {
        let body: Value = serde_json::from_slice(self.body).map_err(|error| {
            malformed(format!("The body is not valid JSON: see line {}, column {}.", error.line(), error.column()))
        })?;
        match &self.event_id {
            None => self.receipts(&body),
            Some(event_id) => self.gallery_event(event_id, body, now),
        }
    }

    fn receipts(&self, body: &Value) -> Result<Incoming, Error> {
        self.source.allow(EventKind::EmailReceipt)?;
        Ok(Incoming { kind: EventKind::EmailReceipt, event: Event::Receipts(receipt::read(body)?) })
    }

    fn gallery_event(&self, event_id: &str, body: Value, now: DateTime<Utc>) -> Result<Incoming, Error> {
        let envelope: Envelope = serde_json::from_value(body).map_err(|_| {
            malformed("The body must be {\"type\":\"…\",\"timestamp\":\"2026-11-22T14:00:00Z\",\"data\":{…}}.")
        })?;
        let kind = serde_json::from_value(Value::String(envelope.r#type))
            .map_err(|_| malformed("The type is none that is known here."))?;
        self.source.allow(kind)?;
        let data = &envelope.data;
        let event = match kind {
            EventKind::GalleryPublished => {
                GalleryEvent::Published { public_url: optional::<WebUrl>(data, "public_url")? }
            }
            EventKind::GalleryArchived => GalleryEvent::Archived,
            EventKind::EmailReceipt => {
                return Err(malformed("The event email.receipt comes in Zoho Campaigns' own shape."));
            }
        };
        let external_host_id = optional(data, "external_host_id")?;
        let subject = GallerySubject {
            host: self.source.host(optional(data, "host")?)?,
            external_host_id: external_host_id.ok_or_else(|| malformed("data.external_host_id is required."))?,
        };
        if envelope.timestamp.year() < 2000 {
            return Err(malformed("The timestamp is when it happened, and that was not before the year 2000."));
        }
        let at = envelope.timestamp.min(now);
        Ok(Incoming {
            kind,
            event: Event::Gallery { event_id: event_id.to_owned(), subject, at, data: event.to_keep() },
        })
    }
}

impl GalleryEvent {
    /// Into the inbox: what is needed of the data. Whatever else a source sends along, about people perhaps, stays
    /// outside.
    fn to_keep(&self) -> Value {
        match self {
            Self::Published { public_url } => json!({ "public_url": public_url.as_ref().map(WebUrl::as_str) }),
            Self::Archived => json!({}),
        }
    }

    /// Out of the inbox: what [`VerifiedWebhook::read`] found good when the event came.
    pub fn kept(kind: &str, data: &Value) -> Option<Self> {
        match kind {
            "gallery.published" => Some(Self::Published { public_url: optional(data, "public_url").ok()? }),
            "gallery.archived" => Some(Self::Archived),
            _ => None,
        }
    }
}

fn optional<T: std::str::FromStr<Err = String>>(data: &Value, field: &str) -> Result<Option<T>, Error> {
    match &data[field] {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|problem| malformed(format!("data.{field} {problem}."))),
        _ => Err(malformed(format!("data.{field} must be text."))),
    }
}
