//! What comes in at `POST /api/webhooks/incoming`: who may send it, the proof that he did, and what it says.
//! Nothing touches the database without a [`VerifiedWebhook`].

mod data;
mod diagnosis;
mod door;
mod event;
mod guess;
mod headers;
mod hmac;
mod keys;
mod kind;
mod mapping;
mod notification;
mod notified;
mod pointer;
mod readable;
mod receipt;
mod refusal;
mod scheme;
mod sources;
mod standard;
#[cfg(test)]
mod testing;
mod timestamp;
mod token;
mod variants;
mod verify;

pub use diagnosis::Report;
pub use door::Door;
pub use event::{Incoming, KeptEvent};
pub use headers::Headers;
pub use kind::EventKind;
pub use notified::CrmSource;
pub use sources::{Source, Sources, SourcesSettings};
pub use verify::VerifiedWebhook;

/// The largest body that is looked at.
pub const MOST_BYTES: usize = 1024 * 1024;
