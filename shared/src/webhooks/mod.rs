//! What comes in at `POST /api/webhooks/incoming`: who may send it, the proof that he did, and what it says.
//! Nothing touches the database without a [`VerifiedWebhook`].

mod event;
mod receipt;
mod sources;
mod verify;

pub use event::{EventKind, Incoming, KeptEvent};
pub use sources::{Source, Sources, SourcesSettings};
pub use verify::{Headers, VerifiedWebhook};

use crate::error::Error;

/// The largest body that is looked at.
pub const MOST_BYTES: usize = 1024 * 1024;

fn malformed(detail: impl Into<String>) -> Error {
    Error::Malformed { detail: detail.into() }
}
