//! What a thousand new users cost at Zoho, with one sport and with ten.

use std::fmt::Write;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use crate::demo::Stage;

const USERS: u32 = 1000;

pub(super) async fn measure(stage: &Stage) -> Result<String> {
    let mut report = format!(
        "| {USERS} new users | calls | of which token, coql, upsert, add-tags | credits | seconds |\n| --- | ---: | --- | ---: | ---: |\n"
    );
    for sports in [1, 10] {
        // Whoever is left from before does not count.
        drain(stage).await?;
        let before = stage.zoho().await?;
        stage.execute(&new_users(sports)).await?;
        let since = Instant::now();
        drain(stage).await?;
        let seconds = since.elapsed().as_secs_f64();
        let after = stage.zoho().await?;
        let calls = |operation: &str| number(&after["calls"][operation]) - number(&before["calls"][operation]);
        let all: u64 = after["calls"].as_object().into_iter().flatten().map(|(name, _)| calls(name)).sum();
        let credits = number(&after["credits"]) - number(&before["credits"]);
        let parts = format!("{}, {}, {}, {}", calls("token"), calls("coql"), calls("upsert"), calls("add-tags"));
        let _ = writeln!(
            report,
            "| {sports} sport{} each | {all} | {parts} | {credits} | {seconds:.1} |",
            if sports == 1 { "" } else { "s" }
        );
    }
    report.push('\n');
    Ok(report)
}

async fn drain(stage: &Stage) -> Result<()> {
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    stage.sweep().await?;
    let left = stage.value_becomes("select count(*)::text from tasks where kind = 'sync-zoho'", "0").await?;
    ensure!(left == "0", "{left} tasks of sync-zoho did not get done");
    stage.flip("ENABLE_ZOHO_SYNC", false).await
}

/// Users, profiles and tasks, as a thousand registrations leave them.
fn new_users(sports: usize) -> String {
    const SPORTS: [&str; 10] =
        ["Soccer", "Tennis", "Golf", "Rugby", "Judo", "Diving", "Rowing", "Cricket", "Fencing", "Archery"];
    let list = SPORTS[..sports].iter().map(|sport| format!("'{sport}'")).collect::<Vec<_>>().join(", ");
    format!(
        "with new as (
             insert into users (id, email, auth_provider_id, role)
             select new_uuid_v7(), 'bench-{sports}-' || n || '@example.com', 'bench-{sports}-' || n, 'parent'
             from generate_series(1, {USERS}) as n
             returning id
         ),
         profile as (
             insert into profiles_parents (user_id, first_name, last_name, sport_interests)
             select id, 'Parent', 'Bench', array[{list}] from new
         )
         insert into tasks (kind, key, not_before, dispatch_at) select 'sync-zoho', id, now(), now() from new"
    )
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
