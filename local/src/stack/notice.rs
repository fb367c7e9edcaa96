//! `DIR/endpoints.json`, there for as long as the stack runs, and no longer even if it is killed: whoever waits for the
//! next stack in the same directory must not take the last one's addresses for its.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::Endpoints;

/// Waits for its input to close, as the kernel sees to when this process dies, and removes the file.
const SCRIPT: &str = r#"trap '' INT TERM HUP; while read -r _; do :; done; rm -f -- "$1""#;
const LIMIT: Duration = Duration::from_secs(5);

/// The file. Dropping this removes it.
#[derive(Debug)]
pub(super) struct Notice {
    remover: Child,
    input: ChildStdin,
}

impl Notice {
    pub(super) fn post(endpoints: &Endpoints, dir: &Path) -> Result<Notice> {
        let file = Endpoints::file(dir);
        let notice = Notice::removing(file).context("starting /bin/sh, which removes endpoints.json in the end")?;
        endpoints.write(dir)?;
        Ok(notice)
    }

    fn removing(file: PathBuf) -> Result<Notice> {
        let mut remover = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "remover"])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is not for it.
            .process_group(0)
            .spawn()?;
        let input = remover.stdin.take().context("it has no standard input")?;
        Ok(Notice { remover, input })
    }

    /// Removes the file, and returns when it is gone.
    pub(super) async fn remove(self) {
        let Notice { mut remover, input } = self;
        drop(input);
        // A file that stays behind is removed by the next stack.
        let _late = timeout(LIMIT, remover.wait()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_goes_with_whoever_posted_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("endpoints.json");
        std::fs::write(&file, "{}").unwrap();

        let notice = Notice::removing(file.clone()).unwrap();
        assert!(file.exists());
        notice.remove().await;

        assert!(!file.exists());
    }
}
