//! What a stack can be asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::services::Durability;

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The stage of `samconfig.toml` whose parameters it takes.
    pub stage: String,
    /// Where the API listens on 127.0.0.1; 0 for any free port.
    pub port: u16,
    /// Environment variables to override in every function that has them.
    pub set: BTreeMap<String, String>,
    /// The directory to work in, whose database is kept; otherwise a free one of `local`'s own, with a new database.
    pub data: Option<PathBuf>,
    /// Whether to build, and run, what the release profile makes.
    pub release: bool,
    /// What the functions are told instead of the simulator's address; nothing calls it at the start.
    pub zoho_url: Option<String>,
    /// Whether schedules fire by themselves.
    pub schedules: bool,
    /// Whether to build the functions first.
    pub build: bool,
    /// What becomes of acknowledged changes when PostgreSQL or the machine is killed; of no effect on shared services.
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            stage: "dev".to_owned(),
            port: 0,
            set: BTreeMap::new(),
            data: None,
            release: false,
            zoho_url: None,
            schedules: true,
            build: true,
            durability: Durability::Durable,
        }
    }
}
