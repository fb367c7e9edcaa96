//! `cargo dev lint`: `template.yaml` by `cfn-lint`'s rules and by those that it does not know, `docs/openapi.yaml` by
//! those of OpenAPI.

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
    let template = accepts(&venv, "cfn-lint", "template.yaml").await?;
    let document = accepts(&venv, "openapi-spec-validator", "docs/openapi.yaml").await?;
    let ours = check_template();
    if let Err(error) = &ours {
        eprintln!("{error:#}");
    }
    Ok(if template && document && ours.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a linter has nothing against a file; what it has it prints.
async fn accepts(venv: &Venv, linter: &str, file: &str) -> anyhow::Result<bool> {
    let mut command = Command::new(venv.program(linter));
    command.arg(file).current_dir(workspace::root()).kill_on_drop(true);
    let status = timeout(LIMIT, command.status()).await;
    Ok(status.with_context(|| format!("{linter} did not end within two minutes"))??.success())
}
