//! The database of one stack, on a server that may be everybody's.

use anyhow::Context;

use super::Directory;
use crate::services::postgres::Server;
use crate::services::shared::DATABASE_PREFIX;
use crate::services::{Addresses, random};

/// A database that exists.
#[derive(Debug)]
pub(super) struct Database {
    server: Server,
    name: String,
    kept: bool,
    migrated: bool,
}

impl Database {
    /// Finds or makes the database of the stack in `directory`: on shared services a copy of the template, on services
    /// of its own the one that was kept there, else a new one.
    pub(super) async fn open(addresses: &Addresses, directory: &Directory) -> anyhow::Result<Database> {
        let server = addresses.postgres.clone();
        let template = addresses.template.as_deref();
        let name = match template {
            Some(_) => format!("{DATABASE_PREFIX}{}", random::password(12)?),
            None if directory.is_kept() => "isoxp".to_owned(),
            None => format!("{DATABASE_PREFIX}run"),
        };
        if template.is_none() && !directory.is_kept() {
            // What a killed stack left there.
            server.drop_database(&name).await?;
        }
        server.create_database(&name, template).await?;
        Ok(Database { server, name, kept: directory.is_kept() && template.is_none(), migrated: template.is_some() })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self) -> String {
        self.server.owner_url(&self.name)
    }

    /// Whether its schema is already that of the functions.
    pub(super) fn is_migrated(&self) -> bool {
        self.migrated
    }

    /// Drops it, unless it is kept.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        if self.kept {
            return Ok(());
        }
        self.server.drop_database(&self.name).await.context("tidying up")
    }
}
