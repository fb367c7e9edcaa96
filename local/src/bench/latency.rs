//! How long an invocation takes: in a fresh process, and in a warm one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::time::Instant;

use super::events::{self, People};
use crate::demo::Stage;
use crate::lambda::{FunctionSpec, Lambda};
use crate::stack::build;

const COLD: usize = 20;
const WARM: usize = 2000;

pub(super) async fn measure(stage: &Stage, people: &People, release: bool) -> Result<String> {
    let mut report = String::from(
        "| function | first answer of a fresh process, p50 | warm p50 | warm p99 |\n| --- | ---: | ---: | ---: |\n",
    );
    let nothing = nothing(stage, release).await?;
    let request = events::request("sheree", "GET", "/api/user/context", None);
    row(&mut report, "nothing", &series(&nothing, "nothing", |_| Ok(request.clone())).await?);
    nothing.shutdown().await;
    let lambda = stage.stack().lambda();
    row(&mut report, "get-user-context", &series(lambda, "get-user-context", |_| Ok(request.clone())).await?);
    let new_event = |number| events::webhook(people, &format!("msg_{number}"), "PD-1");
    row(&mut report, "receive-webhook, a new event", &series(lambda, "receive-webhook", new_event).await?);
    row(
        &mut report,
        "receive-webhook, a forgery",
        &series(lambda, "receive-webhook", |_| Ok(events::forgery())).await?,
    );
    let _ = writeln!(report, "\n{COLD} fresh processes and {WARM} warm invocations of each, one after the other.\n");
    Ok(report)
}

struct Series {
    cold: Vec<Duration>,
    warm: Vec<Duration>,
}

async fn series(lambda: &Lambda, function: &str, event: impl Fn(usize) -> Result<Bytes>) -> Result<Series> {
    let mut cold = Vec::with_capacity(COLD);
    for number in 0..COLD {
        // A redeploy ends the warm process.
        lambda.restart(function).await?;
        cold.push(timed(lambda, function, event(number)?).await?);
    }
    let mut warm = Vec::with_capacity(WARM);
    for number in COLD..COLD + WARM {
        warm.push(timed(lambda, function, event(number)?).await?);
    }
    cold.sort_unstable();
    warm.sort_unstable();
    Ok(Series { cold, warm })
}

async fn timed(lambda: &Lambda, function: &str, event: Bytes) -> Result<Duration> {
    let since = Instant::now();
    lambda.invoke(function, event).await.with_context(|| format!("{function} failed"))?;
    Ok(since.elapsed())
}

async fn nothing(stage: &Stage, release: bool) -> Result<Lambda> {
    let spec = FunctionSpec {
        name: "nothing".to_owned(),
        binary: build::example("nothing", release)?,
        timeout: Duration::from_secs(10),
        memory_mb: 256,
        reserved_concurrency: None,
        environment: BTreeMap::new(),
        log: stage.stack().endpoints().logs.join("nothing.log"),
    };
    Lambda::start(vec![spec]).await
}

fn row(report: &mut String, name: &str, series: &Series) {
    let at = |sorted: &[Duration], percent: usize| percentile(sorted, percent).as_secs_f64() * 1000.0;
    let _ = writeln!(
        report,
        "| {name} | {:.1} ms | {:.2} ms | {:.2} ms |",
        at(&series.cold, 50),
        at(&series.warm, 50),
        at(&series.warm, 99)
    );
}

/// Of durations in their order.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
