//! `cargo dev bench`: the figures that matter, measured on a release build through the local Runtime API.

mod burst;
mod cpu;
mod events;
mod latency;
mod round_trips;
mod zoho_calls;

use std::fmt::Write;

use anyhow::Result;
use clap::ValueEnum;
use tokio::time::Instant;

use crate::demo::Stage;
use crate::services::Durability;
use crate::stack::{Options, Stack, build, build_functions};

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    Latency,
    RoundTrips,
    Burst,
    Zoho,
}

/// Measures these parts, or all of them, and returns them as Markdown; on a debug build only for a quick look. `backfill` is
/// how many people wait for the flag of the CRM.
pub async fn run(release: bool, parts: &[Part], backfill: u32) -> Result<String> {
    // The figures are those of the functions, and not of a laptop's disk.
    let durability = Durability::Fast;
    let options = Options { release, schedules: false, build: false, durability, ..Options::default() };
    build_functions(&options).await?;
    build::build_example("nothing", release).await?;
    let since = Instant::now();
    let stack = Box::pin(Stack::start(options)).await?;
    let ready = since.elapsed();
    let stage = Stage::new(stack).await?;

    let mut report = String::new();
    let _ = writeln!(report, "Stack ready after {:.1} s (nothing to build).\n", ready.as_secs_f64());
    let people = events::prepare(&stage).await?;
    for part in Part::value_variants().iter().filter(|part| parts.is_empty() || parts.contains(part)) {
        report.push_str(&match part {
            Part::Latency => latency::measure(&stage, &people, release).await?,
            Part::RoundTrips => round_trips::measure(&stage, &people).await?,
            Part::Burst => burst::measure(&stage).await?,
            Part::Zoho => zoho_calls::measure(&stage, backfill).await?,
        });
    }
    stage.leave().await?;
    Ok(report)
}
