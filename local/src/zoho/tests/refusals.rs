//! Credentials, scopes and permissions; and answers that are none.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

fn people(emails: &[&str]) -> Value {
    emails.iter().map(|email| json!({ "Last_Name": "Lane", "Email": email })).collect()
}

async fn contacts(zoho: &Zoho) -> usize {
    zoho.state().await["contacts"].as_array().unwrap().len()
}

#[tokio::test]
async fn faults_refuse_the_client_the_scope_and_the_permission() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "token", "fault": "invalid-client" })).await;
    zoho.fault(json!({ "operation": "upsert", "fault": "scope-mismatch" })).await;
    zoho.fault(json!({ "operation": "upsert", "fault": "no-permission" })).await;

    assert_eq!(zoho.grant().await.body, json!({ "error": "invalid_client" }));
    assert_eq!(code(&zoho.upsert_contacts(people(&["a@example.com"])).await), (401, "OAUTH_SCOPE_MISMATCH"));
    let forbidden = zoho.upsert_contacts(people(&["a@example.com"])).await;
    assert_eq!(code(&forbidden), (403, "NO_PERMISSION"));
    assert_eq!(forbidden.body["details"]["permissions"], json!(["Crm_Implied_Edit_Contacts"]));
    assert_eq!(contacts(&zoho).await, 0);
}

#[tokio::test]
async fn each_operation_needs_its_scope() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("a@example.com").await;
    let tags = json!({ "tags": [{ "name": "VIP" }], "ids": [id] });
    let tries = async |scopes: &[&str]| {
        zoho.settings(json!({ "scopes": scopes })).await;
        [
            zoho.get("/crm/v8/Contacts?fields=id").await.status,
            zoho.get("/crm/v8/Accounts?fields=id").await.status,
            zoho.upsert_contacts(people(&["a@example.com"])).await.status,
            zoho.put(&format!("/crm/v8/Contacts/{id}"), json!({ "data": [{ "Phone": "1" }] })).await.status,
            zoho.delete("/crm/v8/Contacts?ids=1").await.status,
            zoho.coql("select id from Contacts where id is not null").await.status,
            zoho.coql("select id from Accounts where id is not null").await.status,
            zoho.post("/crm/v8/Contacts/actions/add_tags", tags.clone()).await.status,
            zoho.get("/crm/v8/actions/watch").await.status,
            zoho.get("/crm/v8/Contacts/search?email=a@example.com").await.status,
        ]
    };

    assert_eq!(tries(&[]).await, [401; 10]);
    let all = ["ZohoCRM.modules.ALL", "ZohoCRM.coql.READ", "ZohoCRM.settings.tags.ALL", "ZohoCRM.notifications.ALL"];
    assert_eq!(tries(&all).await, [200, 204, 200, 200, 400, 200, 204, 200, 204, 401]);
    let contacts = ["ZohoCRM.modules.contacts.ALL", "ZohoCRM.coql.READ", "ZohoSearch.securesearch.READ"];
    assert_eq!(tries(&contacts).await, [200, 401, 200, 200, 400, 200, 401, 401, 401, 204]);
    let writing = ["ZohoCRM.modules.contacts.WRITE"];
    assert_eq!(tries(&writing).await, [401, 401, 200, 200, 400, 401, 401, 401, 401, 401]);
    let reading = ["ZohoCRM.modules.READ", "ZohoCRM.coql.READ"];
    assert_eq!(tries(&reading).await, [200, 204, 401, 401, 401, 200, 204, 401, 401, 401]);
}

#[tokio::test]
async fn a_token_of_another_data_centre_is_granted_and_refused_by_the_crm() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "wrong_dc": true })).await;

    assert!(zoho.grant().await.body["access_token"].is_string());
    assert_eq!(code(&zoho.get("/crm/v8/Contacts?fields=id").await), (401, "INVALID_TOKEN"));
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_access_tokens_along() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "refresh_token_revoked": true })).await;

    assert_eq!(zoho.grant().await.body, json!({ "error": "invalid_code" }));
    assert_eq!(code(&zoho.get("/crm/v8/Contacts?fields=id").await), (401, "INVALID_TOKEN"));
}

#[tokio::test]
async fn new_credentials_end_the_old_ones_until_a_reset() {
    let zoho = Zoho::new().await;

    zoho.post("/_control/credentials", json!({ "refresh_token": "1000.new" })).await;

    assert_eq!(code(&zoho.get("/crm/v8/Contacts?fields=id").await), (401, "INVALID_TOKEN"));
    assert_eq!(zoho.grant().await.body, json!({ "error": "invalid_code" }));
    let granted = zoho.grant_with("1000.LOCAL", "local-secret", "1000.new").await;
    assert!(granted.body["access_token"].is_string());
    zoho.post("/_control/credentials", json!({ "client_secret": "new" })).await;
    let old = zoho.grant_with("1000.LOCAL", "local-secret", "1000.new").await;
    assert_eq!(old.body, json!({ "error": "invalid_client" }));
    zoho.post("/_control/reset", json!({})).await;
    assert!(zoho.grant().await.body["access_token"].is_string());
}

#[tokio::test]
async fn half_an_answer_follows_the_work_and_a_page_does_none() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "html-200" })).await;
    zoho.fault(json!({ "operation": "upsert", "fault": "truncated-json" })).await;
    let upsert = async || {
        let body = json!({ "data": people(&["a@example.com"]) });
        let answer = zoho.request(Method::POST, "/crm/v8/Contacts/upsert").json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    let page = upsert().await;
    assert_eq!((page.0, page.1.starts_with("<!DOCTYPE"), contacts(&zoho).await), (200, true, 0));
    let half = upsert().await;
    assert_eq!((half.0, half.1.starts_with("{\"data\":"), contacts(&zoho).await), (200, true, 1));
    assert!(serde_json::from_str::<Value>(&half.1).is_err());
}

#[tokio::test]
async fn a_poisonous_record_ruins_every_batch_with_it_and_says_nothing() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "upsert", "fault": "poison", "match": "bad@example.com", "times": -1 })).await;

    let ruined = zoho.upsert_contacts(people(&["a@example.com", "bad@example.com"])).await;
    let alone = zoho.upsert_contacts(people(&["bad@example.com"])).await;
    let spared = zoho.upsert_contacts(people(&["a@example.com", "b@example.com"])).await;
    zoho.delete("/_control/faults").await;
    let order = json!({ "operation": "*", "fault": "poison", "match": "bad@example.com", "status": 400 });
    zoho.fault(order).await;
    let quiet = zoho.upsert_contacts(people(&["a@example.com", "bad@example.com"])).await;
    zoho.fault(json!({ "operation": "*", "fault": "poison", "match": "bad@example.com", "status": 400, "html": true }))
        .await;
    let wordless = zoho.upsert_contacts(people(&["a@example.com", "bad@example.com"])).await;

    assert_eq!((code(&ruined), code(&alone)), ((500, "INTERNAL_ERROR"), (500, "INTERNAL_ERROR")));
    assert_eq!((spared.status, contacts(&zoho).await), (200, 2));
    assert_eq!((quiet.status, &quiet.body["data"]), (400, &json!(null)));
    assert_eq!((wordless.status, &wordless.body), (400, &json!(null)));
    for order in [json!({}), json!({ "match": "x", "status": 503 })] {
        let mut order = order;
        order["operation"] = "upsert".into();
        order["fault"] = "poison".into();
        assert_eq!(zoho.post("/_control/faults", order).await.status, 400);
    }
}
