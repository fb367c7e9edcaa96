//! `cargo dev bench`.

use std::process::ExitCode;

use clap::Args;

use super::print::print;
use crate::bench;

#[derive(Debug, Args)]
pub(super) struct Bench {
    /// Measures debug binaries, which take no time to build and more of everything else
    #[arg(long)]
    debug: bool,
}

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        print(&bench::run(!self.debug).await?);
        Ok(ExitCode::SUCCESS)
    }
}
