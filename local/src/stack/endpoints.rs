//! Where a running stack can be reached: `DIR/endpoints.json`, and the note of the last stack started.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::services::workspace;

const FILE: &str = "endpoints.json";

/// What others need to know of a running stack. Addresses are without a slash at their end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    pub api: String,
    /// For the role that owns the database.
    pub database_url: String,
    /// SQS and Secrets Manager.
    pub aws: String,
    /// The simulator, whatever the functions are pointed at.
    pub zoho: String,
    pub issuer: String,
    pub control: String,
    pub logs: PathBuf,
    pub functions: Vec<String>,
    /// The key of each source of signed webhooks.
    pub webhook_secrets: BTreeMap<String, String>,
    /// Where our own webhooks arrive: the receiver's address, and the key of each endpoint.
    pub webhook_receiver: String,
    pub webhook_endpoints: BTreeMap<String, String>,
}

impl Endpoints {
    /// Those of the stack that runs in `data`, or of the last one started.
    pub fn read(data: Option<&Path>) -> anyhow::Result<Endpoints> {
        let dir = match data {
            Some(dir) => dir.to_path_buf(),
            None => fs::read_to_string(note_of_last()?)
                .map(|path| PathBuf::from(path.trim_end()))
                .context("no stack was started yet; start one with `cargo dev up`")?,
        };
        let content = fs::read(dir.join(FILE)).with_context(|| {
            format!("no stack runs in {}; start one with `cargo dev up`, or name its --data", dir.display())
        })?;
        serde_json::from_slice(&content).with_context(|| format!("reading {}", dir.join(FILE).display()))
    }

    pub(super) fn file(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    /// Writes them into the stack's directory, all at once.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        write_at_once(&Endpoints::file(dir), &serde_json::to_vec_pretty(self)?)
    }
}

/// Makes the stack in `dir` the one that commands without `--data` mean.
pub fn remember(dir: &Path) -> anyhow::Result<()> {
    write_at_once(&note_of_last()?, format!("{}\n", dir.display()).as_bytes())
}

fn note_of_last() -> anyhow::Result<PathBuf> {
    Ok(workspace::local_dir()?.join("last"))
}

fn write_at_once(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_extension("new");
    fs::remove_file(&unfinished).ok();
    // It may hold passwords.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| format!("writing {}", path.display()))
}
