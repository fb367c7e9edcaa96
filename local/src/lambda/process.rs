//! Starts a function's binary with the variables that Lambda sets, and ends it.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::Datelike as _;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{FunctionSpec, Guardian, guardian::Watched, host, log::Log, pool::Seat};

/// How long a process may take to obey SIGTERM.
const GRACE: Duration = Duration::from_millis(300);

/// A function's running process, the leader of a process group of its own; killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) pid: u32,
    // Last, so that the child is dead before its number is let go.
    _watched: Watched,
}

impl Process {
    pub(super) fn start(seat: &Seat, runtime_api: SocketAddr, log: &Log, guardian: &Arc<Guardian>) -> io::Result<Self> {
        let spec = &seat.pool.spec;
        let binary = fs::canonicalize(&spec.binary)?;
        let task_root = binary.parent().unwrap_or(Path::new("/"));
        let child = Command::new(&binary)
            .env_clear()
            .env("PATH", host::path())
            // Functions trust roots of their own (shared::tls). One that asks for the machine's, and so would read hundreds
            // of files at each cold start, finds none here and fails.
            .env("SSL_CERT_FILE", "/dev/null")
            .envs(seat.variables.iter())
            .envs(lambda_variables(spec))
            .env("LAMBDA_TASK_ROOT", task_root)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
            .current_dir(task_root)
            .stdin(Stdio::null())
            .stdout(log.stdio()?)
            .stderr(log.stdio()?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        let watched = guardian.watch(pid)?;
        Ok(Self { child, pid, _watched: watched })
    }

    /// Resolves when the process has ended, by itself or by somebody's signal. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// What Lambda does to an environment that overran its time.
    pub(super) async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        // The process is dead or was never ours to wait for; there is nothing else to do about it.
        let _status = self.child.wait().await;
    }

    pub(super) async fn terminate(&mut self) {
        self.signal(Signal::SIGTERM);
        if timeout(GRACE, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// The peak of its resident memory, where `/proc` tells it.
    pub(super) fn memory_used_mb(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes.div_ceil(1024))
    }

    /// Signals the whole group, unless the leader was waited for: its number may then be somebody else's.
    fn signal(&self, signal: Signal) {
        let leader = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(leader) = leader
            && let Err(error) = killpg(Pid::from_raw(leader), signal)
        {
            tracing::debug!(%error, pid = leader, "a function's process was gone before the signal");
        }
    }
}

fn lambda_variables(spec: &FunctionSpec) -> impl IntoIterator<Item = (&'static str, String)> {
    let today = host::now().date_naive();
    let instance = host::hex(&host::random::<16>());
    [
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name)),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("{}/{:02}/{:02}/[$LATEST]{instance}", today.year(), today.month(), today.day()),
        ),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("_HANDLER", spec.name.clone()),
    ]
}
