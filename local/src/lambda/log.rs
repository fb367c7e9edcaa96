//! A function's log file, with the lines that Lambda itself writes around each event.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    process::Stdio,
    time::Duration,
};

/// Opened for appending, so that the function's own output and Lambda's lines interleave without overwriting.
#[derive(Debug)]
pub(super) struct Log(File);

impl Log {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(Self)
    }

    /// For a child's stdout or stderr.
    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }

    pub(super) fn start(&self, request_id: &str) {
        self.line(&format!("START RequestId: {request_id} Version: $LATEST"));
    }

    pub(super) fn end(&self, report: &Report<'_>) {
        let Report { request_id, duration, memory_mb, .. } = report;
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let took = milliseconds(*duration);
        let used = report.memory_used_mb.map(|used| format!("\tMax Memory Used: {used} MB")).unwrap_or_default();
        let init = report.init.map(|init| format!("\tInit Duration: {:.2} ms", milliseconds(init))).unwrap_or_default();
        self.line(&format!(
            "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {took:.2} ms\t\
             Billed Duration: {:.0} ms\tMemory Size: {memory_mb} MB{used}{init}",
            took.ceil()
        ));
    }

    /// One write, so that lines of several environments do not mix. A full disk must not stop the function.
    pub(super) fn line(&self, line: &str) {
        if let Err(error) = (&self.0).write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "a function's log cannot be written");
        }
    }
}

/// What Lambda reports of one event.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) duration: Duration,
    pub(super) memory_mb: u32,
    pub(super) memory_used_mb: Option<u64>,
    /// Of the environment's first event only.
    pub(super) init: Option<Duration>,
}
