//! Upsert, create, update, delete.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

#[tokio::test]
async fn each_record_of_an_upsert_has_its_own_result_in_the_order_of_the_request() {
    let zoho = Zoho::new().await;
    let known = zoho.contact("sheree@example.com").await;

    let answer = zoho
        .upsert_contacts(json!([
            { "Last_Name": "Diaz", "Email": "frank@example.com" },
            { "First_Name": "Nobody" },
            { "Last_Name": "Lane", "Email": "SHEREE@example.com", "Phone": "+13125550142" },
            { "Last_Name": "Reed", "Email": "not an address" },
        ]))
        .await;

    assert_eq!(answer.status, 207);
    assert_eq!(answer.codes(), ["SUCCESS", "MANDATORY_NOT_FOUND", "SUCCESS", "INVALID_DATA"]);
    assert_eq!(answer.body["data"][0]["action"], "insert");
    assert_eq!(answer.body["data"][1]["details"]["json_path"], "$.data[1].Last_Name");
    assert_eq!((&answer.body["data"][2]["action"], answer.id(2)), (&json!("update"), known));
    assert_eq!(answer.body["data"][2]["duplicate_field"], "Email");
    assert_eq!(answer.body["data"][3]["details"]["expected_data_type"], "email");
    assert_eq!(zoho.state().await["contacts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_upsert_whose_records_all_fail_is_a_400_or_a_207_but_has_its_results() {
    let zoho = Zoho::new().await;

    let by_default = zoho.upsert_contacts(json!([{ "First_Name": "Nobody" }])).await;
    zoho.settings(json!({ "all_failed_status": 207 })).await;
    let switched = zoho.upsert_contacts(json!([{ "First_Name": "Nobody" }])).await;

    assert_eq!((by_default.status, by_default.codes()), (400, vec!["MANDATORY_NOT_FOUND"]));
    assert_eq!((switched.status, switched.codes()), (207, vec!["MANDATORY_NOT_FOUND"]));
}

#[tokio::test]
async fn duplicates_are_found_by_the_named_field_first_and_by_unique_fields_always() {
    let zoho = Zoho::new().await;
    let data = json!([
        { "Last_Name": "Lane", "Email": "old@example.com", "ISO_User_ID": "user-1" },
        { "Last_Name": "Lane", "Email": "new@example.com" },
    ]);
    let made = zoho.upsert_contacts(data).await;
    let upsert = async |fields: &[&str]| {
        let record = json!({ "Last_Name": "Lane", "ISO_User_ID": "user-1", "Email": "new@example.com" });
        zoho.post("/crm/v8/Contacts/upsert", json!({ "data": [record], "duplicate_check_fields": fields })).await
    };

    // E-mail first: it finds the second record, which must not take over the first one's unique id.
    let by_email = upsert(&["Email"]).await;
    let by_default = upsert(&[]).await;
    // Our id alone: the e-mail is no duplicate field any more.
    let by_id = upsert(&["ISO_User_ID"]).await;

    for refused in [by_email, by_default] {
        assert_eq!((refused.status, refused.codes()), (400, vec!["DUPLICATE_DATA"]));
        assert_eq!(refused.body["data"][0]["details"]["duplicate_record"]["id"], made.id(0));
        assert_eq!(refused.body["data"][0]["details"]["api_name"], "ISO_User_ID");
    }
    assert_eq!((by_id.status, by_id.id(0)), (200, made.id(0)));
    assert_eq!(by_id.body["data"][0]["duplicate_field"], "ISO_User_ID");
}

#[tokio::test]
async fn a_field_that_is_not_unique_cannot_be_checked_for_duplicates() {
    let zoho = Zoho::new().await;

    let body = json!({ "data": [{ "Last_Name": "Lane" }], "duplicate_check_fields": ["Phone"] });
    let refused = zoho.post("/crm/v8/Contacts/upsert", body).await;

    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("INVALID_DATA")));
}

#[tokio::test]
async fn records_of_one_call_can_duplicate_each_other() {
    let zoho = Zoho::new().await;

    let record = json!({ "Last_Name": "Lane", "ISO_User_ID": "user-1" });
    let answer = zoho.upsert_contacts(json!([record, record])).await;

    assert_eq!(answer.id(0), answer.id(1));
    assert_eq!(answer.body["data"][1]["action"], "update");
}

#[tokio::test]
async fn lengths_types_and_lookups_are_checked() {
    let zoho = Zoho::new().await;

    let answer = zoho
        .upsert_contacts(json!([
            { "Last_Name": "x".repeat(81) },
            { "Last_Name": 7 },
            { "Last_Name": "Lane", "Account_Name": { "id": "1" } },
            { "Last_Name": "Lane", "Date_of_Birth": "14 May" },
            { "Last_Name": "Lane", "Tag": [{ "name": "x".repeat(26) }] },
        ]))
        .await;

    assert_eq!(answer.status, 400);
    assert_eq!(answer.codes(), ["INVALID_DATA"; 5]);
    assert_eq!(answer.body["data"][0]["details"]["maximum_length"], 80);
    assert_eq!(answer.body["data"][1]["details"]["expected_data_type"], "text");
    assert_eq!(answer.body["data"][2]["details"]["api_name"], "Account_Name");
    assert_eq!(answer.body["data"][4]["details"]["maximum_length"], 25);
}

#[tokio::test]
async fn a_hundred_records_are_the_most_of_one_call() {
    let zoho = Zoho::new().await;

    let hundred = zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 100])).await;
    let more = zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 101])).await;

    assert_eq!(hundred.status, 200);
    assert_eq!((more.status, &more.body["details"]["maximum_length"]), (400, &json!(100)));
}

#[tokio::test]
async fn create_answers_201_and_refuses_a_unique_value_that_exists() {
    let zoho = Zoho::new().await;
    let record = json!({ "data": [{ "Account_Name": "Lincoln High", "ISO_Organization_ID": "org-1" }] });

    let created = zoho.post("/crm/v8/Accounts", record.clone()).await;
    let again = zoho.post("/crm/v8/Accounts", record).await;
    let namesake = zoho.post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "Lincoln High" }] })).await;

    assert_eq!(created.status, 201);
    assert_eq!((again.status, again.codes()), (400, vec!["DUPLICATE_DATA"]));
    assert_eq!(namesake.status, 201);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears() {
    let zoho = Zoho::new().await;
    let data = json!([{ "Last_Name": "Lane", "Email": "sheree@example.com", "Phone": "1", "Title": "Ms" }]);
    let id = zoho.upsert_contacts(data).await.id(0);

    let changed =
        zoho.put(&format!("/crm/v8/Contacts/{id}"), json!({ "data": [{ "Phone": "2", "Title": null }] })).await;
    let unknown = zoho.put("/crm/v8/Contacts", json!({ "data": [{ "id": "41508680000000001", "Phone": "3" }] })).await;

    assert_eq!((changed.status, changed.body["data"][0]["message"].as_str()), (200, Some("record updated")));
    assert_eq!((unknown.status, unknown.codes()), (400, vec!["INVALID_DATA"]));
    let contact = &zoho.state().await["contacts"][0];
    assert_eq!(
        (&contact["Phone"], &contact["Title"], &contact["Last_Name"]),
        (&json!("2"), &json!(null), &json!("Lane"))
    );
}

#[tokio::test]
async fn an_update_of_what_changed_since_is_refused() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;
    let update = |since: &str| {
        let request = zoho.request(Method::PUT, &format!("/crm/v8/Contacts/{id}")).header("if-unmodified-since", since);
        request.json(&json!({ "data": [{ "Phone": "2" }] })).send()
    };

    let stale = Answer::of(update("2020-01-01T00:00:00-06:00").await.unwrap()).await;
    let fresh = Answer::of(update("2999-01-01T00:00:00-06:00").await.unwrap()).await;

    assert_eq!((stale.status, stale.codes()), (412, vec!["ALREADY_MODIFIED"]));
    assert_eq!((fresh.status, fresh.codes()), (200, vec!["SUCCESS"]));
}

#[tokio::test]
async fn a_record_may_be_newer_than_the_second_that_is_shown() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;
    let shown = zoho.state().await["contacts"][0]["Modified_Time"].as_str().unwrap().to_owned();
    let update = async || {
        let request =
            zoho.request(Method::PUT, &format!("/crm/v8/Contacts/{id}")).header("if-unmodified-since", &shown);
        Answer::of(request.json(&json!({ "data": [{ "Last_Name": "Lane" }] })).send().await.unwrap()).await.status
    };

    zoho.settings(json!({ "modified_hidden_milliseconds": 500 })).await;
    let hidden = update().await;
    zoho.settings(json!({ "modified_hidden_milliseconds": 0 })).await;

    assert_eq!((hidden, update().await), (412, 200));
}

#[tokio::test]
async fn a_call_whose_records_are_all_too_new_is_told_so_in_three_forms() {
    let zoho = Zoho::new().await;
    let ids = [zoho.contact("sheree@example.com").await, zoho.contact("frank@example.com").await];
    let update = async || {
        let data: Value = ids.iter().map(|id| json!({ "id": id, "Last_Name": "Lane" })).collect();
        let request = zoho.request(Method::PUT, "/crm/v8/Contacts");
        let request = request.header("if-unmodified-since", "2000-01-01T00:00:00+00:00").json(&json!({ "data": data }));
        Answer::of(request.send().await.unwrap()).await
    };

    let mut told: Vec<(u16, Option<usize>, Value)> = Vec::new();
    for form in ["per-record", "first", "bare"] {
        zoho.settings(json!({ "already_modified": form })).await;
        let answer = update().await;
        told.push((answer.status, answer.body["data"].as_array().map(Vec::len), answer.body["code"].clone()));
    }

    let null = Value::Null;
    assert_eq!(told, [(412, Some(2), null.clone()), (412, Some(1), null), (412, None, json!("ALREADY_MODIFIED"))]);
}

#[tokio::test]
async fn a_phone_number_can_be_a_unique_field() {
    let zoho = Zoho::new().await;
    let known = zoho.upsert_contacts(json!([{ "Last_Name": "Lane", "Phone": "+13125550142" }])).await.id(0);
    zoho.settings(json!({ "unique_phone": true, "upsert_status": 202 })).await;
    let namesake = json!({ "Last_Name": "Reed", "Phone": "+13125550142" });

    let created = zoho.post("/crm/v8/Contacts", json!({ "data": [namesake] })).await;
    let upserted = zoho.upsert_contacts(json!([namesake])).await;

    assert_eq!((created.status, created.codes()), (400, vec!["DUPLICATE_DATA"]));
    assert_eq!((upserted.status, upserted.id(0)), (202, known));
    assert_eq!(upserted.body["data"][0]["duplicate_field"], "Phone");
}

#[tokio::test]
async fn deleted_records_are_gone_and_listed_as_deleted() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;

    let deleted = zoho.delete(&format!("/crm/v8/Contacts?ids={id},41508680000000001")).await;

    assert_eq!((deleted.status, deleted.codes()), (207, vec!["SUCCESS", "INVALID_DATA"]));
    assert_eq!(zoho.get(&format!("/crm/v8/Contacts/{id}")).await.status, 204);
    let listed = zoho.get("/crm/v8/Contacts/deleted?type=all").await;
    assert_eq!(listed.items().map(|row| row["id"].clone()).collect::<Vec<_>>(), [json!(id)]);
    assert_eq!(zoho.get("/crm/v8/Contacts/deleted?type=permanent").await.status, 204);
    // Its unique values are free again.
    let again = zoho.upsert_contacts(json!([{ "Last_Name": "Lane", "Email": "sheree@example.com" }])).await;
    assert_eq!(again.body["data"][0]["action"], "insert");
}

#[tokio::test]
async fn an_edit_is_a_salespersons() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;

    let edit = json!({ "module": "Contacts", "id": id, "fields": { "Phone": "+1555", "Tag": [{ "name": "VIP" }] } });
    let edited = zoho.post("/_control/edit", edit).await;
    let misspelt = json!({ "module": "Contacts", "id": id, "fields": { "Fone": "+1555" } });
    let misspelt = zoho.post("/_control/edit", misspelt).await;

    assert_eq!(edited.body["Phone"], "+1555");
    assert_ne!(edited.body["Modified_By"], edited.body["Created_By"]);
    assert_eq!(misspelt.status, 400);
    assert_eq!(zoho.state().await["contacts"][0]["Tag"][0]["name"], "VIP");
}

#[tokio::test]
async fn other_modules_and_paths_are_refused_as_zoho_does() {
    let zoho = Zoho::new().await;
    zoho.grant_search_and_every_module().await;

    let module = zoho.post("/crm/v8/Leads/upsert", json!({ "data": [{ "Last_Name": "Lane" }] })).await;
    let path = zoho.get("/crm/v2/Contacts").await;

    assert_eq!((module.status, &module.body["code"]), (400, &json!("INVALID_MODULE")));
    assert_eq!((path.status, &path.body["code"]), (404, &json!("INVALID_URL_PATTERN")));
}
