//! The programs a stack stands on: `PostgreSQL`, and `MiniStack` for SQS and Secrets Manager.

pub mod aws;
pub mod leash;
pub mod ministack;
pub mod postgres;
pub mod random;
pub mod seeds;
pub mod shared;
pub mod venv;
pub mod workspace;

pub use seeds::Seeds;
pub use shared::{Addresses, Shared};

use std::path::Path;

use anyhow::Context;
use ministack::Ministack;
use postgres::Postgres;

/// The programs a stack started for itself. Dropping it ends them.
#[derive(Debug)]
pub struct Services {
    postgres: Postgres,
    ministack: Ministack,
}

impl Services {
    /// Starts both beside each other, with their files below `dir`.
    pub async fn start(dir: &Path) -> anyhow::Result<Services> {
        let (postgres, ministack) = tokio::try_join!(Postgres::start(dir), Ministack::start(dir))?;
        Ok(Services { postgres, ministack })
    }

    pub fn addresses(&self) -> Addresses {
        Addresses { postgres: self.postgres.server().clone(), aws: self.ministack.url().to_owned(), template: None }
    }

    /// Ends both; an error says which one had to be left.
    pub async fn stop(self) -> anyhow::Result<()> {
        let (postgres, ministack) = tokio::join!(self.postgres.stop(), self.ministack.stop());
        postgres.context("stopping PostgreSQL")?;
        ministack.context("stopping MiniStack")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::Account;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_outlives_its_server_and_a_killed_server_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let services = Services::start(dir.path()).await.unwrap();
        let server = services.addresses().postgres;
        server.create_database("kept", None).await.unwrap();
        let client = server.connect("kept").await.unwrap();
        client.batch_execute("create table notes (note text); insert into notes values ('hello')").await.unwrap();

        // As a stack killed at this moment leaves it: nobody waits for the end.
        drop(services);
        let services = Services::start(dir.path()).await.unwrap();

        let client = services.addresses().postgres.connect("kept").await.unwrap();
        let note: String = client.query_one("select note from notes", &[]).await.unwrap().get("note");
        assert_eq!(note, "hello");
        services.stop().await.unwrap();
        assert!(server.connect("kept").await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn accounts_see_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let ministack = Ministack::start(dir.path()).await.unwrap();
        let account = |number: &str| Account { endpoint: ministack.url().to_owned(), number: number.to_owned() };
        let (one, two) = (account("000000000001").sqs(), account("000000000002").sqs());

        let url = one.create_queue().queue_name("tasks").send().await.unwrap().queue_url.unwrap();

        assert!(url.starts_with(ministack.url()), "{url}");
        assert_eq!(one.list_queues().send().await.unwrap().queue_urls().len(), 1);
        assert_eq!(two.list_queues().send().await.unwrap().queue_urls().len(), 0);
        ministack.stop().await.unwrap();
    }
}
