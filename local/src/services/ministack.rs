//! `MiniStack`: SQS and Secrets Manager over their real protocols, in memory, on a port of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::leash::{Leashed, Program};
use super::venv::{Requirements, Venv};

const START_LIMIT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;

#[derive(Debug)]
pub struct Ministack {
    process: Leashed,
    url: String,
}

impl Ministack {
    /// Starts it with its files below `dir`, and returns when it answers.
    pub async fn start(dir: &Path) -> anyhow::Result<Ministack> {
        let venv = Venv::of(Requirements::Services).await?;
        let mut attempt = 1;
        loop {
            match start_once(&venv, dir).await {
                // Somebody may take the free port in the moment before the program does.
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns when it has ended although nobody has stopped it, with a sentence that says so.
    pub async fn ended(&self) -> String {
        self.process.ended().await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

async fn start_once(venv: &Venv, dir: &Path) -> anyhow::Result<Ministack> {
    let port = free_port()?;
    let files = dir.join("ministack");
    if files.exists() {
        fs::remove_dir_all(&files).with_context(|| format!("removing {}", files.display()))?;
    }
    fs::create_dir_all(&files).with_context(|| format!("creating {}", files.display()))?;

    let process = Leashed::start(Program {
        name: "MiniStack",
        path: venv.program("python"),
        args: vec!["-m".into(), "ministack".into()],
        environment: BTreeMap::from([
            ("BIND_HOST", "127.0.0.1".into()),
            // The host of the queue URLs that it hands out.
            ("MINISTACK_HOST", "127.0.0.1".into()),
            ("GATEWAY_PORT", port.to_string().into()),
            ("SERVICES", "sqs,secretsmanager".into()),
            ("TMPDIR", files.clone().into()),
            ("STATE_DIR", files.join("state").into()),
            ("S3_DATA_DIR", files.join("s3").into()),
            // It cleans up containers at its start; it has none of ours, and is to touch nobody else's.
            ("DOCKER_HOST", "unix:///nonexistent".into()),
            ("SFTP_ENABLED", "0".into()),
            ("IOT_MTLS_ENABLED", "0".into()),
            ("LOG_LEVEL", "WARNING".into()),
        ]),
        user: None,
        // It keeps nothing that would have to be written.
        end_signal: "KILL",
        log: dir.join("ministack.log"),
    })?;

    let url = format!("http://127.0.0.1:{port}");
    let client = crate::http::client().timeout(Duration::from_secs(2)).build()?;
    let ready_url = format!("{url}/_ministack/ready");
    let ready = async || client.get(&ready_url).send().await.is_ok_and(|answer| answer.status().is_success());
    process.until_ready(START_LIMIT, ready).await?;
    Ok(Ministack { process, url })
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}
