//! What the rules of Zoho's documents say about requests, as it is asked for.

use serde_json::json;

use super::harness::Zoho;

#[tokio::test]
async fn a_request_against_the_rules_is_told_with_its_number_and_page_and_without_values() {
    let zoho = Zoho::new().await;
    zoho.contact("sheree@example.com").await;
    assert_eq!(zoho.get("/_control/violations").await.body, json!({ "violations": [] }));

    let record = json!({ "Last_Name": "Lane", "Email": "sheree at example" });
    zoho.post("/crm/v8/Contacts/upsert", json!({ "data": [record] })).await;

    let told = zoho.get("/_control/violations").await.body;
    assert_eq!(
        told["violations"],
        json!([{
            "rule": "email-shape", "severity": "violation", "request": 3, "operation": "upsert",
            "page": "Zoho CRM v8, Insert Records: https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html",
            "what": "data[0].Email does not look like an address",
        }])
    );
    let requests = zoho.get("/_control/requests").await.body;
    assert_eq!(requests["requests"][2]["number"], 3);
}

#[tokio::test]
async fn a_request_is_told_also_when_a_fault_answers_it_and_forgotten_by_a_reset() {
    let zoho = Zoho::new().await;
    zoho.fault(json!({ "operation": "*", "fault": "status-500", "times": -1 })).await;

    zoho.get("/crm/v8/Contacts").await;
    zoho.get("/crm/v2/Contacts").await;

    let told = zoho.get("/_control/violations").await.body;
    let rules: Vec<_> = told["violations"].as_array().unwrap().iter().map(|told| &told["rule"]).collect();
    assert_eq!(rules, ["fields-missing", "version"]);
    zoho.post("/_control/reset", json!({})).await;
    assert_eq!(zoho.get("/_control/violations").await.body["violations"], json!([]));
}

#[tokio::test]
async fn the_rules_can_be_read() {
    let zoho = Zoho::new().await;

    let rules = zoho.get("/_control/rules").await.body;

    let rule = rules["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "coql-escape").unwrap();
    assert_eq!(rule["severity"], "note");
    assert!(rule["page"].as_str().unwrap().contains("https://help.zoho.com/"));
}
