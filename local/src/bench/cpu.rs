//! The processor time of a function's processes.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result};

/// What the living threads of a process have used until now (the first field of `schedstat`, in nanoseconds; those of `stat`
/// count in hundredths of a second, which is more than a start takes).
pub(super) fn used(pid: u32) -> Result<Duration> {
    let mut used = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("CPU times are read from /proc")? {
        match fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(times) => used += times.split(' ').next().context("an empty schedstat")?.parse::<u64>()?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("reading CPU times"),
        }
    }
    Ok(Duration::from_nanos(used))
}
