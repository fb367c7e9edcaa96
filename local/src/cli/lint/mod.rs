//! `cargo dev lint`: `template.yaml` by `cfn-lint`'s rules, by SAM's own transform and by the rules that neither knows,
//! `docs/openapi.yaml` by those of OpenAPI, against its parts and by what generators of clients need.

mod transform;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;
use tokio::time::timeout;

use crate::openapi;
use crate::print::say;
use crate::services::venv::{Requirements, Venv};
use crate::services::workspace;
use crate::stack::check_template;

const LIMIT: Duration = Duration::from_mins(2);

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let venv = Venv::of(Requirements::Lint).await?;
    let template = accepts(&venv, "cfn-lint", "template.yaml").await?;
    let document = accepts(&venv, "openapi-spec-validator", openapi::DOCUMENT).await?;
    let deployable = transform::findings(&venv, Path::new("template.yaml")).await?;
    for finding in &deployable {
        say(finding);
    }
    let ours = [check_template(), openapi::check(workspace::root())];
    for error in ours.iter().filter_map(|checked| checked.as_ref().err()) {
        say(&format!("{error:#}"));
    }
    let good = template && document && deployable.is_empty() && ours.iter().all(Result::is_ok);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a linter has nothing against a file; what it has it prints.
async fn accepts(venv: &Venv, linter: &str, file: &str) -> anyhow::Result<bool> {
    let mut command = Command::new(venv.program(linter));
    command.arg(file).current_dir(workspace::root()).kill_on_drop(true);
    let status = timeout(LIMIT, command.status()).await;
    Ok(status.with_context(|| format!("{linter} did not end within two minutes"))??.success())
}
