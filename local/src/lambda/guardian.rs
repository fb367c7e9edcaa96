//! Kills the children of a stack that was itself killed with SIGKILL.
//!
//! A shell waits on a pipe whose other end only this process holds. The kernel closes that end however this process
//! dies; the shell then kills the process groups that it was told of. `PR_SET_PDEATHSIG` would need `unsafe` or one
//! more program at every cold start, exists on Linux only, and fires when the spawning *thread* ends.

use std::{
    fmt,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;

const SCRIPT: &str = r#"
trap '' INT TERM HUP
alive=' '
while read -r change group; do
    case $change in
        +) alive="$alive$group " ;;
        -) alive="${alive%% "$group" *} ${alive#* "$group" }" ;;
    esac
done
for group in $alive; do kill -s KILL -- "-$group"; done 2>/dev/null
exit 0
"#;

/// A watcher over process groups. Dropped, it kills those that are left and is gone.
pub struct Guardian {
    shell: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guardian {
    pub fn start() -> anyhow::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal must not reach it before its work is done.
            .process_group(0)
            .spawn()
            .context("cannot start /bin/sh, which ends the functions' processes if the stack is killed")?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Self { shell, pipe })
    }

    /// From now on the process group `group` does not outlive this process. The guard ends that.
    pub fn watch(self: &Arc<Self>, group: u32) -> io::Result<Watched> {
        self.tell('+', group)?;
        Ok(Watched { guardian: self.clone(), group })
    }

    fn tell(&self, change: char, group: u32) -> io::Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // One write of a few bytes, which the pipe's buffer takes at once.
        pipe.write_all(format!("{change} {group}\n").as_bytes())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.pipe.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ended = self.shell.wait();
    }
}

impl fmt::Debug for Guardian {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guardian").field("pid", &self.shell.id()).finish_non_exhaustive()
    }
}

/// A process group under watch; dropped once its leader was waited for, because the number may then be reused.
#[derive(Debug)]
pub struct Watched {
    guardian: Arc<Guardian>,
    group: u32,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A guardian that is gone watches nothing any more.
        let _gone = self.guardian.tell('-', self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_watched_dies_when_the_pipe_closes_and_what_was_let_go_lives() {
        let guardian = Arc::new(Guardian::start().unwrap());
        let (mut first, mut let_go, mut last) = (sleeper(), sleeper(), sleeper());
        for child in [&first, &let_go, &last] {
            guardian.tell('+', child.id()).unwrap();
        }
        drop(Watched { guardian: guardian.clone(), group: let_go.id() });

        drop(guardian); // closes the pipe, as the kernel does for a killed process

        assert!(!first.wait().unwrap().success());
        assert!(!last.wait().unwrap().success());
        assert!(let_go.try_wait().unwrap().is_none());
        let_go.kill().unwrap();
        let_go.wait().unwrap();
    }
}
