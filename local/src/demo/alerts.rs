//! Workflow B: a gallery goes live, and every parent hears of it once.

use std::collections::BTreeMap;

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::registration::Cast;
use super::stage::{Stage, now};
use super::teller::{Evidence, Teller};

pub(super) async fn tell(stage: &Stage, teller: &mut Teller, cast: &Cast) -> Result<()> {
    teller.chapter("Workflow B: a gallery goes live, ENABLE_EMAIL_ALERTS off");
    cathy_registers_galleries(stage, teller).await?;
    a_forgery_comes(stage, teller).await?;
    the_first_goes_live(stage, teller).await?;

    teller.chapter("Workflow B: ENABLE_EMAIL_ALERTS on");
    the_second_goes_live(stage, teller).await?;
    everybody_hears_of_it_once(stage, teller, cast).await
}

async fn cathy_registers_galleries(stage: &Stage, teller: &mut Teller) -> Result<()> {
    for (id, title, day) in [("PD-20931", "Fall Soccer", "2026-10-03"), ("PD-20932", "Swim Meet", "2026-10-10")] {
        let body = json!({"host": "photoday", "external_host_id": id, "title": title, "event_date": day});
        stage.must("cathy", "POST", "/api/galleries", Some(&body)).await?;
    }
    let galleries =
        stage.value("select string_agg(title || ' (' || status || ')', ', ' order by title) from galleries").await?;
    teller.step(
        "Cathy registers two galleries that PhotoDay is going to publish.",
        vec![Evidence::new(
            "database",
            format!("galleries: {galleries}"),
            galleries == "Fall Soccer (Pre-Reg), Swim Meet (Pre-Reg)",
        )],
    )
}

async fn a_forgery_comes(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let status = stage.webhook("msg_forged", &published("PD-20931"), false).await?;
    let inbox = stage.value("select count(*)::text from webhook_inbox").await?;
    teller.step(
        "Somebody who is not PhotoDay says that the first one is live.",
        vec![
            Evidence::new("api", format!("POST /api/webhooks/incoming: {status}"), status == StatusCode::UNAUTHORIZED),
            Evidence::new("database", format!("webhook_inbox: {inbox} events"), inbox == "0"),
        ],
    )
}

async fn the_first_goes_live(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let status = stage.webhook("msg_1", &published("PD-20931"), true).await?;
    let held = stage.value_becomes(&alerts("Fall Soccer"), "held: 2").await?;
    let gallery = stage.value("select status::text from galleries where title = 'Fall Soccer'").await?;
    let transmissions = transmissions(&stage.zoho().await?).len();
    teller.step(
        "PhotoDay publishes the first gallery with a signed webhook. The flag is off: nobody is written to, and nothing is lost.",
        vec![
            Evidence::new("api", format!("POST /api/webhooks/incoming: {status}"), status == StatusCode::ACCEPTED),
            Evidence::new("database", format!("galleries.status of Fall Soccer: {gallery}"), gallery == "Live"),
            Evidence::new("database", format!("gallery_alerts: {held}"), held == "held: 2"),
            Evidence::new("zoho", format!("{transmissions} transmissions"), transmissions == 0),
        ],
    )
}

async fn the_second_goes_live(stage: &Stage, teller: &mut Teller) -> Result<()> {
    stage.flip("ENABLE_EMAIL_ALERTS", true).await?;
    let event = published("PD-20932");
    let mut answers = Vec::new();
    for id in ["msg_2", "msg_2", "msg_3"] {
        answers.push(stage.webhook(id, &event, true).await?.as_u16());
    }
    let sent = "select count(*)::text from gallery_alerts join galleries on galleries.id = gallery_id
                where title = 'Swim Meet' and gallery_alerts.status in ('sent', 'delivered')";
    stage.value_becomes(sent, "2").await?;
    let gallery = stage.value("select id::text from galleries where title = 'Swim Meet'").await?;
    let batch = stage.value("select id::text from alert_batches").await?;
    stage.deliver_again("FanOutGalleryQueue", &json!({"kind": "fan-out-gallery", "keys": [gallery]})).await?;
    stage.deliver_again("SendAlertsQueue", &json!({"kind": "send-alerts", "keys": [batch]})).await?;
    let inbox = stage.value("select count(*)::text from webhook_inbox where subject like '%PD-20932'").await?;
    let left = stage.queue_empties("FanOutGalleryQueue").await? + stage.queue_empties("SendAlertsQueue").await?;
    teller.step(
        "ENABLE_EMAIL_ALERTS is turned on. PhotoDay publishes the second gallery: the webhook comes three times \
         (the same one twice, and one more), and the queue delivers its messages twice.",
        vec![
            Evidence::new("api", format!("POST /api/webhooks/incoming: {answers:?}"), answers == [202, 200, 202]),
            Evidence::new("database", format!("webhook_inbox: {inbox} events, the repeated one once"), inbox == "2"),
            Evidence::new("queue", format!("{left} messages left: the repeated ones have been worked on"), left == 0),
        ],
    )
}

async fn everybody_hears_of_it_once(stage: &Stage, teller: &mut Teller, cast: &Cast) -> Result<()> {
    let delivered = stage.value_becomes(&alerts("Swim Meet"), "delivered: 2").await?;
    let parents = stage
        .value(&format!(
            "select string_agg(distinct users.email, ', ') from profiles_organizations as org
             join roster_entries on organization_id = org.user_id join athletes on athletes.id = athlete_id
             join users on users.id = parent_id where join_code = '{}'",
            cast.join_code
        ))
        .await?;
    let transmissions = transmissions(&stage.zoho().await?);
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    for recipient in transmissions.iter().flat_map(|one| one["recipients"].as_array().into_iter().flatten()) {
        *heard.entry(recipient["address"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let once =
        heard.values().all(|times| *times == 1) && heard.keys().cloned().collect::<Vec<_>>().join(", ") == parents;
    let merged = transmissions.first().and_then(|one| {
        let recipients = one["recipients"].as_array()?;
        let maria = recipients.iter().find(|one| one["address"] == "maria@example.com")?;
        Some(format!("{}: {}", maria["merge_data"]["first_name"].as_str()?, maria["merge_data"]["athletes"].as_str()?))
    });
    let merged = merged.unwrap_or_default();
    let left = stage.value_becomes("select count(*)::text from tasks", "0").await?;
    teller.step(
        "Every parent of the school gets “Your Photos are Ready” once, by name, and Zoho's receipts come back.",
        vec![
            Evidence::new(
                "zoho",
                format!("{} transmission; e-mails by address: {heard:?}", transmissions.len()),
                transmissions.len() == 1 && once,
            ),
            Evidence::new("zoho", format!("Maria's e-mail says {merged}"), merged == "Maria: Sam, Lucia"),
            Evidence::new("database", format!("gallery_alerts: {delivered}"), delivered == "delivered: 2"),
            Evidence::new("database", format!("{left} tasks left"), left == "0"),
        ],
    )
}

fn published(external_host_id: &str) -> Value {
    let url = format!("https://photos.example/{external_host_id}");
    json!({
        "type": "gallery.published",
        "timestamp": now().to_rfc3339(),
        "data": { "external_host_id": external_host_id, "public_url": url },
    })
}

/// How many alerts of a gallery stand where.
fn alerts(title: &str) -> String {
    format!(
        "select string_agg(status || ': ' || number, ', ') from (
             select alert.status::text as status, count(*)::text as number
             from gallery_alerts as alert join galleries on galleries.id = gallery_id
             where title = '{title}' group by 1 order by 1
         ) as counted"
    )
}

fn transmissions(zoho: &Value) -> Vec<Value> {
    zoho["transmissions"].as_array().cloned().unwrap_or_default()
}
