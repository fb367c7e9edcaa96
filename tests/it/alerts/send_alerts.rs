//! "Your photos are ready": a gallery goes live and its parents hear of it, once.

use std::collections::BTreeMap;

use local::stack::Options;
use serde_json::{Value, json};
use tests::{System, Webhook, fixture, parent, sheree};

use super::school_with_sheree;

const ON: &[&str] = &["ENABLE_EMAIL_ALERTS"];

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_says_who_she_is_whose_photos_they_are_and_where() {
    let system = System::with(ON).await;
    let school = system.school().await;
    let other_school = system.school_of("carla").await;
    let dana = system.register("dana", &parent("Dana", &["Kim", "Lee", "Max"], &school.join_code)).await;
    let max = json!([dana.body["athletes"][2]["id"]]);
    // Max plays elsewhere.
    system.rows("delete from roster_entries where athlete_id = $1", &[&dana.id("/athletes/2/id")]).await;
    system.post("/api/rosters", "dana", &json!({"join_code": other_school.join_code, "athlete_ids": max})).await;
    system.gallery("PD-1").await;
    system.keep_receipts().await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"]).await;

    let transmissions = system.transmissions().await;
    let batch = system.batch().await;
    let alert: uuid::Uuid = system.value("select id from gallery_alerts", &[]).await;
    assert_eq!(transmissions[0]["transmission_name"], json!(batch));
    assert_eq!(transmissions[0]["content"]["template_id"], "1093639000412559078");
    assert_eq!(
        transmissions[0]["recipients"],
        json!([{
            "address": "dana@example.com",
            "name": "Dana",
            "additional_data": { "alert": alert },
            "merge_data": {
                "first_name": "Dana",
                "athletes": "Kim, Lee",
                "gallery": "Fall Soccer",
                "gallery_url": "https://photos.example/PD-1",
            },
        }])
    );
    let transmission: String = system.value("select transmission_id from alert_batches", &[]).await;
    assert_eq!(transmissions[0]["transmission_id"], json!(transmission));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn athletes_are_not_named_where_the_setting_says_so() {
    let set = [("ENABLE_EMAIL_ALERTS", "true"), ("ALERTS_NAME_ATHLETES", "false")];
    let set: BTreeMap<String, String> = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let system = System::with_options(Options { set, ..Options::default() }).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.gallery("PD-1").await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered"]).await;

    let recipients = system.recipients().await;
    assert_eq!(recipients[0]["merge_data"]["athletes"], "");
    assert!(!json!(recipients).to_string().contains("Jordan"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_held_when_the_flag_goes_off_before_they_are_sent() {
    let system = school_with_sheree(ON).await;
    system.pause("send-alerts").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["queued"]).await;
    // Nobody is left who has begun under the old flag.
    system.woken().await;

    system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["held"]).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;

    assert_eq!((system.alerts().await, system.batches().await), (vec!["held".to_owned()], vec!["held".to_owned()]));
    assert_eq!(system.calls("transmission").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_held_when_the_gallery_is_archived_before_they_are_sent() {
    let system = school_with_sheree(ON).await;
    system.pause("send-alerts").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["queued"]).await;

    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;
    system.let_an_hour_pass().await;
    system.sweep().await;

    system.alerts_become(&["held"]).await;
    assert_eq!(system.calls("transmission").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_exist_is_not_written_to_again() {
    let system = school_with_sheree(ON).await;
    let code: String = system.value("select join_code from profiles_organizations", &[]).await;
    system.register("dana", &parent("Dana", &["Kim"], &code)).await;
    system.gallery("PD-2").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered", "delivered"]).await;
    let bounce =
        json!({"transmission_name": system.batch().await, "action": "bounce", "address": "sheree@example.com"});

    system.zoho_post("receipts", &bounce).await;
    let after_the_bounce = system.alerts().await;
    system.send_webhook(&Webhook::gallery_published("PD-2")).await;
    system.alerts_become(&["bounced", "delivered", "delivered", "suppressed"]).await;

    assert_eq!(after_the_bounce, ["bounced", "delivered"]);
    assert_eq!(system.addresses().await, ["dana@example.com", "dana@example.com", "sheree@example.com"]);
    let reason: String = system.value("select reason from email_suppressions", &[]).await;
    assert_eq!(reason, "bounce");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_written_to_the_next_time() {
    let system = school_with_sheree(ON).await;
    system.gallery("PD-2").await;
    system.keep_receipts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"]).await;
    let bounce = json!({"transmission_name": system.batch().await, "action": "bounce", "bounce_type": "soft"});

    system.zoho_post("receipts", &bounce).await;
    system.send_webhook(&Webhook::gallery_published("PD-2")).await;
    system.alerts_become(&["sent", "sent"]).await;

    assert_eq!(system.addresses().await, ["sheree@example.com", "sheree@example.com"]);
    assert_eq!(system.count("email_suppressions").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_suppressed_addresses_is_skipped() {
    let system = school_with_sheree(ON).await;
    system.rows("insert into email_suppressions values (sha256('sheree@example.com'), 'spam')", &[]).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["suppressed"]).await;

    assert_eq!(system.batches().await, ["skipped"]);
    assert_eq!(system.calls("transmission").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_too_large_for_zoho_is_halved_until_it_fits() {
    let system = school_with_sheree(ON).await;
    system.add_parents(6).await;
    system.zoho_post("settings", &json!({"recipients_limit": 2})).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered"; 7]).await;

    let mut sizes: Vec<usize> =
        system.transmissions().await.iter().map(|sent| sent["recipients"].as_array().map_or(0, Vec::len)).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 2, 2]);
    let mut addresses = system.addresses().await;
    addresses.dedup();
    assert_eq!(addresses.len(), 7);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_hundred_parents_hear_once_each_in_batches() {
    let system = school_with_sheree(ON).await;
    system.add_parents(699).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered"; 700]).await;

    let mut addresses = system.addresses().await;
    assert_eq!(addresses.len(), 700);
    addresses.dedup();
    assert_eq!(addresses.len(), 700);
    assert_eq!(system.calls("transmission").await, 4);
    assert_eq!(system.batches().await, ["sent"; 4]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_needs_its_token() {
    let system = school_with_sheree(ON).await;
    system.keep_receipts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"]).await;
    let receipt = json!({"action": "bounce", "data": system.recipients().await.iter().map(|recipient| {
        json!({"rcpt_additional_data": recipient["additional_data"], "bounce_type": "hard"})
    }).collect::<Value>()});

    let forged = system.send_receipt_with("not the token of Zoho", &receipt).await;
    let after_the_forgery = system.alerts().await;
    let good = system.send_receipt_with(&system.receipt_token().await, &receipt).await;

    assert_eq!((forged.status, forged.code()), (401, "bad-signature"));
    assert_eq!(after_the_forgery, ["sent"]);
    assert_eq!(good.status, 202, "{}", good.body);
    assert_eq!(system.alerts().await, ["bounced"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_receipt_changes_what_it_says_and_only_certain_ones_suppress() {
    // The fixture, the action and a bounce's type; how the alert stands then, and why its address is suppressed.
    let cases = [
        ("delivered", "email_delivered", None, "delivered", None),
        ("bounce", "bounce", Some("hard"), "bounced", Some("bounce")),
        ("bounce", "bounce", Some("soft"), "sent", None),
        ("spam", "spam", None, "sent", Some("spam")),
        ("unsubscribed", "unsubscribed", None, "sent", Some("unsubscribe")),
        ("unsubscribed", "unsubscribe", None, "sent", Some("unsubscribe")),
        ("delivered", "email_open", None, "sent", None),
        ("delivered", "email_click", None, "sent", None),
    ];
    let system = school_with_sheree(ON).await;
    system.add_parents(7).await;
    system.keep_receipts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"; 8]).await;
    let (batch, token) = (system.batch().await, system.receipt_token().await);
    let of_whom = "select alert.id, users.email from gallery_alerts as alert join users on users.id = alert.parent_id";
    let alerts: Vec<(uuid::Uuid, String)> =
        system.rows(of_whom, &[]).await.iter().map(|row| (row.get(0), row.get(1))).collect();

    for ((name, action, bounce, _, _), (alert, email)) in cases.iter().zip(&alerts) {
        let mut receipt = fixture(&format!("zoho-campaigns-{name}.json"));
        receipt["action"] = json!(action);
        let data = &mut receipt["data"][0];
        data["rcpt_additional_data"]["alert"] = json!(alert);
        data["transmission_name"] = json!(batch);
        data["contact_email"] = json!(email);
        if let Some(kind) = bounce {
            data["bounce_type"] = json!(kind);
        }
        let answer = system.send_receipt_with(&token, &receipt).await;
        assert_eq!(answer.status, 202, "{action}: {}", answer.body);
    }

    for ((_, action, bounce, status, reason), (alert, email)) in cases.iter().zip(&alerts) {
        let stands: String = system.value("select status::text from gallery_alerts where id = $1", &[alert]).await;
        let why = "select max(reason) from email_suppressions where email_sha256 = sha256($1::text::bytea)";
        let why: Option<String> = system.value(why, &[email]).await;
        assert_eq!((&*stands, why.as_deref()), (*status, *reason), "{action} {bounce:?}");
    }
    assert_eq!(system.count("email_suppressions").await, 4);
    system.stop().await;
}
