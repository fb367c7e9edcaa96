//! A cluster's files below a stack's directory, and the passwords that belong to them.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use super::super::{random, workspace};
use super::{Durability, Passwords, START_LIMIT};
use crate::print::say;

/// A cluster that is ready to be served.
pub(super) struct Cluster {
    pub(super) data: PathBuf,
    pub(super) passwords: Passwords,
}

impl Cluster {
    /// The cluster below `dir`, made if there is none. It comes into being whole: data and passwords are made beside
    /// their place and moved there, so that one killed half-way is simply made again.
    pub(super) async fn open(
        dir: &Path,
        bin: &Path,
        user: Option<u32>,
        durability: Durability,
    ) -> anyhow::Result<Cluster> {
        let home = home(dir, user)?;
        let data = home.join("data");
        if !home.join("passwords.json").exists() {
            let unfinished = home.with_extension("new");
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished).with_context(|| format!("removing {}", unfinished.display()))?;
            }
            workspace::create_own_dir(&unfinished)?;
            initialise(&unfinished, bin, user, durability).await?;
            if home.exists() {
                fs::remove_dir(&home).with_context(|| format!("{} is not a cluster; remove it", home.display()))?;
            }
            fs::rename(&unfinished, &home).with_context(|| format!("moving a new cluster to {}", home.display()))?;
        }
        check_version(&data, bin).await?;
        let passwords = fs::read(home.join("passwords.json"))?;
        Ok(Cluster { data, passwords: serde_json::from_slice(&passwords).context("reading passwords.json")? })
    }
}

/// The directory of the cluster: in `dir`, or, where the server's user cannot reach that, under the system's temporary
/// directory, by a name that `dir` remembers.
fn home(dir: &Path, user: Option<u32>) -> anyhow::Result<PathBuf> {
    if user.is_none() || workspace::is_reachable_by_others(dir) {
        return Ok(dir.join("postgres"));
    }
    let note = dir.join("postgres.location");
    if let Ok(place) = fs::read_to_string(&note) {
        return Ok(PathBuf::from(place.trim_end()));
    }
    let place = std::env::temp_dir().join(format!("isoxp-postgres-{}", random::password(12)?));
    fs::write(&note, format!("{}\n", place.display())).with_context(|| format!("writing {}", note.display()))?;
    say(&format!(
        "PostgreSQL does not run as root, and no other user can enter {}: its data is in {}",
        dir.display(),
        place.display()
    ));
    Ok(place)
}

async fn initialise(home: &Path, bin: &Path, user: Option<u32>, durability: Durability) -> anyhow::Result<()> {
    let passwords = Passwords {
        superuser: random::password(24)?,
        migrator: random::password(24)?,
        api: random::password(24)?,
        worker: random::password(24)?,
    };
    let data = home.join("data");
    fs::create_dir(&data)?;
    let password_file = home.join("superuser");
    write_secret(&password_file, passwords.superuser.as_bytes())?;
    if let Some(user) = user {
        chown(&data, Some(user), Some(user)).context("giving the data directory to another user")?;
        chown(&password_file, Some(user), Some(user)).context("giving the password file to another user")?;
    }

    let mut initdb = Command::new(bin.join("initdb"));
    initdb
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"])
        .args((durability == Durability::Fast).then_some("--no-sync"))
        .arg(format!("--locale={LOCALE}"))
        .args([OsStr::new("--pwfile"), password_file.as_os_str(), OsStr::new("--pgdata"), data.as_os_str()])
        .current_dir("/")
        .kill_on_drop(true);
    if let Some(user) = user {
        initdb.uid(user).gid(user);
    }
    let output = timeout(START_LIMIT * 4, initdb.output())
        .await
        .context("initdb did not end within two minutes; is the disk full or very slow?")?
        .with_context(|| format!("starting {}", bin.join("initdb").display()))?;
    ensure!(output.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&output.stderr));

    fs::remove_file(&password_file)?;
    write_secret(&home.join("passwords.json"), &serde_json::to_vec_pretty(&passwords)?)
}

/// A locale that knows upper and lower case of every script, and that each system has without further packages.
const LOCALE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// A cluster can only be served by its own major version.
async fn check_version(data: &Path, bin: &Path) -> anyhow::Result<()> {
    let made_by = fs::read_to_string(data.join("PG_VERSION"));
    let made_by = made_by.with_context(|| format!("{} is not a cluster; remove it", data.display()))?;
    let output = Command::new(bin.join("postgres")).arg("--version").output().await?;
    let installed = String::from_utf8_lossy(&output.stdout);
    if !installed.contains(&format!(" {}", made_by.trim())) {
        bail!(
            "{} was made by PostgreSQL {}, but {} is installed; remove it, or choose another --data",
            data.display(),
            made_by.trim(),
            installed.trim()
        );
    }
    Ok(())
}

fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("writing {}", path.display()))
}
