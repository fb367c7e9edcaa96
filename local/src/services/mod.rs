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

pub use postgres::Durability;
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
    pub async fn start(dir: &Path, durability: Durability) -> anyhow::Result<Services> {
        let (postgres, ministack) = tokio::try_join!(Postgres::start(dir, durability), Ministack::start(dir))?;
        Ok(Services { postgres, ministack })
    }

    pub fn addresses(&self) -> Addresses {
        Addresses { postgres: self.postgres.server().clone(), aws: self.ministack.url().to_owned(), template: None }
    }

    /// Returns when one of them has ended although nobody has stopped it, with a sentence that says so.
    pub async fn ended(&self) -> String {
        tokio::select! {
            what = self.postgres.ended() => what,
            what = self.ministack.ended() => what,
        }
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
    use std::time::Duration;

    use super::*;
    use aws::Account;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_outlives_its_server_and_a_killed_server_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let services = Services::start(dir.path(), Durability::Fast).await.unwrap();
        let server = services.addresses().postgres;
        server.create_database("kept", None).await.unwrap();
        let client = server.connect("kept").await.unwrap();
        client.batch_execute("create table notes (note text); insert into notes values ('hello')").await.unwrap();

        // As a stack killed at this moment leaves it: nobody waits for the end.
        drop(services);
        let services = Services::start(dir.path(), Durability::Fast).await.unwrap();

        let client = services.addresses().postgres.connect("kept").await.unwrap();
        let note: String = client.query_one("select note from notes", &[]).await.unwrap().get("note");
        assert_eq!(note, "hello");
        services.stop().await.unwrap();
        assert!(server.connect("kept").await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_backend_loses_nothing_that_was_acknowledged_and_a_killed_server_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let services = Services::start(dir.path(), Durability::Durable).await.unwrap();
        let server = services.addresses().postgres;
        let (client, victim) = tokio::try_join!(server.connect("postgres"), server.connect("postgres")).unwrap();
        let settings = "select pg_backend_pid(), current_setting('data_directory')";
        let row = victim.query_one(settings, &[]).await.unwrap();
        let (backend, data): (i32, String) = (row.get(0), row.get(1));
        let kill = |process| nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), nix::sys::signal::SIGKILL);
        client.batch_execute("create table orders (number integer)").await.unwrap();

        for number in 0..100 {
            client.execute("insert into orders values ($1)", &[&number]).await.unwrap();
        }
        kill(backend).unwrap();

        // It throws everybody out and starts anew.
        let client = loop {
            match server.connect("postgres").await {
                Ok(client) if !client.is_closed() && client.batch_execute("select").await.is_ok() => break client,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let kept: i64 = client.query_one("select count(*) from orders", &[]).await.unwrap().get(0);
        assert_eq!(kept, 100);

        let postmaster = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        kill(postmaster.lines().next().unwrap().parse().unwrap()).unwrap();

        let said = tokio::time::timeout(Duration::from_secs(10), services.ended()).await.unwrap();
        assert!(said.starts_with("PostgreSQL has ended by itself (signal 9); its log is "), "{said}");
        services.stop().await.unwrap();
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
