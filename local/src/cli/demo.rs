//! `cargo dev demo`.

use std::process::ExitCode;

use clap::Args;

use crate::demo::{self, Format};
use crate::print::print;
use crate::stack::Options;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Prints it for machines
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let format = if self.json { Format::Machines } else { Format::People };
        // Boxed, as it is much larger than what other commands wait for.
        let (held, story) = Box::pin(demo::tell(Options::default(), format)).await?;
        print(&story)?;
        Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
