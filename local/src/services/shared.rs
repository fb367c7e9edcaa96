//! Services that many stacks use at once: started once by `cargo dev test`, found by the tests through a file.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::postgres::Server;
use super::{Durability, Services, workspace};

/// The environment variable that names the file of addresses.
pub const VARIABLE: &str = "ISOXP_SERVICES";

/// What the names of the stacks' databases begin with.
pub const DATABASE_PREFIX: &str = "isoxp_";

/// Where the services of a stack listen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addresses {
    pub postgres: Server,
    /// The address of SQS and Secrets Manager.
    pub aws: String,
    /// A migrated database, from which a stack makes its own.
    pub template: Option<String>,
}

impl Addresses {
    /// The addresses that `cargo dev test` handed to this process, if it did.
    pub fn from_environment() -> anyhow::Result<Option<Addresses>> {
        let Some(path) = workspace::variable(VARIABLE) else { return Ok(None) };
        let path = PathBuf::from(path);
        let unreadable = || format!("{VARIABLE} names {}, which cannot be read; use `cargo dev test`", path.display());
        let content = fs::read(&path).with_context(unreadable)?;
        serde_json::from_slice(&content).with_context(unreadable).map(Some)
    }
}

/// Services for the processes of a test run. Dropping it ends them.
#[derive(Debug)]
pub struct Shared {
    services: Services,
    addresses: Addresses,
    file: PathBuf,
}

impl Shared {
    /// Starts the services with their files below `dir`.
    pub async fn start(dir: &Path) -> anyhow::Result<Shared> {
        let file = dir.join("services.json");
        // Of a test run that was killed.
        fs::remove_file(&file).ok();
        let services = Services::start(dir, Durability::Fast).await?;
        let addresses = services.addresses();
        // Those of a test run that was killed, or of stacks that were dropped and not stopped.
        addresses.postgres.drop_databases(DATABASE_PREFIX).await?;
        Ok(Shared { services, addresses, file })
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Writes the file for the tests' environment, naming `template` as the migrated database, and returns its path.
    pub fn publish(&mut self, template: String) -> anyhow::Result<&Path> {
        self.addresses.template = Some(template);
        // It holds passwords.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.file)
            .and_then(|mut file| file.write_all(&serde_json::to_vec_pretty(&self.addresses)?))
            .with_context(|| format!("writing {}", self.file.display()))?;
        Ok(&self.file)
    }

    /// Returns when one of them has ended although nobody has stopped it, with a sentence that says so.
    pub async fn ended(&self) -> String {
        self.services.ended().await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        fs::remove_file(&self.file).ok();
        self.services.stop().await
    }
}
