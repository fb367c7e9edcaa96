//! Tokens.

use reqwest::Method;
use serde_json::json;

use super::harness::{Answer, Zoho};

#[tokio::test]
async fn a_refresh_token_gives_a_token_that_names_its_api_domain() {
    let zoho = Zoho::new().await;

    let granted = zoho.grant().await;

    assert_eq!(granted.status, 200);
    assert_eq!(granted.body["api_domain"], zoho.url(""));
    assert_eq!(granted.body["expires_in"], 3600);
    assert_eq!(granted.body["refresh_token"], json!(null));
}

#[tokio::test]
async fn refusals_are_an_http_200_with_an_error_or_what_the_settings_say() {
    let zoho = Zoho::new().await;

    let wrong_code = zoho.grant_with("1000.LOCAL", "local-secret", "1000.revoked").await;
    let wrong_client = zoho.grant_with("1000.LOCAL", "guess", "1000.local.refresh").await;

    zoho.settings(json!({ "no_token_status": 401, "wrong_secret": "invalid_client_secret" })).await;
    let switched = zoho.grant_with("1000.LOCAL", "guess", "1000.local.refresh").await;

    assert_eq!((wrong_code.status, &wrong_code.body), (200, &json!({ "error": "invalid_code" })));
    assert_eq!((wrong_client.status, &wrong_client.body), (200, &json!({ "error": "invalid_client" })));
    assert_eq!((switched.status, &switched.body), (401, &json!({ "error": "invalid_client_secret" })));
}

#[tokio::test]
async fn the_eleventh_token_in_ten_minutes_is_throttled_until_they_are_over() {
    let zoho = Zoho::new().await;
    for _ in 1..10 {
        assert!(zoho.grant().await.body["access_token"].is_string());
    }

    let throttled = zoho.grant().await;
    zoho.settings(json!({ "throttle_status": 200 })).await;
    let throttled_with_200 = zoho.grant().await;
    zoho.settings(json!({ "clock_offset_seconds": 601 })).await;
    let later = zoho.grant().await;

    assert_eq!((throttled.status, &throttled.body["error"]), (400, &json!("Access Denied")));
    assert_eq!((throttled_with_200.status, &throttled_with_200.body["error"]), (200, &json!("Access Denied")));
    assert!(later.body["access_token"].is_string());
}

#[tokio::test]
async fn the_sixteenth_live_token_kills_the_oldest() {
    let zoho = Zoho::new().await;
    for _ in 1..10 {
        zoho.grant().await;
    }
    zoho.settings(json!({ "clock_offset_seconds": 601 })).await;
    for _ in 10..15 {
        zoho.grant().await;
    }
    let with_fifteen_alive = zoho.get("/crm/v8/Contacts?fields=id").await;

    zoho.grant().await;

    assert_eq!(with_fifteen_alive.status, 204);
    let with_sixteen = zoho.get("/crm/v8/Contacts?fields=id").await;
    assert_eq!((with_sixteen.status, &with_sixteen.body["code"]), (401, &json!("INVALID_TOKEN")));
}

#[tokio::test]
async fn a_token_lives_for_an_hour() {
    let zoho = Zoho::new().await;

    zoho.settings(json!({ "clock_offset_seconds": 3590 })).await;
    let within = zoho.get("/crm/v8/Contacts?fields=id").await;
    zoho.settings(json!({ "clock_offset_seconds": 3601 })).await;
    let beyond = zoho.get("/crm/v8/Contacts?fields=id").await;

    assert_eq!(within.status, 204);
    assert_eq!((beyond.status, &beyond.body["code"]), (401, &json!("INVALID_TOKEN")));
}

#[tokio::test]
async fn a_call_without_a_zoho_token_fails_to_authenticate() {
    let zoho = Zoho::new().await;

    let request = crate::http::client().build().unwrap().get(zoho.url("/crm/v8/Contacts?fields=id"));
    let without = Answer::of(request.bearer_auth("x").send().await.unwrap()).await;
    let request = zoho.request_with("1000.unknown", Method::POST, "/emailapi/v1/transmission");
    let campaigns = Answer::of(request.json(&json!({})).send().await.unwrap()).await;

    assert_eq!((without.status, &without.body["code"]), (401, &json!("AUTHENTICATION_FAILURE")));
    assert_eq!((campaigns.status, &campaigns.body["Code"]), (401, &json!("1007")));
}
