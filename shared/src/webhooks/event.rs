//! What a verified body says: the canonical events, in our own shape or as an adapter reads a source's.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::EventKind;
use super::refusal::malformed;
use super::verify::VerifiedWebhook;
use super::{notification, receipt};
use crate::domain::alert::Receipt;
use crate::domain::event::{CrmRecord, Earning, Effect, EmailHash, EventSubject};
use crate::domain::gallery::{GalleryEvent, GallerySubject};
use crate::domain::{Email, EventId, ExternalId, HostName, ReferralAction, WebUrl};
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
    /// The source's adapter gives it no meaning.
    Nothing,
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    timestamp: DateTime<Utc>,
    data: Value,
}

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
        let body: Value = serde_json::from_slice(self.body).map_err(|error| {
            malformed(format!("The body is not valid JSON: see line {}, column {}.", error.line(), error.column()))
        })?;
        let Some(event_id) = &self.event_id else { return Ok(Told::InZohosShape(body)) };
        let envelope = match &self.source.mapping {
            None => body,
            Some(mapping) => match mapping.apply(&body, now)? {
                Some(envelope) => envelope,
                None => return Ok(Told::Nothing),
            },
        };
        let envelope: Envelope = serde_json::from_value(envelope).map_err(|_| {
            malformed("The body must be {\"type\":\"…\",\"timestamp\":\"2026-11-22T14:00:00Z\",\"data\":{…}}.")
        })?;
        let kind = serde_json::from_value(Value::String(envelope.r#type))
            .map_err(|_| malformed("The type is none that is known here."))?;
        if envelope.timestamp.year() < 2000 {
            return Err(malformed("The timestamp is when it happened, and that was not before the year 2000."));
        }
        Ok(Told::Event { kind, event_id, at: envelope.timestamp.min(now), data: envelope.data })
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
                let (subject, effect) = self.meaning(kind, &data)?;
                Ok(Incoming::Event(KeptEvent { kind, event_id: event_id.clone(), subject, at, effect }))
            }
        }
    }

    /// Whom it is about and what it changes.
    fn meaning(&self, kind: EventKind, data: &Value) -> Result<(EventSubject, Effect), Error> {
        Ok(match kind {
            EventKind::GalleryPublished => {
                let public_url = optional::<WebUrl>(data, "public_url")?;
                (self.gallery(data)?, Effect::Gallery(GalleryEvent::Published { public_url }))
            }
            EventKind::GalleryArchived => (self.gallery(data)?, Effect::Gallery(GalleryEvent::Archived)),
            EventKind::OrderCreated => {
                let order: ExternalId = required(data, "order_id")?;
                self.earning(data, ReferralAction::GalleryPurchase, order)?
            }
            EventKind::BookingCreated => {
                let booking: ExternalId = required(data, "booking_id")?;
                // A host's orders and bookings may count from one, each on its own.
                let reference = format!("booking:{}", booking.as_str()).parse();
                let reference = reference.map_err(|problem| malformed(format!("data.booking_id {problem}.")))?;
                self.earning(data, ReferralAction::Booking, reference)?
            }
            EventKind::CrmContactLinked => {
                (EventSubject::User(required(data, "user_id")?), Effect::Linked(required(data, "zoho_contact_id")?))
            }
            EventKind::CrmRecordsChanged | EventKind::EmailReceipt => {
                return Err(malformed("This event comes in Zoho's own shape, not in ours."));
            }
        })
    }

    fn gallery(&self, data: &Value) -> Result<EventSubject, Error> {
        let external_host_id = required(data, "external_host_id")?;
        Ok(EventSubject::Gallery(GallerySubject { host: self.host(data)?, external_host_id }))
    }

    fn earning(
        &self,
        data: &Value,
        action: ReferralAction,
        external_ref: ExternalId,
    ) -> Result<(EventSubject, Effect), Error> {
        let buyer: Email = required(data, "buyer_email")?;
        let earning = Earning { action, source: self.host(data)?, external_ref };
        Ok((EventSubject::Buyer(EmailHash::of(&buyer)), Effect::Earned(earning)))
    }

    fn host(&self, data: &Value) -> Result<HostName, Error> {
        self.source.host(optional(data, "host")?)
    }
}

impl Effect {
    /// Into the inbox: what is needed of the data. Whatever else a source sends along, about people perhaps, stays
    /// outside.
    pub fn to_keep(&self) -> Value {
        match self {
            Self::Gallery(GalleryEvent::Published { public_url }) => {
                json!({ "public_url": public_url.as_ref().map(WebUrl::as_str) })
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
        let earned = |action| {
            let source = required(data, "source").ok()?;
            Some(Self::Earned(Earning { action, source, external_ref: required(data, "external_ref").ok()? }))
        };
        match serde_json::from_value(Value::from(kind)).ok()? {
            EventKind::GalleryPublished => {
                Some(Self::Gallery(GalleryEvent::Published { public_url: optional(data, "public_url").ok()? }))
            }
            EventKind::GalleryArchived => Some(Self::Gallery(GalleryEvent::Archived)),
            EventKind::OrderCreated => earned(ReferralAction::GalleryPurchase),
            EventKind::BookingCreated => earned(ReferralAction::Booking),
            EventKind::CrmContactLinked => required(data, "zoho_contact_id").ok().map(Self::Linked),
            EventKind::CrmRecordsChanged | EventKind::EmailReceipt => None,
        }
    }
}

fn required<T: FromStr<Err: std::fmt::Display>>(data: &Value, field: &str) -> Result<T, Error> {
    optional(data, field)?.ok_or_else(|| malformed(format!("data.{field} is required.")))
}

fn optional<T: FromStr<Err: std::fmt::Display>>(data: &Value, field: &str) -> Result<Option<T>, Error> {
    match &data[field] {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|problem| malformed(format!("data.{field} {problem}."))),
        _ => Err(malformed(format!("data.{field} must be text."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_as_it_was() {
        let effects = [
            ("gallery.published", Effect::Gallery(GalleryEvent::Published { public_url: None })),
            ("gallery.archived", Effect::Gallery(GalleryEvent::Archived)),
            (
                "order.created",
                Effect::Earned(Earning {
                    action: ReferralAction::GalleryPurchase,
                    source: "photoday".parse().unwrap(),
                    external_ref: "SB1".parse().unwrap(),
                }),
            ),
            ("crm.contact.linked", Effect::Linked("4150868000000376008".parse().unwrap())),
        ];

        for (kind, effect) in effects {
            assert_eq!(Effect::kept(kind, &effect.to_keep()), Some(effect));
        }
    }
}
