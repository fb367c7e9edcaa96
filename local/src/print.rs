//! The one place that prints: what a command was asked for goes to stdout, everything else to stderr.
//!
//! `println!` and `eprintln!` panic once the reader has closed the pipe, as after `cargo dev … | head`.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Prints a line, or several. Lines without a reader are no failure: the command itself has done its work. A
/// disk that is full is one.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match line(&mut io::stdout().lock(), text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("writing to standard output"),
    }
}

/// Says something beside the output. There is no other place to say that it could not be said.
pub(crate) fn say(text: &str) {
    line(&mut io::stderr().lock(), text).ok();
}

fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{text}")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio, exit};

    use super::*;
    use crate::services::workspace;

    const CHILD: &str = "ISOXP_TEST_PRINTS";
    const DONE: i32 = 42;

    /// In a process of its own, which waits until its standard output and error are closed.
    fn print_into_closed_pipes() -> ! {
        let ready = print("ready");
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        let printed = ready.and_then(|()| print("a line")).and_then(|()| print(&"many lines\n".repeat(100_000)));
        say("something");
        exit(if printed.is_ok() { DONE } else { 1 })
    }

    #[test]
    fn a_process_whose_output_is_read_no_more_goes_on_to_its_own_end() {
        if workspace::variable(CHILD).is_some() {
            print_into_closed_pipes();
        }
        let this = "print::tests::a_process_whose_output_is_read_no_more_goes_on_to_its_own_end";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();

        // The harness in there is not prepared for what follows, and has said its own by then.
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.ends_with("ready")));
        drop((said, child.stderr.take()));
        drop(child.stdin.take());

        assert_eq!(child.wait().unwrap().code(), Some(DONE));
    }

    #[test]
    fn a_line_that_cannot_be_written_for_another_reason_is_an_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");

        // Only Linux has it.
        let Ok(mut full) = full else { return };
        assert_eq!(line(&mut full, "a line").unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
