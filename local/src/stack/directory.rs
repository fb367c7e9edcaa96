//! The directory that a stack works in, and nobody beside it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Endpoints;
use crate::services::workspace;

/// More stacks than that beside each other are a loop that forgot to stop them.
const MOST: usize = 100;

/// A directory that this process holds the lock of, until it drops this or dies.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    kept: bool,
    _lock: File,
}

impl Directory {
    /// The directory somebody asked for, whose database is kept between runs.
    pub fn kept(path: &Path) -> anyhow::Result<Directory> {
        let path = std::path::absolute(path)?;
        match claim(path.clone(), true)? {
            Some(directory) => Ok(directory),
            None => bail!("another stack runs in {}; stop it, or choose another --data", path.display()),
        }
    }

    /// The first of `NAME`, `NAME-2`, `NAME-3`, … in `local`'s directory that no running stack uses.
    pub fn free(name: &str) -> anyhow::Result<Directory> {
        let parent = workspace::local_dir()?;
        for number in 1..=MOST {
            let path = if number == 1 { parent.join(name) } else { parent.join(format!("{name}-{number}")) };
            if let Some(directory) = claim(path, false)? {
                return Ok(directory);
            }
        }
        bail!("{MOST} stacks run already in {}; stop some", parent.display())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what lies in it is to be found again by the next stack.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }
}

/// Locks the directory and removes what the last stack in it said about itself; `None` if another process has the lock.
fn claim(path: PathBuf, kept: bool) -> anyhow::Result<Option<Directory>> {
    fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
    let lock = File::create(path.join("lock")).with_context(|| format!("writing into {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    let directory = Directory { path, kept, _lock: lock };
    let logs = directory.logs();
    fs::remove_file(Endpoints::file(&directory.path)).ok();
    if logs.exists() {
        fs::remove_dir_all(&logs).with_context(|| format!("removing {}", logs.display()))?;
    }
    fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
    Ok(Some(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_stack_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Directory::kept(dir.path()).unwrap();

        let second = Directory::kept(dir.path()).unwrap_err();
        assert!(second.to_string().starts_with("another stack runs in"), "{second}");

        drop(first);
        Directory::kept(dir.path()).unwrap();
    }

    #[test]
    fn what_the_last_stack_said_about_itself_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("endpoints.json"), "{}").unwrap();

        let directory = Directory::kept(dir.path()).unwrap();

        assert!(!directory.path().join("endpoints.json").exists());
    }
}
