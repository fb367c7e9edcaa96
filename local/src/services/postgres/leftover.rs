//! What a killed stack may have left: a server that still runs on its data, or only the file that says so.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const LIMIT: Duration = Duration::from_secs(20);

/// Ends the server that runs on `data`, if one does, and clears a `postmaster.pid` that no server stands behind.
pub(super) async fn end(data: &Path) -> anyhow::Result<()> {
    let pid_file = data.join("postmaster.pid");
    let since = Instant::now();
    while let Ok(content) = fs::read_to_string(&pid_file) {
        match judge(&content, data, command_line) {
            Leftover::Stale => {
                fs::remove_file(&pid_file).with_context(|| format!("removing the stale {}", pid_file.display()))?;
            }
            Leftover::Running(server) => {
                if since.elapsed() > LIMIT {
                    bail!("PostgreSQL (process {server}) still runs on {} and does not end; end it", data.display());
                }
                // A fast shutdown; it does no harm to one that is already on its way, as it is when its leash just
                // broke. A server that is gone by now has no use for the signal.
                kill(server, Signal::SIGINT).ok();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Leftover {
    Stale,
    Running(Pid),
}

/// Whether the process that a `postmaster.pid` names is still this cluster's server: its number may be another
/// program's by now.
fn judge(pid_file: &str, data: &Path, command_line: impl Fn(Pid) -> Option<String>) -> Leftover {
    let pid = pid_file.lines().next().and_then(|line| line.trim().parse().ok()).map(Pid::from_raw);
    let is_server = |line: String| line.contains("postgres") && line.contains(&*data.to_string_lossy());
    match pid {
        Some(pid) if pid.as_raw() > 1 && command_line(pid).is_some_and(is_server) => Leftover::Running(pid),
        _ => Leftover::Stale,
    }
}

fn command_line(pid: Pid) -> Option<String> {
    let output = Command::new("ps").args(["-ww", "-o", "args=", "-p"]).arg(pid.to_string()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PID_FILE: &str = "4242\n/data/one\n1790000000\n40001\n";

    fn judged(command_line: Option<&str>) -> Leftover {
        judge(PID_FILE, Path::new("/data/one"), |_| command_line.map(str::to_owned))
    }

    #[test]
    fn a_server_on_the_same_data_is_running() {
        assert_eq!(judged(Some("/usr/bin/postgres -D /data/one -c port=1")), Leftover::Running(Pid::from_raw(4242)));
    }

    #[test]
    fn a_file_without_its_process_is_stale() {
        assert_eq!(judged(None), Leftover::Stale);
    }

    #[test]
    fn a_number_that_another_program_has_by_now_is_stale() {
        assert_eq!(judged(Some("/usr/bin/vi notes")), Leftover::Stale);
        assert_eq!(judged(Some("/usr/bin/postgres -D /data/two")), Leftover::Stale);
    }

    #[test]
    fn a_file_that_was_cut_short_is_stale() {
        assert_eq!(judge("", Path::new("/data/one"), |_| Some("postgres -D /data/one".into())), Leftover::Stale);
    }

    #[tokio::test]
    async fn a_stale_file_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, format!("{}\n{}\n", std::process::id(), dir.path().display())).unwrap();

        end(dir.path()).await.unwrap();

        assert!(!file.exists());
    }
}
