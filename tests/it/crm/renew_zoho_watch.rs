//! `renew-zoho-watch`: the channel by which Zoho tells us of changes is there, lasts, and leads to our own door.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::{System, eventually};

async fn renew(system: &System) -> Value {
    system.invoke("renew-zoho-watch", &json!({})).await
}

/// What a run says that it did.
async fn step(system: &System) -> String {
    let answer = renew(system).await;
    answer["step"].as_str().unwrap_or_else(|| panic!("no step: {answer}")).to_owned()
}

/// The rows that Zoho has for our channels: one for each module of each.
async fn channels(system: &System) -> Vec<Value> {
    system.zoho().await["watch"].as_array().cloned().unwrap_or_default()
}

/// The hours that our channel lasts by what we know, rounded.
async fn hours_left(system: &System) -> i64 {
    system.value("select round(extract(epoch from expires_at - now()) / 3600)::bigint from zoho_watch", &[]).await
}

async fn token(system: &System) -> Value {
    system.secret("webhook-sources").await["zoho-crm"]["keys"][0].clone()
}

/// Our channel as it would be with this much time left and whatever else is changed.
async fn alter(system: &System, days_left: i64, field: &str, value: &Value) {
    let row = &channels(system).await[0];
    let expires_at: DateTime<Utc> = system.value("select now()", &[]).await;
    let mut item = json!({ "channel_id": row["channel_id"], "notify_url": row["notify_url"], "token": row["token"],
        "events": ["Contacts.all", "Accounts.all"], "notify_on_related_action": false,
        "channel_expiry": (expires_at + TimeDelta::days(days_left)).to_rfc3339_opts(chrono::SecondsFormat::Secs, false) });
    item[field] = value.clone();
    let put = system.as_sales("PUT", "/crm/v8/actions/watch", &json!({ "watch": [item] })).await;
    assert_eq!(put["watch"][0]["status"], "success", "{put}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_channel_is_opened_for_six_days_and_leads_to_our_own_door() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    // Nobody works on what arrives.
    system.stack().set_mappings_enabled(false).await;

    let answer = renew(&system).await;

    assert_eq!(answer["step"], "opened");
    let rows = channels(&system).await;
    let url = format!("{}/api/webhooks/incoming?source=zoho-crm", system.endpoints().api);
    let token = token(&system).await;
    assert_eq!(rows.len(), 2);
    for (row, module) in rows.iter().zip(["Contacts", "Accounts"]) {
        assert_eq!(row["events"], json!([format!("{module}.all")]));
        assert_eq!([&row["notify_url"], &row["token"]], [&json!(url), &token]);
        assert_eq!([&row["notify_on_related_action"], &row["return_affected_field_values"]], [false, false]);
    }
    assert_eq!(hours_left(&system).await, 144);
    let kept: DateTime<Utc> = system.value("select expires_at from zoho_watch", &[]).await;
    assert_eq!(answer["expires_at"].as_str().map(str::parse), Some(Ok(kept)));
    // Its notifications are let in.
    let contact = system.contact_of_sales(&json!({ "Last_Name": "Lane" })).await;
    eventually("the Contact has a task", || async {
        let key = uuid::Uuid::from_u64_pair(1, contact.parse().unwrap());
        system.task("pull-zoho", key).await
    })
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_left_alone_while_it_lasts_and_renewed_when_it_runs_out() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    assert_eq!(step(&system).await, "opened");
    let id = channels(&system).await[0]["channel_id"].clone();

    let soon = step(&system).await;
    alter(&system, 5, "token", &token(&system).await).await;
    let later = step(&system).await;
    let read_back = hours_left(&system).await;
    alter(&system, 3, "token", &token(&system).await).await;
    let in_time = step(&system).await;

    assert_eq!([&*soon, &*later, &*in_time], ["kept", "kept", "renewed"]);
    assert_eq!((read_back, hours_left(&system).await), (120, 144));
    assert_eq!(system.calls("watch").await, 2);
    let rows = channels(&system).await;
    assert!(rows.len() == 2 && rows.iter().all(|row| row["channel_id"] == id), "{rows:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_zoho_has_lost_is_opened_again_and_told_of() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    step(&system).await;
    let id = channels(&system).await[0]["channel_id"].clone();
    let path = format!("/crm/v8/actions/watch?channel_ids={}", id.as_str().unwrap());
    system.as_sales("DELETE", &path, &Value::Null).await;
    assert_eq!(channels(&system).await.len(), 0);

    let lost = step(&system).await;

    assert_eq!(lost, "reopened");
    assert_eq!(channels(&system).await[0]["channel_id"], id);
    let logs = system.logs();
    assert!(logs.contains("Zoho had lost the channel of its notifications") && logs.contains("\"WatchLost\":1"));
    // A channel whose time was over, because the flag was off for a week, was not lost.
    system.as_sales("DELETE", &path, &Value::Null).await;
    system.rows("update zoho_watch set expires_at = now() - interval '1 hour'", &[]).await;
    assert_eq!(step(&system).await, "opened");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_of_one_hour_is_known_to_last_for_one_hour() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    // As in the versions before v4: more than a day gives an hour, and says nothing.
    system.zoho_post("settings", &json!({ "watch_maximum_hours": 24 })).await;

    let opened = step(&system).await;
    let hours = hours_left(&system).await;
    system.sweep().await;
    system.zoho_post("settings", &json!({ "watch_maximum_hours": 168 })).await;
    let next = step(&system).await;

    assert_eq!((&*opened, hours), ("opened", 1));
    let logs = system.logs();
    let told = logs.lines().find(|line| line.contains("earlier than it was asked to")).expect("it is logged");
    assert!(told.contains("\"ERROR\"") && told.contains("asked") && told.contains("given"), "{told}");
    assert!(logs.contains("\"WatchHoursLeft\":0"), "what alarms look at");
    assert_eq!((&*next, hours_left(&system).await), ("renewed", 144));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_rotated_is_what_zoho_sends_from_then_on() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    step(&system).await;
    let old = token(&system).await;
    let mut sources = system.secret("webhook-sources").await;
    sources["zoho-crm"]["keys"] = json!(["the new token of zoho-crm", old]);
    system.change_secret("webhook-sources", &sources).await;

    let rotated = step(&system).await;
    let again = step(&system).await;

    assert_eq!([&*rotated, &*again], ["changed", "kept"]);
    assert!(channels(&system).await.iter().all(|row| row["token"] == "the new token of zoho-crm"));
    let logs = system.logs();
    assert!(!logs.contains("the new token of") && !logs.contains(old.as_str().unwrap()));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_somebody_has_bent_is_made_straight() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    step(&system).await;

    let mut steps = Vec::new();
    for (field, value) in [("notify_url", json!("https://old.example/hook")), ("events", json!(["Contacts.edit"]))] {
        alter(&system, 5, field, &value).await;
        steps.push(step(&system).await);
    }

    assert_eq!(steps, ["changed", "changed"]);
    let rows = channels(&system).await;
    assert_eq!(rows.iter().map(|row| &row["events"][0]).collect::<Vec<_>>(), ["Contacts.all", "Accounts.all"]);
    assert!(rows[0]["notify_url"].as_str().unwrap().starts_with(&system.endpoints().api));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_flag_off_or_on_the_other_route_nobody_calls_zoho() {
    let system = System::start().await;
    let off = step(&system).await;
    system.sweep().await;
    let measured = system.logs().contains("WatchHoursLeft");
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.take_route("middleware").await;
    let elsewhere = step(&system).await;

    assert_eq!([&*off, &*elsewhere], ["nothing", "nothing"]);
    assert!(!measured, "no alarm for what is not wanted");
    assert_eq!(system.calls("token").await + system.calls("get-watch").await + system.calls("watch").await, 0);
    assert_eq!(system.count("zoho_watch").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_missing_fails_the_run_and_stops_nothing_else() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.coql.READ", "ZohoCRM.settings.tags.ALL"];
    system.zoho_post("settings", &json!({ "scopes": scopes })).await;

    let refused = renew(&system).await;

    assert_eq!(refused["errorMessage"], "Zoho is unavailable", "{refused}");
    assert!(system.logs().contains("OAUTH_SCOPE_MISMATCH") && system.logs().contains("ZohoCRM.notifications.ALL"));
    assert_eq!(system.pause_of("sync-zoho").await, "");
    let with_it: Vec<&str> = scopes.into_iter().chain(["ZohoCRM.notifications.ALL"]).collect();
    system.zoho_post("settings", &json!({ "scopes": with_it })).await;
    assert_eq!(step(&system).await, "opened");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_source_for_notifications_it_is_told_what_to_add() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let mut sources = system.secret("webhook-sources").await;
    sources.as_object_mut().unwrap().remove("zoho-crm");
    system.change_secret("webhook-sources", &sources).await;

    let refused = renew(&system).await;

    assert_eq!(refused["errorMessage"], "Zoho cannot be told whom to notify", "{refused}");
    assert!(system.logs().contains("add one like") && system.logs().contains("crm.records.changed"));
    assert_eq!(system.calls("watch").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_dies_in_the_middle_leaves_one_channel_and_not_two() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("watch", "hang-after", &json!({})).await;
    let payload = json!({});
    let (_, ()) = tokio::join!(system.invoke("renew-zoho-watch", &payload), async {
        system.held("watch").await;
        system.kill("renew-zoho-watch").await;
    });
    system.mend_zoho().await;

    let next = step(&system).await;

    assert_eq!(next, "kept", "Zoho has opened it");
    assert_eq!(channels(&system).await.len(), 2);
    assert_eq!(hours_left(&system).await, 144);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_variant_in_which_zoho_refuses_a_channel_is_told() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    // By Zoho's clock, what we ask for is over before it begins.
    system.zoho_post("clock", &json!({ "advance_seconds": 8 * 24 * 3600 })).await;

    for (status, wrapped) in [(400, true), (400, false), (202, true)] {
        let settings = json!({ "watch_failed_status": status, "watch_errors_wrapped": wrapped });
        system.zoho_post("settings", &settings).await;
        let before = system.logs().matches("INVALID_DATA").count();

        let refused = renew(&system).await;

        assert_eq!(refused["errorMessage"], "Zoho is unavailable", "{status} {wrapped}: {refused}");
        assert!(system.logs().matches("INVALID_DATA").count() > before, "{status} {wrapped}");
    }
    assert_eq!(system.count("zoho_watch where expires_at > now()").await, 0);
    system.stop().await;
}
