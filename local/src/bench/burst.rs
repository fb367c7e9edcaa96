//! A burst of webhooks: two thousand events from fifty senders, three in ten of them copies, through the HTTP API.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::cpu;
use crate::demo::{Stage, now};

const EVENTS: usize = 2000;
const COPIES: usize = 600;
const SENDERS: usize = 50;

pub(super) async fn measure(stage: &Stage) -> Result<String> {
    // All processes of the function begin here, so that what they have used by the end is what the burst has cost.
    stage.stack().lambda().restart("receive-webhook").await?;
    let happened = now().to_rfc3339();
    let since = Instant::now();
    let statuses: Vec<StatusCode> = stream::iter(0..EVENTS)
        .map(|number| send(stage, number % (EVENTS - COPIES), &happened))
        .buffer_unordered(SENDERS)
        .try_collect()
        .await?;
    let seconds = since.elapsed().as_secs_f64();

    let of = |status: StatusCode| statuses.iter().filter(|one| **one == status).count();
    let (new, copies) = (of(StatusCode::ACCEPTED), of(StatusCode::OK));
    ensure!((new, copies) == (EVENTS - COPIES, COPIES), "{new} events were new and {copies} copies: {statuses:?}");
    let kept = stage.value("select count(*)::text from webhook_inbox where event_id like 'burst%'").await?;
    ensure!(kept == new.to_string(), "the inbox has {kept} events, not {new}");

    let processes: Vec<u32> = stage
        .stack()
        .lambda()
        .environments()
        .iter()
        .filter(|environment| environment.function == "receive-webhook")
        .map(|environment| environment.pid)
        .collect();
    let cpu = processes.iter().map(|pid| cpu::used(*pid)).sum::<Result<Duration>>()?.as_secs_f64();
    let mut report = String::from(
        "| burst of webhooks | events a second | CPU of receive-webhook per event | its processes |\n| --- | ---: | ---: | ---: |\n",
    );
    let _ = writeln!(
        report,
        "| {EVENTS} events of {SENDERS} senders, {COPIES} of them copies | {:.0} | {:.2} ms | {} |",
        f64::from(u32::try_from(EVENTS)?) / seconds,
        cpu * 1000.0 / f64::from(u32::try_from(EVENTS)?),
        processes.len()
    );
    report.push_str("\nWith the start of its processes. Nothing was lost and nothing doubled.\n\n");
    Ok(report)
}

/// An order, kept until its buyer appears.
async fn send(stage: &Stage, number: usize, happened: &str) -> Result<StatusCode> {
    let data = json!({ "order_id": format!("burst-{number}"), "buyer_email": format!("burst-{number}@example.com") });
    let body = json!({ "type": "order.created", "timestamp": happened, "data": data });
    stage.webhook(&format!("burst_{number}"), &body, true).await
}
