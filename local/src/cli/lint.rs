//! `cargo dev lint`: `template.yaml` by `cfn-lint`'s rules, and by those that it does not know.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;
use tokio::time::timeout;

use crate::services::venv::{Requirements, Venv};
use crate::services::workspace;
use crate::stack::check_template;

const LIMIT: Duration = Duration::from_mins(2);

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let venv = Venv::of(Requirements::Lint).await?;
    let mut command = Command::new(venv.program("cfn-lint"));
    command.arg("template.yaml").current_dir(workspace::root()).kill_on_drop(true);
    let status = timeout(LIMIT, command.status()).await.context("cfn-lint did not end within two minutes")??;
    let ours = check_template();
    if let Err(error) = &ours {
        eprintln!("{error:#}");
    }
    Ok(if status.success() && ours.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
