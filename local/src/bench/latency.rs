//! How long an invocation takes: in a fresh process, and in a warm one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::time::Instant;

use super::cpu;
use super::events::{self, People};
use crate::demo::Stage;
use crate::lambda::{FunctionSpec, Lambda};
use crate::stack::build;

const COLD: usize = 20;
const WARM: usize = 2000;

pub(super) async fn measure(stage: &Stage, people: &People, release: bool) -> Result<String> {
    let mut report = String::from(
        "| function | fresh process, event to answer, p50 | of it after Init | CPU to it | warm p50 | warm p99 |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let nothing = nothing(stage, release).await?;
    let request = events::request("sheree", "GET", "/api/user/context", None);
    let logs = &stage.stack().endpoints().logs;
    row(&mut report, "nothing", &series(&nothing, "nothing", logs, |_| Ok(request.clone())).await?);
    nothing.shutdown().await;
    let lambda = stage.stack().lambda();
    row(&mut report, "get-user-context", &series(lambda, "get-user-context", logs, |_| Ok(request.clone())).await?);
    let new_event = |number| events::webhook(people, &format!("msg_{number}"), "PD-1");
    row(&mut report, "receive-webhook, a new event", &series(lambda, "receive-webhook", logs, new_event).await?);
    let forgery = |_| Ok(events::forgery());
    row(&mut report, "receive-webhook, a forgery", &series(lambda, "receive-webhook", logs, forgery).await?);
    let _ = writeln!(report, "\n{COLD} fresh processes and {WARM} warm invocations of each, one after the other.\n");
    Ok(report)
}

/// All in their order.
struct Series {
    cold: Vec<Duration>,
    /// Of the cold ones, without Init.
    first_event: Vec<Duration>,
    cpu: Vec<Duration>,
    warm: Vec<Duration>,
}

async fn series(
    lambda: &Lambda,
    function: &str,
    logs: &Path,
    event: impl Fn(usize) -> Result<Bytes>,
) -> Result<Series> {
    let mut cold = Vec::with_capacity(COLD);
    let mut cpu = Vec::with_capacity(COLD);
    for number in 0..COLD {
        // A redeploy ends the warm process.
        lambda.restart(function).await?;
        cold.push(timed(lambda, function, event(number)?).await?);
        cpu.push(cpu_of_the_only_process(lambda, function)?);
    }
    let mut warm = Vec::with_capacity(WARM);
    for number in COLD..COLD + WARM {
        warm.push(timed(lambda, function, event(number)?).await?);
    }
    let mut first_event = first_events(&logs.join(format!("{function}.log"))).await?;
    cold.sort_unstable();
    first_event.sort_unstable();
    cpu.sort_unstable();
    warm.sort_unstable();
    Ok(Series { cold, first_event, cpu, warm })
}

fn cpu_of_the_only_process(lambda: &Lambda, function: &str) -> Result<Duration> {
    let environments = lambda.environments();
    let mut processes = environments.iter().filter(|environment| environment.function == function);
    let only = processes.next().context("the process has ended")?;
    ensure!(processes.next().is_none(), "{function} has several processes");
    cpu::used(only.pid)
}

/// How long the last fresh processes had their first event, as the lines of Lambda's report say.
async fn first_events(log: &Path) -> Result<Vec<Duration>> {
    let log = tokio::fs::read_to_string(log).await.with_context(|| format!("reading {}", log.display()))?;
    let fresh = log.lines().rev().filter(|line| line.starts_with("REPORT") && line.contains("\tInit Duration: "));
    let durations = fresh.take(COLD).map(|line| -> Result<Duration> {
        let (_, duration) = line.split_once("\tDuration: ").context("a report without a duration")?;
        let milliseconds = duration.split(' ').next().unwrap_or_default().parse::<f64>()?;
        Ok(Duration::from_secs_f64(milliseconds / 1000.0))
    });
    durations.collect()
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
        "| {name} | {:.1} ms | {:.1} ms | {:.1} ms | {:.2} ms | {:.2} ms |",
        at(&series.cold, 50),
        at(&series.first_event, 50),
        at(&series.cpu, 50),
        at(&series.warm, 50),
        at(&series.warm, 99)
    );
}

/// Of durations in their order.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
