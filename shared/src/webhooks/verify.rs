//! The proof that a source sent a body: looked for on the raw bytes, before anything is read.

use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};

use super::keys::to_hex;
use super::pointer::Pointer;
use super::refusal::malformed;
use super::scheme::Scheme;
use super::sources::Source;
use crate::error::Error;

/// A body whose sender is proven. There is no other way to get one than [`Source::verify`].
pub struct VerifiedWebhook<'a> {
    pub(super) source: Arc<Source>,
    /// The sender's id of the event, out of what was proven; none where the body has Zoho's own shape: what its
    /// receipts and notifications ask for can be done again.
    pub(super) event_id: Option<String>,
    pub(super) body: &'a [u8],
}

/// Without the body, which may speak of people.
impl std::fmt::Debug for VerifiedWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedWebhook({}, {:?})", self.source.name.as_str(), self.event_id)
    }
}

/// The request's headers, by lower-case name. One that stands there more than once is as good as missing: which of
/// its values counts would be for the sender to choose.
pub trait Headers: Sync {
    fn header(&self, name: &str) -> Option<&[u8]>;
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
        let event_id = match (id_of_scheme, &self.event_id, &self.scheme) {
            (Some(id), _, _) => Some(id),
            (None, Some(pointer), _) => Some(event_id_at(pointer, body)?),
            (None, None, Scheme::Token(_)) if self.mapping.is_none() => None,
            // Of the body alone: a copy that is sent again under a fresh time is still the same event.
            (None, None, _) => Some(to_hex(digest::digest(&digest::SHA256, body).as_ref())),
        };
        Ok(VerifiedWebhook { source: Arc::clone(self), event_id, body })
    }
}

fn event_id_at(pointer: &Pointer, body: &[u8]) -> Result<String, Error> {
    let id = pointer.text_in(body).and_then(|id| event_id(&id));
    id.ok_or_else(|| malformed(format!("The event's id must stand at {}, with 1 to 255 characters.", pointer.as_str())))
}

/// An id as the inbox keeps it.
pub(super) fn event_id(id: &str) -> Option<String> {
    let fits = (1..=255).contains(&id.len()) && !id.chars().any(char::is_control);
    fits.then(|| id.to_owned())
}
