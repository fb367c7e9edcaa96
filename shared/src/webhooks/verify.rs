//! The proof that a source sent a body: looked for on the raw bytes, before anything is read.

use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};

use super::headers::Headers;
use super::keys::to_hex;
use super::pointer::Pointer;
use super::readable::Readable;
use super::refusal::malformed;
use super::scheme::Scheme;
use super::sources::Source;
use crate::domain::EventId;
use crate::error::Error;

/// A body whose sender is proven. There is no other way to get one than [`Source::verify`].
pub struct VerifiedWebhook<'a> {
    pub(super) source: Arc<Source>,
    /// The sender's id of the event, out of what was proven; none where the body has Zoho's own shape: what its
    /// receipts and notifications ask for can be done again.
    pub(super) event_id: Option<EventId>,
    pub(super) body: Readable<'a>,
}

/// Without the body, which may speak of people.
impl std::fmt::Debug for VerifiedWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedWebhook({}, {:?})", self.source.name.as_str(), self.event_id)
    }
}

impl VerifiedWebhook<'_> {
    /// The name of the source that has sent it.
    pub fn source(&self) -> &str {
        self.source.name.as_str()
    }
}

impl Source {
    /// # Errors
    /// `missing-signature`, `bad-signature`, `stale-timestamp`, all 401; `malformed` (400) where what is proven has
    /// no event id.
    pub fn verify<'a>(
        self: &Arc<Self>,
        headers: &dyn Headers,
        body: &'a [u8],
        now: DateTime<Utc>,
    ) -> Result<VerifiedWebhook<'a>, Error> {
        let id_of_scheme = self.scheme.prove(headers, body, now)?;
        let readable = Readable::of(body);
        let event_id = match (id_of_scheme, &self.event_id, &self.scheme) {
            (Some(id), _, _) => Some(id),
            (None, Some(pointer), _) => Some(event_id_at(pointer, &readable)?),
            (None, None, Scheme::Token(_)) if self.mapping.is_none() => None,
            // Of the body alone: a copy that is sent again under a fresh time is still the same event.
            (None, None, _) => to_hex(digest::digest(&digest::SHA256, body).as_ref()).parse().ok(),
        };
        Ok(VerifiedWebhook { source: Arc::clone(self), event_id, body: readable })
    }
}

fn event_id_at(pointer: &Pointer, body: &Readable<'_>) -> Result<EventId, Error> {
    let id = pointer.text_in(body).and_then(|id| id.parse::<EventId>().ok());
    id.ok_or_else(|| malformed(format!("The event's id must stand at {}, with 1 to 255 characters.", pointer.as_str())))
}
