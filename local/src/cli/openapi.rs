//! `cargo dev openapi`: makes `docs/openapi.yaml` of its parts.

use std::process::ExitCode;

use crate::openapi;
use crate::print::say;
use crate::services::workspace;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let changed = openapi::write(workspace::root())?;
    say(&format!("{} {}", openapi::DOCUMENT, if changed { "is made anew" } else { "is as its parts say" }));
    Ok(ExitCode::SUCCESS)
}
