//! What a stack stands on: its database and its AWS account, on services of its own or on shared ones.

use std::future::pending;

use super::Directory;
use super::database::Database;
use crate::services::aws::Account;
use crate::services::{Addresses, Durability, Services, random};

/// Where nobody else has an account.
const ONLY_ACCOUNT: &str = "000000000000";

#[derive(Debug)]
pub(super) struct Ground {
    pub(super) database: Database,
    pub(super) account: Account,
    /// Those that the stack started itself.
    services: Option<Services>,
}

impl Ground {
    pub(super) async fn prepare(
        shared: Option<Addresses>,
        directory: &Directory,
        durability: Durability,
    ) -> anyhow::Result<Ground> {
        let (addresses, services) = if let Some(addresses) = shared {
            (addresses, None)
        } else {
            let services = Services::start(directory.path(), durability).await?;
            (services.addresses(), Some(services))
        };
        let database = Database::open(&addresses, directory).await?;
        let number = if services.is_some() { ONLY_ACCOUNT.to_owned() } else { random::account()? };
        Ok(Ground { database, account: Account { endpoint: addresses.aws, number }, services })
    }

    /// Returns when a service of the stack's own has ended although nobody has stopped it, with a sentence that says so.
    pub(super) async fn ended(&self) -> String {
        match &self.services {
            Some(services) => services.ended().await,
            // Shared ones are watched by whoever started them.
            None => pending().await,
        }
    }

    pub(super) async fn leave(self) -> anyhow::Result<()> {
        let dropped = self.database.close().await;
        if let Some(services) = self.services {
            services.stop().await?;
        }
        dropped
    }
}
