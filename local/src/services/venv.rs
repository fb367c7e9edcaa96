//! Python programs that a stack needs, each set in a virtual environment made from a pinned lock file on first use.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::workspace;
use crate::print::say;

/// One lock file in this crate's directory, and what it is for.
#[derive(Debug, Clone, Copy)]
pub enum Requirements {
    /// `MiniStack`.
    Services,
    /// The binaries of `PostgreSQL`, where none are installed.
    Postgres,
    /// The linters of the template and of the API's description.
    Lint,
    /// What `docs/middleware/scenario.py` needs.
    Middleware,
}

impl Requirements {
    fn lock_file(self) -> &'static str {
        match self {
            Requirements::Services => "local/requirements.lock",
            Requirements::Postgres => "local/requirements-postgres.lock",
            Requirements::Lint => "local/requirements-lint.lock",
            Requirements::Middleware => "local/requirements-middleware.lock",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Requirements::Services => "the local SQS and Secrets Manager",
            Requirements::Postgres => "PostgreSQL, since no version 15 or newer is installed",
            Requirements::Lint => "the linters of the template and of the API's description",
            Requirements::Middleware => "the Standard Webhooks library, for a scenario like Make's",
        }
    }
}

/// A virtual environment that is complete.
#[derive(Debug, Clone)]
pub struct Venv {
    dir: PathBuf,
}

impl Venv {
    /// The environment of these requirements; made first, which takes seconds and the network, if there is none yet for
    /// this very lock file.
    pub async fn of(requirements: Requirements) -> anyhow::Result<Venv> {
        tokio::task::spawn_blocking(move || find_or_make(requirements)).await.context("making a virtual environment")?
    }

    /// A program of one of its packages, or `python`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }

    /// The directory of a package's files, wherever this Python version puts packages.
    pub fn package(&self, name: &str) -> anyhow::Result<PathBuf> {
        let lib = self.dir.join("lib");
        fs::read_dir(&lib)
            .with_context(|| format!("reading {}", lib.display()))?
            .filter_map(Result::ok)
            .map(|entry| entry.path().join("site-packages").join(name))
            .find(|path| path.is_dir())
            .with_context(|| format!("{} has no package {name}; remove it and start again", self.dir.display()))
    }
}

fn find_or_make(requirements: Requirements) -> anyhow::Result<Venv> {
    let lock_file = workspace::root().join(requirements.lock_file());
    let content = fs::read(&lock_file).with_context(|| format!("reading {}", lock_file.display()))?;
    let home = workspace::local_dir()?.join("python");
    let dir = home.join(workspace::short_hash(&content));
    // Written last: without it, whoever was making the environment was killed half-way.
    let complete = dir.join("complete");
    if complete.exists() {
        return Ok(Venv { dir });
    }

    fs::create_dir_all(&home)?;
    let guard = File::create(dir.with_extension("lock"))?;
    guard.lock().with_context(|| format!("waiting for another process that is filling {}", dir.display()))?;
    if !complete.exists() {
        say(&format!("Installing {} into {} (once; some seconds)", requirements.purpose(), dir.display()));
        make(&dir, &lock_file)?;
        fs::write(&complete, "")?;
    }
    Ok(Venv { dir })
}

fn make(dir: &Path, lock_file: &Path) -> anyhow::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing what is left of {}", dir.display()))?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(dir)).context(
        "Python 3.10 or newer with its `venv` module is needed as `python3` (Debian: apt install python3-venv)",
    )?;
    run(Command::new(dir.join("bin/python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
            "-r",
        ])
        .arg(lock_file))
    .context("a Python package index has to be reachable for this once; pip's own settings apply")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{} {}", command.get_program().display(), {
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        args.join(" ")
    });
    let output = command.output().with_context(|| format!("starting {shown}"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "`{shown}` failed ({}):\n{}{}", output.status, stdout, stderr);
    Ok(())
}
