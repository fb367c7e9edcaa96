//! What the tests drive the running system with: from outside, as its users do.

mod api;
mod people;
mod system;
mod webhook;
mod zoho;

pub use api::Answer;
pub use people::{cathy, frank, sheree};
pub use system::{System, eventually};
pub use webhook::Webhook;
