//! Notification channels: how they are asked for, shown, changed and ended.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

const WATCH: &str = "/crm/v8/actions/watch";

fn channel(more: &Value) -> Value {
    let mut channel = json!({
        "channel_id": "1000", "notify_url": "http://127.0.0.1:9/hooks/zoho?source=zoho-crm",
        "events": ["Contacts.all", "Accounts.edit"], "token": "t",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        channel[key] = value.clone();
    }
    channel
}

async fn send(zoho: &Zoho, method: Method, channels: Value) -> Answer {
    let request = zoho.request(method, WATCH).json(&json!({ "watch": channels }));
    Answer::of(request.send().await.unwrap()).await
}

fn expiry(answer: &Answer) -> DateTime<Utc> {
    answer.body["watch"][0]["details"]["events"][0]["channel_expiry"].as_str().unwrap().parse().unwrap()
}

async fn now(zoho: &Zoho) -> DateTime<Utc> {
    zoho.get("/_control/clock").await.body["now"].as_str().unwrap().parse().unwrap()
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["watch"][0]["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_channel_is_enabled_and_answers_module_by_module() {
    let zoho = Zoho::new().await;

    let enabled = send(&zoho, Method::POST, json!([channel(&json!({}))])).await;

    assert_eq!((enabled.status, code(&enabled).1), (201, "SUCCESS"));
    let item = &enabled.body["watch"][0];
    assert_eq!(item["message"], "Successfully subscribed for actions-watch of the given module");
    let events = item["details"]["events"].as_array().unwrap();
    assert_eq!((&events[0]["resource_name"], &events[1]["resource_name"]), (&json!("Contacts"), &json!("Accounts")));
    assert_eq!((&events[0]["channel_id"], events[0]["resource_id"].is_string()), (&json!("1000"), true));
}

#[tokio::test]
async fn it_lives_an_hour_or_as_long_as_asked_but_whoever_asks_for_more_than_a_week_gets_an_hour() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "utc_offset_minutes": 330 })).await;
    let now = now(&zoho).await;
    let life = async |days: i64| {
        let asked = json!({ "channel_expiry": (now + TimeDelta::days(days)).to_rfc3339() });
        let asked = if days == 0 { json!({}) } else { asked };
        expiry(&send(&zoho, Method::POST, json!([channel(&asked)])).await) - now
    };

    let (default, week, more) = (life(0).await, life(7).await, life(8).await);

    let hour = |life: TimeDelta| (life - TimeDelta::hours(1)).num_seconds().abs() < 60;
    assert!(hour(default) && hour(more), "{default} {more}");
    assert!((week - TimeDelta::days(7)).num_seconds().abs() < 60, "{week}");
    let past = channel(&json!({ "channel_expiry": "2020-01-01T00:00:00Z" }));
    assert_eq!(code(&send(&zoho, Method::POST, json!([past])).await), (400, "INVALID_DATA"));
}

#[tokio::test]
async fn what_a_channel_must_have_is_missed_by_name_and_what_cannot_be_is_refused() {
    let zoho = Zoho::new().await;
    for (more, code_due, name) in [
        (json!({ "channel_id": null }), "MANDATORY_NOT_FOUND", "channel_id"),
        (json!({ "notify_url": null }), "MANDATORY_NOT_FOUND", "notify_url"),
        (json!({ "events": null }), "MANDATORY_NOT_FOUND", "events"),
        (json!({ "events": [] }), "INVALID_DATA", "events"),
        (json!({ "events": ["Contacts.update"] }), "INVALID_DATA", "events"),
        (json!({ "events": ["Nothing.all"] }), "INVALID_DATA", "events"),
        (json!({ "notify_url": "here" }), "INVALID_DATA", "notify_url"),
        (json!({ "channel_id": "mine" }), "INVALID_DATA", "channel_id"),
        (json!({ "token": "t".repeat(51) }), "INVALID_DATA", "token"),
        (json!({ "channel_expiry": "tomorrow" }), "INVALID_DATA", "channel_expiry"),
    ] {
        let answer = send(&zoho, Method::POST, json!([channel(&more)])).await;

        assert_eq!(code(&answer), (400, code_due), "{more}");
        assert_eq!(answer.body["watch"][0]["details"]["api_name"], name, "{more}");
    }
    let fifty = send(&zoho, Method::POST, json!([channel(&json!({ "token": "t".repeat(50), "channel_id": 7 }))])).await;
    assert_eq!(fifty.status, 201);
}

#[tokio::test]
async fn mixed_results_are_a_207_and_failures_a_400_or_a_202_wrapped_or_bare() {
    let zoho = Zoho::new().await;
    let (good, bad) = (channel(&json!({})), channel(&json!({ "events": null })));

    let mixed = send(&zoho, Method::POST, json!([good, bad])).await;
    let failed = send(&zoho, Method::POST, json!([bad])).await;
    zoho.settings(json!({ "watch_failed_status": 202 })).await;
    let accepted = send(&zoho, Method::POST, json!([bad])).await;
    zoho.settings(json!({ "watch_errors_wrapped": false })).await;
    let bare = send(&zoho, Method::POST, json!([bad])).await;

    assert_eq!((mixed.status, failed.status, accepted.status), (207, 400, 202));
    assert_eq!((bare.status, &bare.body["code"]), (400, &json!("MANDATORY_NOT_FOUND")));
    assert_eq!(zoho.post(WATCH, json!({})).await.body["code"], "MANDATORY_NOT_FOUND");
}

#[tokio::test]
async fn channels_are_listed_by_module_filtered_and_in_pages() {
    let zoho = Zoho::new().await;
    let nothing = zoho.get(WATCH).await;
    let (first, second) = (channel(&json!({})), channel(&json!({ "channel_id": "2000", "events": ["Contacts.edit"] })));
    send(&zoho, Method::POST, json!([first, second])).await;
    let rows =
        async |query: &str| zoho.get(&format!("{WATCH}{query}")).await.body["watch"].as_array().map_or(0, Vec::len);

    let all = zoho.get(WATCH).await;

    assert_eq!(nothing.status, 204);
    assert_eq!(all.body["watch"][0]["events"], json!(["Contacts.all"]));
    assert_eq!(all.body["watch"][0]["token"], "t");
    assert_eq!(all.body["info"], json!({ "per_page": 200, "count": 3, "page": 1, "more_records": false }));
    assert_eq!((rows("").await, rows("?channel_id=1000").await, rows("?module=Contacts").await), (3, 2, 2));
    assert_eq!((rows("?per_page=2&page=2").await, rows("?channel_id=3").await), (1, 0));
}

#[tokio::test]
async fn a_channel_is_replaced_whole_changed_in_part_and_disabled() {
    let zoho = Zoho::new().await;
    let early = send(&zoho, Method::PUT, json!([channel(&json!({}))])).await;
    send(&zoho, Method::POST, json!([channel(&json!({}))])).await;

    let replaced = send(&zoho, Method::PUT, json!([channel(&json!({ "token": null }))])).await;
    let without_token = zoho.get(WATCH).await.body["watch"][0]["token"].clone();
    let patch = json!([{ "channel_id": "1000", "token": "new" }]);
    let patched = send(&zoho, Method::PATCH, patch).await;
    let with_token = zoho.get(WATCH).await.body["watch"][0].clone();
    let disable = json!([{ "channel_id": "1000", "events": ["Accounts.edit"], "_delete_events": true }]);
    let disabled = send(&zoho, Method::PATCH, disable).await;
    let left = zoho.get(WATCH).await.body["watch"].clone();
    let gone = zoho.delete(&format!("{WATCH}?channel_ids=1000,9")).await;

    assert_eq!(code(&early), (400, "NOT_SUBSCRIBED"));
    assert_eq!((code(&replaced), without_token), ((200, "SUCCESS"), json!(null)));
    assert_eq!((code(&patched), &with_token["token"]), ((200, "SUCCESS"), &json!("new")));
    assert_eq!(with_token["events"], json!(["Contacts.all"]));
    assert_eq!(disabled.body["watch"][0]["message"], "Successfully removed the subscribe details");
    assert_eq!((left.as_array().unwrap().len(), &left[0]["resource_name"]), (1, &json!("Contacts")));
    assert_eq!((gone.status, &gone.body["watch"][0]["details"]["channel_id"]), (207, &json!("1000")));
    assert_eq!(gone.body["watch"][0]["message"], "Successfully un-subscribed from actions-watch");
    assert_eq!(gone.body["watch"][1]["code"], "NOT_SUBSCRIBED");
    assert_eq!(zoho.get(WATCH).await.status, 204);
    assert_eq!(zoho.delete(WATCH).await.body["code"], "REQUIRED_PARAM_MISSING");
}

#[tokio::test]
async fn an_expired_channel_is_none() {
    let zoho = Zoho::new().await;
    send(&zoho, Method::POST, json!([channel(&json!({}))])).await;
    assert_eq!(zoho.state().await["watch"].as_array().unwrap().len(), 2);

    zoho.post("/_control/clock", json!({ "advance_seconds": 3601 })).await;

    assert_eq!(zoho.state().await["watch"], json!([]));
    let token = zoho.grant().await.body["access_token"].as_str().unwrap().to_owned();
    let list = zoho.request_with(&token, Method::GET, WATCH).send().await.unwrap();
    assert_eq!(list.status(), 204);
}

#[tokio::test]
async fn the_request_log_hides_the_token_of_a_channel() {
    let zoho = Zoho::new().await;
    send(&zoho, Method::POST, json!([channel(&json!({ "token": "hush-hush" }))])).await;

    let log = zoho.get("/_control/requests").await.body;

    assert_eq!(log["requests"][1]["operation"], "watch");
    assert!(!log.to_string().contains("hush-hush"));
}
