//! `cargo dev test`: all tests, on services that they share.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::process::Command;

use crate::services::shared::VARIABLE;
use crate::services::{Shared, workspace};
use crate::stack::build::cargo;
use crate::stack::{Directory, Options, build_functions, make_template_database};

#[derive(Debug, Args)]
pub(super) struct Test {
    /// For `cargo test --workspace`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) args: Vec<String>,
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let directory = Directory::free("test")?;
        let options = Options::default();
        let (built, shared) = tokio::join!(build_functions(&options), Shared::start(directory.path()));
        let mut shared = shared?;
        let code = async {
            built?;
            let template = make_template_database(shared.addresses(), &directory).await?;
            run_tests(shared.publish(template)?, &self.args).await
        }
        .await;
        shared.stop().await?;
        code
    }
}

/// The tests themselves take as long as they take. Ctrl-C goes to cargo as well, which then ends, and so do we.
async fn run_tests(services: &Path, args: &[String]) -> anyhow::Result<ExitCode> {
    let mut cargo = Command::new(cargo())
        .args(["test", "--workspace"])
        .args(args)
        .env(VARIABLE, services)
        .current_dir(workspace::root())
        .kill_on_drop(true)
        .spawn()
        .context("starting cargo")?;
    let status = loop {
        tokio::select! {
            status = cargo.wait() => break status.context("waiting for cargo")?,
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
