//! `cargo dev bench`: the figures that matter, measured on a release build through the local Runtime API.

mod burst;
mod events;
mod latency;
mod round_trips;
mod zoho_calls;

use std::fmt::Write;

use anyhow::Result;
use tokio::time::Instant;

use crate::demo::Stage;
use crate::services::Durability;
use crate::stack::{Options, Stack, build, build_functions};

/// Measures everything and returns it as Markdown; on a debug build only for a quick look. `backfill` is how many people
/// wait for the flag of the CRM.
pub async fn run(release: bool, backfill: u32) -> Result<String> {
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
    report.push_str(&latency::measure(&stage, &people, release).await?);
    report.push_str(&round_trips::measure(&stage, &people).await?);
    report.push_str(&burst::measure(&stage).await?);
    report.push_str(&zoho_calls::measure(&stage, backfill).await?);
    stage.leave().await?;
    Ok(report)
}
