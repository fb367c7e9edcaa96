//! `cargo dev bench`.

use std::process::ExitCode;

use clap::Args;

use crate::bench::{self, Part};
use crate::print::print;

#[derive(Debug, Args)]
pub(super) struct Bench {
    /// What to measure; all of it unless said
    parts: Vec<Part>,

    /// Measures a debug build, which takes no time to build and more of everything else
    #[arg(long)]
    debug: bool,

    /// People whom the flag of the CRM finds waiting when it is turned on
    #[arg(long, value_name = "PEOPLE", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    backfill: u32,
}

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        // Boxed, as it is much larger than what other commands wait for.
        print(&Box::pin(bench::run(!self.debug, &self.parts, self.backfill)).await?)?;
        Ok(ExitCode::SUCCESS)
    }
}
