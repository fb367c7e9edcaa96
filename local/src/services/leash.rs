//! A program on a leash: it ends when this process lets go, whether by `stop`, by dropping it, or by being killed.
//!
//! The leash is a pipe into a few lines of shell that run the program and signal it once the pipe closes, which the
//! kernel does for a process that dies of anything. (`PR_SET_PDEATHSIG` would bind it to the thread that started it.)

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

const SCRIPT: &str = r#"
signal=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
{ while read -r _ <&3; do :; done; kill -s "$signal" "$program"; } 2>/dev/null &
watcher=$!
wait "$program"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"#;

/// How long a program may take to end after its signal before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// What to run, and how to end it.
#[derive(Debug)]
pub struct Program {
    /// What messages call it.
    pub name: &'static str,
    pub path: PathBuf,
    pub args: Vec<OsString>,
    /// Its whole environment, beside `PATH`.
    pub environment: BTreeMap<&'static str, OsString>,
    /// Another user and group to run as.
    pub user: Option<u32>,
    /// The signal that ends it, as `kill -s` calls it.
    pub end_signal: &'static str,
    /// Takes what it prints; overwritten.
    pub log: PathBuf,
}

/// A running program.
#[derive(Debug)]
pub struct Leashed {
    name: &'static str,
    log: PathBuf,
    child: Child,
    leash: ChildStdin,
}

impl Leashed {
    pub fn start(program: Program) -> anyhow::Result<Leashed> {
        let output = File::create(&program.log).with_context(|| format!("creating {}", program.log.display()))?;
        let errors = output.try_clone().context("sharing the log file")?;
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(SCRIPT)
            .arg(program.name)
            .arg(program.end_signal)
            .arg(&program.path)
            .args(&program.args)
            .env_clear()
            .envs(super::workspace::variable("PATH").map(|path| ("PATH", path)))
            .envs(&program.environment)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C in the terminal is for us: we end our programs in our order.
            .process_group(0);
        if let Some(user) = program.user {
            command.uid(user).gid(user);
        }
        let mut child = command.spawn().with_context(|| format!("starting {}", program.name))?;
        let leash = child.stdin.take().context("the program has no standard input")?;
        Ok(Leashed { name: program.name, log: program.log, child, leash })
    }

    /// Waits until `ready` says yes, asking every few milliseconds; an error, with the end of the log, if the program
    /// ends before that or takes longer than `limit`.
    pub async fn until_ready(&mut self, limit: Duration, mut ready: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
        let answer = timeout(limit, async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return Ok::<_, std::io::Error>(Some(status));
                }
                if ready().await {
                    return Ok(None);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        match answer {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(status))) => bail!(self.complaint(&format!("ended ({}) before it was ready", words(status)))),
            Ok(Err(error)) => Err(error).with_context(|| format!("watching {}", self.name)),
            Err(_) => bail!(self.complaint(&format!("was not ready within {} s", limit.as_secs()))),
        }
    }

    /// Lets go and waits for the end; kills what does not end by itself.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Leashed { name, mut child, leash, .. } = self;
        let group = child.id();
        drop(leash);
        if timeout(GRACE, child.wait()).await.is_ok() {
            return Ok(());
        }
        if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
            // It may have ended this very moment; then there is nothing to kill.
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
        timeout(GRACE, child.wait()).await.with_context(|| format!("{name} does not end, not even when killed"))??;
        Ok(())
    }

    fn complaint(&self, what: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        format!("{} {what}; the end of {}:\n{end}", self.name, self.log.display())
    }
}

fn words(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shell(script: &str, dir: &Path) -> Program {
        Program {
            name: "test program",
            path: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            environment: BTreeMap::from([("DIR", dir.into())]),
            user: None,
            end_signal: "TERM",
            log: dir.join("log"),
        }
    }

    #[tokio::test]
    async fn a_program_gets_its_signal_when_it_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let script = "trap 'echo ended >$DIR/ended; exit' TERM; echo >$DIR/ready; while :; do sleep 0.01; done";
        let mut program = Leashed::start(shell(script, dir.path())).unwrap();
        program.until_ready(GRACE, async || dir.path().join("ready").exists()).await.unwrap();

        program.stop().await.unwrap();

        assert_eq!(std::fs::read_to_string(dir.path().join("ended")).unwrap(), "ended\n");
    }

    #[tokio::test]
    async fn a_program_that_ends_too_early_is_reported_with_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = Leashed::start(shell("echo no such table >&2; exit 3", dir.path())).unwrap();

        let error = program.until_ready(GRACE, async || false).await.unwrap_err().to_string();

        assert!(error.starts_with("test program ended (exit code 3) before it was ready"), "{error}");
        assert!(error.ends_with("no such table"), "{error}");
    }

    #[tokio::test]
    async fn a_program_ends_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let script = "trap 'echo >$DIR/ended; exit' TERM; echo >$DIR/ready; while :; do sleep 0.01; done";
        let mut program = Leashed::start(shell(script, dir.path())).unwrap();
        program.until_ready(GRACE, async || dir.path().join("ready").exists()).await.unwrap();

        drop(program);

        let ended = async {
            while !dir.path().join("ended").exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(GRACE, ended).await.unwrap();
    }
}
