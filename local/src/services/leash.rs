//! A program on a leash: it ends when this process lets go, whether by `stop`, by dropping it, or by being killed.
//!
//! The leash is a pipe into a few lines of shell that run the program and signal it once the pipe closes, which the
//! kernel does for a process that dies of anything. (`PR_SET_PDEATHSIG` would bind it to the thread that started it.)

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::future::pending;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStdin, Command};
use tokio::sync::watch;
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
    /// The process group, by the number of the shell in it.
    group: Option<u32>,
    leash: ChildStdin,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
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
        let group = child.id();
        let (end, ended) = watch::channel(None);
        tokio::spawn(async move {
            let how = child.wait().await.map_or_else(|error| error.to_string(), words);
            end.send_replace(Some(how));
        });
        Ok(Leashed { name: program.name, log: program.log, group, leash, ended })
    }

    /// Returns when the program has ended although nobody has stopped it, with a sentence that says so.
    pub async fn ended(&self) -> String {
        let how = self.end().await;
        // Its log may quote people's data, and stays where it is.
        format!("{} has ended by itself ({how}); its log is {}", self.name, self.log.display())
    }

    /// Waits until `ready` says yes, asking every few milliseconds; an error, with the end of the log, if the program
    /// ends before that or takes longer than `limit`.
    pub async fn until_ready(&self, limit: Duration, mut ready: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
        let asking = async {
            while !ready().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            how = self.end() => bail!(self.complaint(&format!("ended ({how}) before it was ready"))),
            ready = timeout(limit, asking) => match ready {
                Ok(()) => Ok(()),
                Err(_) => bail!(self.complaint(&format!("was not ready within {} s", limit.as_secs()))),
            }
        }
    }

    /// Lets go and waits for the end; kills what does not end by itself.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Leashed { name, group, leash, mut ended, .. } = self;
        drop(leash);
        if timeout(GRACE, ended.wait_for(Option::is_some)).await.is_ok() {
            return Ok(());
        }
        if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
            // It may have ended this very moment; then there is nothing to kill.
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
        let end = timeout(GRACE, ended.wait_for(Option::is_some)).await;
        end.map(drop).with_context(|| format!("{name} does not end, not even when killed"))
    }

    async fn end(&self) -> String {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
        match how {
            Some(how) => how,
            // Whoever watched it is gone, as everything of this process will be.
            None => pending().await,
        }
    }

    fn complaint(&self, what: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        format!("{} {what}; the end of {}:\n{end}", self.name, self.log.display())
    }
}

/// How the shell, and with it the program, ended. Of a signal's number the shell makes an exit code above 128.
fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) if code > 128 => format!("signal {}", code - 128),
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
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
        let program = Leashed::start(shell(script, dir.path())).unwrap();
        program.until_ready(GRACE, async || dir.path().join("ready").exists()).await.unwrap();

        program.stop().await.unwrap();

        assert_eq!(std::fs::read_to_string(dir.path().join("ended")).unwrap(), "ended\n");
    }

    #[tokio::test]
    async fn a_program_that_ends_too_early_is_reported_with_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let program = Leashed::start(shell("echo no such table >&2; exit 3", dir.path())).unwrap();

        let error = program.until_ready(GRACE, async || false).await.unwrap_err().to_string();

        assert!(error.starts_with("test program ended (exit code 3) before it was ready"), "{error}");
        assert!(error.ends_with("no such table"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_ends_by_itself_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let failing = Leashed::start(shell("exit 3", dir.path())).unwrap();
        let killed = Leashed::start(shell("kill -s KILL $$", dir.path())).unwrap();

        let (failing, killed) = timeout(GRACE, async { (failing.ended().await, killed.ended().await) }).await.unwrap();

        let log = dir.path().join("log");
        assert_eq!(failing, format!("test program has ended by itself (exit code 3); its log is {}", log.display()));
        assert_eq!(killed, format!("test program has ended by itself (signal 9); its log is {}", log.display()));
    }

    #[tokio::test]
    async fn a_program_ends_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let script = "trap 'echo >$DIR/ended; exit' TERM; echo >$DIR/ready; while :; do sleep 0.01; done";
        let program = Leashed::start(shell(script, dir.path())).unwrap();
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
