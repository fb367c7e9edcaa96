//! What people cost at Zoho: a hundred new ones, unchanged ones, edited ones, all who waited for the flag; and how long it
//! takes until an edit of sales stands in a profile.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::latency::percentile;
use crate::demo::Stage;

/// The calls that are told one by one.
const OPERATIONS: [&str; 5] = ["coql", "get-records", "upsert", "update", "add-tags"];
const EDITS: usize = 200;
/// Nothing gets done for so long only if something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) async fn measure(stage: &Stage, backfill: u32) -> Result<String> {
    // Whoever is left from before does not count.
    drain(stage).await?;
    let mut report = head("people");
    for (what, change) in [
        ("100 new ones with 1 sport each".to_owned(), new_parents("one", 100, 1)),
        ("100 new ones with 10 sports each".to_owned(), new_parents("ten", 100, 10)),
        ("100 unchanged ones, asked for again".to_owned(), asked_again("one")),
        ("100 edited ones".to_owned(), format!("{} {}", edited("one"), asked_again("one"))),
        (format!("backfill of {backfill} with 2 sports each"), new_parents("many", backfill, 2)),
    ] {
        stage.execute(&change).await?;
        let before = stage.zoho().await?;
        let since = Instant::now();
        drain(stage).await?;
        let seconds = since.elapsed().as_secs_f64();
        report.push_str(&row(&what, &before, &stage.zoho().await?, seconds));
    }
    report.push_str("\nWithout the token, one call an hour for all of them, and while Zoho tells us of nothing.\n\n");
    report.push_str(&told_of_our_own(stage).await?);
    report.push_str(&from_sales(stage).await?);
    Ok(report)
}

fn head(what: &str) -> String {
    format!(
        "| {what} | calls | of which {} | credits | seconds |\n| --- | ---: | --- | ---: | ---: |\n",
        OPERATIONS.join(", ")
    )
}

/// The same with the channel open: a Zoho that tells of our own writes too has us look at each once more.
async fn told_of_our_own(stage: &Stage) -> Result<String> {
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    stage.invoke("renew-zoho-watch").await?;
    let mut report = head("people, and Zoho tells of our own writes");
    for (what, change) in [
        ("100 new ones with 1 sport each", new_parents("told", 100, 1)),
        ("100 edited ones", format!("{} {}", edited("told"), asked_again("told"))),
    ] {
        stage.execute(&change).await?;
        let before = stage.zoho().await?;
        let since = Instant::now();
        drain(stage).await?;
        // Notifications are on their way still.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drain(stage).await?;
        let seconds = since.elapsed().as_secs_f64() - 1.0;
        report.push_str(&row(what, &before, &stage.zoho().await?, seconds));
    }
    report.push('\n');
    Ok(report)
}

fn row(what: &str, before: &Value, after: &Value, seconds: f64) -> String {
    let calls = |operation: &str| number(&after["calls"][operation]) - number(&before["calls"][operation]);
    let all: u64 =
        after["calls"].as_object().into_iter().flatten().map(|(name, _)| calls(name)).sum::<u64>() - calls("token");
    let parts: Vec<String> = OPERATIONS.iter().map(|operation| calls(operation).to_string()).collect();
    let credits = number(&after["credits"]) - number(&before["credits"]);
    format!("| {what} | {all} | {} | {credits} | {seconds:.1} |\n", parts.join(", "))
}

/// From an edit in the CRM to the profile that has it, one after the other, by way of a notification.
async fn from_sales(stage: &Stage) -> Result<String> {
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    let contacts = stage.zoho().await?["contacts"].clone();
    let contacts = contacts.as_array().context("the CRM has Contacts")?;
    let parents =
        contacts.iter().filter(|contact| contact["Email"].as_str().is_some_and(|email| email.starts_with("bench-")));
    let mut waits = Vec::with_capacity(EDITS);
    for (contact, place) in parents.zip(0..EDITS) {
        let name = format!("Edited {place}");
        let edit = json!({ "module": "Contacts", "id": contact["id"], "fields": { "First_Name": name } });
        let since = Instant::now();
        stage.control("edit", &edit).await?;
        let there = format!("select count(*)::text from profiles_parents where first_name = '{name}'");
        while stage.value(&there).await? != "1" {
            ensure!(since.elapsed() < Duration::from_secs(30), "an edit of sales did not come in");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        waits.push(since.elapsed());
    }
    stage.flip("ENABLE_ZOHO_SYNC", false).await?;
    waits.sort_unstable();
    let shown = |percent: usize| format!("{:.0} ms", percentile(&waits, percent).as_secs_f64() * 1000.0);
    Ok(format!(
        "| an edit in the CRM → in the profile | p50 | p99 |\n| --- | ---: | ---: |\n| {EDITS}, one after the other, by notification | {} | {} |\n\n",
        shown(50),
        shown(99)
    ))
}

/// The flag is on until nobody waits any more.
async fn drain(stage: &Stage) -> Result<()> {
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    stage.sweep().await?;
    let query = "select count(*)::text from tasks where kind in ('sync-zoho', 'pull-zoho')";
    let (mut left, mut since) = (String::new(), Instant::now());
    while left != "0" {
        let now = stage.value(query).await?;
        if now != left {
            (left, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < PATIENCE, "{left} tasks of the CRM do not get done");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.flip("ENABLE_ZOHO_SYNC", false).await
}

/// Users, profiles and tasks, as registrations leave them.
fn new_parents(name: &str, people: u32, sports: usize) -> String {
    const SPORTS: [&str; 10] =
        ["Soccer", "Tennis", "Golf", "Rugby", "Judo", "Diving", "Rowing", "Cricket", "Fencing", "Archery"];
    let list = SPORTS[..sports].iter().map(|sport| format!("'{sport}'")).collect::<Vec<_>>().join(", ");
    format!(
        "with new as (
             insert into users (id, email, auth_provider_id, role)
             select new_uuid_v7(), 'bench-{name}-' || n || '@example.com', 'bench-{name}-' || n, 'parent'
             from generate_series(1, {people}) as n
             returning id
         ),
         profile as (
             insert into profiles_parents (user_id, first_name, last_name, sport_interests)
             select id, 'Parent', 'Bench', array[{list}] from new
         )
         insert into tasks (kind, key, not_before, dispatch_at) select 'sync-zoho', id, now(), now() from new;"
    )
}

/// Their phone numbers, as a profile's edit leaves them.
fn edited(name: &str) -> String {
    format!(
        "update profiles_parents set phone_number = '+13125550' || to_char(100 + random() * 899, 'FM000')
         from users where users.id = user_id and email like 'bench-{name}-%';"
    )
}

fn asked_again(name: &str) -> String {
    format!(
        "insert into tasks (kind, key, not_before, dispatch_at)
         select 'sync-zoho', id, now(), now() from users where email like 'bench-{name}-%';"
    )
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
