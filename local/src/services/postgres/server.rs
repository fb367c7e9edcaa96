//! A server's address and passwords, and what the stack does there as its superuser.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, NoTls};

const HOST: &str = "127.0.0.1";
const OWNER: &str = "isoxp_migrator";
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// One password for each role. They belong to the cluster, and so to every database in it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Passwords {
    pub superuser: String,
    pub migrator: String,
    pub api: String,
    pub worker: String,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(…)")
    }
}

/// A server on 127.0.0.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub port: u16,
    pub passwords: Passwords,
}

impl Server {
    pub fn host(&self) -> &'static str {
        HOST
    }

    /// The URL of a database for the role that owns it.
    pub fn owner_url(&self, database: &str) -> String {
        format!("postgres://{OWNER}:{}@{HOST}:{}/{database}", self.passwords.migrator, self.port)
    }

    /// Connects as the superuser.
    pub async fn connect(&self, database: &str) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::Config::new()
            .host(HOST)
            .port(self.port)
            .user("postgres")
            .password(&self.passwords.superuser)
            .dbname(database)
            .application_name("cargo dev")
            .connect_timeout(CONNECT_LIMIT)
            .connect(NoTls)
            .await
            .with_context(|| format!("connecting to PostgreSQL at {HOST}:{}", self.port))?;
        // It ends with the client; its error, if any, is the one that the client's next statement gives.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes the role that owns databases and makes the other roles; not a superuser, as in the cloud.
    pub(super) async fn prepare_owner(&self) -> anyhow::Result<()> {
        let client = self.connect("postgres").await?;
        let exists = client.query_opt("select from pg_roles where rolname = $1", &[&OWNER]).await?.is_some();
        let verb = if exists { "alter" } else { "create" };
        let password = &self.passwords.migrator;
        client.batch_execute(&format!("{verb} role {OWNER} login createrole password '{password}'")).await?;
        Ok(())
    }

    /// Makes the owner's database `name`, as a copy of `template` or empty, unless there is one.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> anyhow::Result<()> {
        let client = self.connect("postgres").await?;
        if client.query_opt("select from pg_database where datname = $1", &[&name]).await?.is_some() {
            return Ok(());
        }
        let template = template.unwrap_or("template1");
        client
            .batch_execute(&format!("create database \"{name}\" owner {OWNER} template \"{template}\""))
            .await
            .with_context(|| format!("creating the database {name}"))
    }

    /// Ends all connections to the database `name` and drops it.
    pub async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        let client = self.connect("postgres").await?;
        client
            .batch_execute(&format!("drop database if exists \"{name}\" with (force)"))
            .await
            .with_context(|| format!("dropping the database {name}"))
    }

    /// Drops every database whose name begins with `prefix`.
    pub(in crate::services) async fn drop_databases(&self, prefix: &str) -> anyhow::Result<()> {
        let client = self.connect("postgres").await?;
        let found = client.query("select datname from pg_database where starts_with(datname, $1)", &[&prefix]).await?;
        for row in found {
            self.drop_database(row.get("datname")).await?;
        }
        Ok(())
    }

    /// Makes a database good for nothing but being copied: a copy fails while anybody is connected.
    pub async fn close_database(&self, name: &str) -> anyhow::Result<()> {
        let client = self.connect("postgres").await?;
        client.batch_execute(&format!("alter database \"{name}\" with allow_connections false")).await?;
        client.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", &[&name]).await?;
        Ok(())
    }
}
