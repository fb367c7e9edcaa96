//! What Zoho's documents show in two ways, or not at all, and a setting decides.

use serde_json::{Value, json};

use super::harness::Zoho;

#[tokio::test]
async fn an_error_of_a_whole_request_can_stand_among_results() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "errors_wrapped": true })).await;
    let faults = ["invalid-token", "scope-mismatch", "no-permission", "status-404", "status-429", "status-500"];

    let mut told: Vec<(u16, Value)> = Vec::new();
    for fault in faults {
        zoho.fault(json!({ "operation": "get-records", "fault": fault })).await;
        let answer = zoho.get("/crm/v8/Contacts?fields=id").await;
        assert_eq!(answer.body["code"], json!(null), "{fault}");
        told.push((answer.status, answer.body["data"][0]["code"].clone()));
    }
    zoho.settings(json!({ "wrong_dc": true })).await;
    let refused = zoho.coql("select id from Contacts where id is null").await;
    // What accounts says stays as it is, and so does an error about the body of a request.
    zoho.settings(json!({ "wrong_dc": false, "refresh_token_revoked": true })).await;
    let no_token = zoho.grant().await;
    zoho.settings(json!({ "refresh_token_revoked": false })).await;
    let bad = zoho.post("/crm/v8/Contacts", json!({})).await;

    let codes = [
        (401, "INVALID_TOKEN"),
        (401, "OAUTH_SCOPE_MISMATCH"),
        (403, "NO_PERMISSION"),
        (404, "INVALID_URL_PATTERN"),
        (429, "TOO_MANY_REQUESTS"),
        (500, "INTERNAL_ERROR"),
    ];
    assert_eq!(told, codes.map(|(status, code)| (status, json!(code))));
    assert_eq!((refused.status, &refused.body["data"][0]["code"]), (401, &json!("INVALID_TOKEN")));
    assert_eq!(no_token.body, json!({ "error": "invalid_code" }));
    assert_eq!((bad.status, &bad.body["code"]), (400, &json!("MANDATORY_NOT_FOUND")));
}

#[tokio::test]
async fn a_page_for_people_and_a_result_per_record_are_not_wrapped() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "errors_wrapped": true })).await;
    zoho.fault(json!({ "operation": "get-records", "fault": "html-500" })).await;

    let page = zoho.get("/crm/v8/Contacts?fields=id").await;
    let failed = zoho.upsert_contacts(json!([{ "Email": "a@example.com" }])).await;

    assert_eq!((page.status, page.body), (500, json!(null)));
    assert_eq!((failed.status, failed.codes()), (400, vec!["MANDATORY_NOT_FOUND"]));
}

#[tokio::test]
async fn a_token_can_name_another_domain_than_the_one_that_gave_it() {
    let zoho = Zoho::new().await;
    assert_eq!(zoho.grant().await.body["api_domain"], zoho.url(""));

    zoho.settings(json!({ "api_domain": "https://www.zohoapis.eu" })).await;
    assert_eq!(zoho.grant().await.body["api_domain"], "https://www.zohoapis.eu");

    zoho.settings(json!({ "api_domain": null })).await;
    assert_eq!(zoho.grant().await.body["api_domain"], zoho.url(""));
}

#[tokio::test]
async fn the_list_of_deletions_can_end_after_so_many_rows() {
    let zoho = Zoho::new().await;
    for n in 0..3 {
        let id = zoho.contact(&format!("{n}@example.com")).await;
        zoho.delete(&format!("/crm/v8/Contacts/{id}")).await;
    }
    let page = async |number: u32| zoho.get(&format!("/crm/v8/Contacts/deleted?per_page=1&page={number}")).await;
    assert_eq!(page(3).await.items().count(), 1);

    zoho.settings(json!({ "deleted_page_limit": 2 })).await;

    assert_eq!(page(2).await.body["info"]["more_records"], true);
    let beyond = page(3).await;
    assert_eq!((beyond.status, &beyond.body["code"]), (400, &json!("DISCRETE_PAGINATION_LIMIT_EXCEEDED")));
}
