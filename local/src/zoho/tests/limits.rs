//! Credits and concurrency.

use serde_json::json;

use super::harness::Zoho;

#[tokio::test]
async fn ten_written_records_cost_a_credit_and_so_does_any_other_call() {
    let zoho = Zoho::new().await;

    zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 11])).await;
    assert_eq!(zoho.state().await["credits"], 2);
    zoho.coql("select id from Contacts where Last_Name = 'Lane'").await;
    assert_eq!(zoho.state().await["credits"], 3);
}

#[tokio::test]
async fn the_remaining_credits_show_once_half_are_gone_and_then_run_out() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "credits": 4 })).await;
    let read = async || {
        let answer = zoho.get("/crm/v8/Contacts?fields=id").await;
        (answer.status, answer.headers.get("x-api-credits-remaining").map(|value| value.to_str().unwrap().to_owned()))
    };

    assert_eq!(read().await, (204, None));
    assert_eq!(read().await, (204, Some("2".to_owned())));
    assert_eq!(read().await, (204, Some("1".to_owned())));
    assert_eq!(read().await, (204, Some("0".to_owned())));
    assert_eq!(read().await, (429, Some("0".to_owned())));
    zoho.settings(json!({ "clock_offset_seconds": 24 * 3600 + 1, "token_lifetime_seconds": 999_999 })).await;
    assert_eq!(zoho.state().await["credits"], 0);
}

#[tokio::test]
async fn too_many_calls_at_once_are_429_and_heavy_calls_sooner() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "concurrency_limit": 2, "sub_concurrency_limit": 1 })).await;
    zoho.fault(json!({ "operation": "coql", "fault": "hang-before" })).await;
    let query = "select id from Contacts where id is null";

    let (held, ()) = tokio::join!(zoho.coql(query), async {
        zoho.until_held("coql").await;
        let heavy = zoho.coql(query).await;
        let light = zoho.get("/crm/v8/Contacts?fields=id").await;
        assert_eq!((heavy.status, &heavy.body["code"]), (429, &json!("TOO_MANY_REQUESTS")));
        assert_eq!(light.status, 204);
        zoho.settings(json!({ "concurrency_limit": 1 })).await;
        assert_eq!(zoho.get("/crm/v8/Contacts?fields=id").await.status, 429);
        zoho.post("/_control/release", json!({})).await;
    });

    assert_eq!(held.status, 204);
    assert_eq!(zoho.coql(query).await.status, 204);
}
