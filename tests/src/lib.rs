//! What the tests drive the running system with: from outside, as its users do.

#![expect(clippy::missing_panics_doc, reason = "a step that does not lead where it should ends its test")]

mod admin;
mod alerts;
mod api;
mod contacts;
pub mod convergence;
mod crm;
mod deliveries;
mod detour;
mod galleries;
mod locks;
pub mod openapi;
mod people;
mod queues;
mod roles;
mod scenario;
mod secrets;
mod sender;
mod system;
mod tasks;
mod webhook;
mod wire;
mod zoho;

pub use api::{Answer, sent};
pub use contacts::{USER_ID, tags, tags_with_jordans};
pub use crm::ORGANIZATION_ID;
pub use deliveries::{Arrived, Delivery};
pub use detour::Detour;
pub use galleries::{School, fall_soccer};
pub use locks::TableLock;
pub use people::{cathy, frank, parent, sheree};
pub use scenario::Scenario;
pub use sender::{DOOR, Letter, Sender, TEST, fixture};
pub use system::{System, eventually, nothing_to_do};
pub use tasks::Task;
pub use webhook::Webhook;
pub use wire::Wire;
