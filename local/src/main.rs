//! `cargo dev`: what a developer runs.

use std::process::ExitCode;

use local::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await.unwrap_or_else(|error| {
        // The whole chain on one line: what was being done, and why it failed.
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
