//! `cargo dev`: what a developer runs.

use std::process::ExitCode;

use local::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
