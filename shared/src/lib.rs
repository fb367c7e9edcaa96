//! What the functions share. Its modules are the layers of the house; arrows point one way:
//! `functions → sync → lambda, db, zoho, queue, tasks → domain`. README.md has the map.

pub mod aws;
pub mod bounds;
pub mod clock;
pub mod config;
pub mod db;
pub mod deliveries;
pub mod domain;
pub mod entries;
pub mod error;
pub mod ids;
pub mod lambda;
pub mod metrics;
pub mod queue;
pub mod secrets;
pub mod sync;
pub mod tasks;
pub mod tls;
pub mod webhooks;
pub mod zoho;

pub use error::Error;
