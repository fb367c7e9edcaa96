//! `cargo dev bench`.

use std::process::ExitCode;

use super::print::print;
use crate::bench;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    print(&bench::run().await?);
    Ok(ExitCode::SUCCESS)
}
