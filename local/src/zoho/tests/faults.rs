//! Faults.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::Zoho;

fn sheree() -> Value {
    json!({ "data": [{ "Last_Name": "Lane", "Email": "sheree@example.com" }] })
}

async fn contacts(zoho: &Zoho) -> usize {
    zoho.state().await["contacts"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_status_hits_its_operation_as_often_as_ordered_and_does_nothing() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "status-429", "times": 2, "retry_after": 7 })).await;

    let reads = zoho.get("/crm/v8/Contacts?fields=id").await;
    let first = zoho.post("/crm/v8/Contacts/upsert", sheree()).await;
    let second = zoho.post("/crm/v8/Contacts/upsert", sheree()).await;

    assert_eq!(reads.status, 204);
    assert_eq!((first.status, &first.headers["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(second.body["code"], "TOO_MANY_REQUESTS");
    assert_eq!(contacts(&zoho).await, 0);
    assert_eq!(zoho.post("/crm/v8/Contacts/upsert", sheree()).await.status, 200);
    assert_eq!(zoho.state().await["calls"]["upsert"], 3);
}

#[tokio::test]
async fn a_fault_for_everything_stays_until_it_is_cleared() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "*", "fault": "html-500", "times": -1 })).await;

    for _ in 0..3 {
        assert_eq!(zoho.get("/crm/v8/Contacts?fields=id").await.status, 500);
    }
    let html = zoho.grant().await;
    zoho.delete("/_control/faults").await;

    assert!(html.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(zoho.get("/crm/v8/Contacts?fields=id").await.status, 204);
}

#[tokio::test]
async fn tokens_can_be_refused_and_throttled() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "token", "fault": "invalid-code" })).await;
    zoho.fault(json!({ "operation": "token", "fault": "throttle" })).await;
    zoho.fault(json!({ "operation": "coql", "fault": "invalid-token" })).await;

    assert_eq!(zoho.grant().await.body, json!({ "error": "invalid_code" }));
    assert_eq!(zoho.grant().await.body["error"], "Access Denied");
    assert_eq!(zoho.coql("select id from Contacts where id is null").await.body["code"], "INVALID_TOKEN");
}

#[tokio::test]
async fn hang_before_does_nothing_while_it_holds() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "hang-before" })).await;

    let (answer, ()) = tokio::join!(zoho.post("/crm/v8/Contacts/upsert", sheree()), async {
        zoho.until_held("upsert").await;
        assert_eq!(contacts(&zoho).await, 0);
        zoho.post("/_control/release", json!({})).await;
    });

    assert_eq!((answer.status, contacts(&zoho).await), (200, 1));
}

#[tokio::test]
async fn hang_before_never_does_the_work_of_a_client_that_left() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "hang-before" })).await;

    let request = zoho.request(Method::POST, "/crm/v8/Contacts/upsert").json(&sheree());
    let gave_up = request.timeout(Duration::from_millis(200)).send().await;
    // The simulator notices a closed connection by itself; a moment later nothing is held.
    let is_held = async || zoho.get("/_control/requests").await.body.to_string().contains(r#""held":true"#);
    for _ in 0..400 {
        if !is_held().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!is_held().await);
    zoho.post("/_control/release", json!({})).await;

    assert!(gave_up.unwrap_err().is_timeout());
    assert_eq!(contacts(&zoho).await, 0);
}

#[tokio::test]
async fn hang_after_does_the_work_and_keeps_the_answer() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "hang-after" })).await;

    let (answer, ()) = tokio::join!(zoho.post("/crm/v8/Contacts/upsert", sheree()), async {
        zoho.until_held("upsert").await;
        assert_eq!(contacts(&zoho).await, 1);
        zoho.post("/_control/release", json!({})).await;
    });

    assert_eq!((answer.status, answer.codes()), (200, vec!["SUCCESS"]));
    assert!(!zoho.get("/_control/requests").await.body.to_string().contains(r#""held":true"#));
}

#[tokio::test]
async fn a_held_answer_comes_when_its_seconds_are_over() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "hang-after", "seconds": 0.05 })).await;
    zoho.fault(json!({ "operation": "coql", "fault": "latency", "milliseconds": 50 })).await;

    let started = tokio::time::Instant::now();
    assert_eq!(zoho.post("/crm/v8/Contacts/upsert", sheree()).await.status, 200);
    assert_eq!(zoho.coql("select id from Contacts where id is not null").await.status, 200);

    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn reset_closes_the_connection_before_the_work_and_reset_after_behind_it() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "reset" })).await;
    zoho.fault(json!({ "operation": "upsert", "fault": "reset-after" })).await;
    let upsert = || zoho.request(Method::POST, "/crm/v8/Contacts/upsert").json(&sheree()).send();

    let before = upsert().await;
    assert_eq!(contacts(&zoho).await, 0);
    let after = upsert().await;

    assert!(before.is_err() && after.is_err());
    assert_eq!((contacts(&zoho).await, zoho.state().await["calls"]["upsert"].as_u64()), (1, Some(2)));
}

#[tokio::test]
async fn a_record_error_hits_its_record_and_spares_the_neighbours() {
    let zoho = Zoho::new().await;
    let order = json!({
        "operation": "upsert", "fault": "record-error", "match": "frank@example.com", "code": "RECORD_LOCKED",
        "details": { "api_name": "Email" },
    });
    zoho.fault(order).await;
    let people = json!([
        { "Last_Name": "Lane", "Email": "sheree@example.com" },
        { "Last_Name": "Diaz", "Email": "frank@example.com" },
    ]);

    // A call without that record does not use the fault up.
    zoho.contact("cathy@example.com").await;
    let mixed = zoho.upsert_contacts(people.clone()).await;
    let again = zoho.upsert_contacts(people).await;

    assert_eq!((mixed.status, mixed.codes()), (207, vec!["SUCCESS", "RECORD_LOCKED"]));
    assert_eq!(mixed.body["data"][1]["details"], json!({ "api_name": "Email", "json_path": "$.data[1]" }));
    assert_eq!((again.status, again.codes()), (200, vec!["SUCCESS", "SUCCESS"]));
}

#[tokio::test]
async fn a_fault_or_a_setting_that_does_not_exist_is_refused_with_a_sentence() {
    let zoho = Zoho::new().await;

    for order in [
        json!({ "operation": "upsrt", "fault": "reset" }),
        json!({ "operation": "upsert", "fault": "reste" }),
        json!({ "operation": "upsert", "fault": "status-99" }),
        json!({ "operation": "upsert", "fault": "reset", "times": 0 }),
        json!({ "operation": "upsert", "fault": "record-error" }),
        json!({ "operation": "upsert", "fault": "latency" }),
        json!({ "operation": "upsert", "fault": "reset", "milisecs": 1 }),
    ] {
        let answer = zoho.post("/_control/faults", order.clone()).await;
        assert_eq!(answer.status, 400, "{order}");
        assert!(answer.body["error"].is_string(), "{order}");
    }
    assert_eq!(zoho.post("/_control/settings", json!({ "credit": 1 })).await.status, 400);
    assert_eq!(zoho.post("/_control/settings", json!({ "all_failed_status": 500 })).await.status, 400);
}

#[tokio::test]
async fn the_request_log_tells_the_conversation_without_secrets() {
    let zoho = Zoho::new().await;
    zoho.contact("sheree@example.com").await;

    let log = zoho.get("/_control/requests").await.body;

    assert_eq!(log["requests"][0]["operation"], "token");
    assert_eq!(log["requests"][1]["body"]["data"][0]["Email"], "sheree@example.com");
    assert_eq!(log["requests"][1]["status"], 200);
    for secret in ["local-secret", "1000.local.refresh", "oauthtoken"] {
        assert!(!log.to_string().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_reset_forgets_everything_and_lets_go_of_what_is_held() {
    let zoho = Zoho::new().await;
    zoho.contact("sheree@example.com").await;
    zoho.settings(json!({ "credits": 7 })).await;
    zoho.fault(json!({ "operation": "coql", "fault": "hang-before", "times": -1 })).await;

    let (held, ()) = tokio::join!(zoho.coql("select id from Contacts where id is null"), async {
        zoho.until_held("coql").await;
        zoho.post("/_control/reset", json!({})).await;
    });

    assert_eq!(held.status, 401);
    assert_eq!(contacts(&zoho).await, 0);
    assert_eq!(zoho.get("/_control/settings").await.body["credits"], 100_000);
    assert_eq!(zoho.get("/_control/faults").await.body["faults"], json!([]));
}
