//! The one place that prints: what a command was asked for goes to stdout, everything else to stderr.

#[expect(clippy::print_stdout, reason = "it is what the commands are for")]
pub(super) fn print(text: &str) {
    println!("{text}");
}
