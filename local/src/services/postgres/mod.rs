//! A `PostgreSQL` server of a stack's own: on a private port of 127.0.0.1, without a socket, gone with the stack.

mod binaries;
mod cluster;
mod leftover;
mod server;

pub use server::{Passwords, Server};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::leash::{Leashed, Program};
use super::ministack::free_port;
use super::workspace;
use cluster::Cluster;

/// `nobody`: the user it runs as where this process is root, which `PostgreSQL` refuses.
const UNPRIVILEGED: u32 = 65_534;
const START_LIMIT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;

/// What becomes of acknowledged changes when a backend is killed, the server, or the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They stay, as in the cloud.
    Durable,
    /// The last ones may be lost, and the whole cluster with the machine: good for tests, which make all of it anew.
    Fast,
}

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "shared_buffers=64MB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=1GB",
    "log_timezone=UTC",
    "timezone=UTC",
];

const FAST: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Durability::Durable => &[],
            Durability::Fast => FAST,
        }
    }
}

/// A running server. It logs to `postgres.log`, beside the functions' logs and not among them: a failed statement shows
/// people's data there. Dropping it ends it.
#[derive(Debug)]
pub struct Postgres {
    process: Leashed,
    server: Server,
}

impl Postgres {
    /// Starts a server on the cluster below `dir`, made first if there is none, and returns when it answers.
    ///
    /// A server that a killed stack left there is ended first: the caller must be the only one who uses `dir`.
    pub async fn start(dir: &Path, durability: Durability) -> anyhow::Result<Postgres> {
        let bin = binaries::find(user()).await?;
        let cluster = Cluster::open(dir, &bin, user(), durability).await?;
        leftover::end(&cluster.data).await?;
        let mut attempt = 1;
        loop {
            match start_once(&bin, &cluster, dir, durability).await {
                // Somebody may take the free port in the moment before the server does.
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns when it has ended although nobody has stopped it, with a sentence that says so. A backend that is killed
    /// does not end it: it starts anew by itself.
    pub async fn ended(&self) -> String {
        self.process.ended().await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// `psql` of the server's own version.
pub async fn psql() -> anyhow::Result<PathBuf> {
    Ok(binaries::find(user()).await?.join("psql"))
}

async fn start_once(bin: &Path, cluster: &Cluster, dir: &Path, durability: Durability) -> anyhow::Result<Postgres> {
    let server = Server { port: free_port()?, passwords: cluster.passwords.clone() };
    let port = format!("port={}", server.port);
    let settings = SETTINGS.iter().chain(durability.settings()).copied().chain([port.as_str()]);
    let process = Leashed::start(Program {
        name: "PostgreSQL",
        path: bin.join("postgres"),
        args: ["-D".into(), cluster.data.clone().into_os_string()]
            .into_iter()
            .chain(settings.flat_map(|setting| ["-c".into(), setting.into()]))
            .collect(),
        environment: BTreeMap::from([("LC_ALL", "C".into())]),
        user: user(),
        // A fast shutdown: connections are cut, everything is written.
        end_signal: "INT",
        log: dir.join("postgres.log"),
    })?;
    process.until_ready(START_LIMIT, async || server.connect("postgres").await.is_ok()).await?;
    server.prepare_owner().await?;
    Ok(Postgres { process, server })
}

fn user() -> Option<u32> {
    workspace::is_root().then_some(UNPRIVILEGED)
}
