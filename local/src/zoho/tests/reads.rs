//! Reads by id, lists, search.

use reqwest::Method;
use serde_json::json;

use super::harness::{Answer, Zoho};

#[tokio::test]
async fn a_list_needs_fields_and_shows_those_and_the_id() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;

    let without = zoho.get(&format!("/crm/v8/Contacts?ids={id}")).await;
    let with = zoho.get(&format!("/crm/v8/Contacts?ids={id},41508680000000001&fields=Email,Phone,Tag")).await;

    assert_eq!((without.status, &without.body["code"]), (400, &json!("REQUIRED_PARAM_MISSING")));
    let row = json!({ "id": id, "Email": "sheree@example.com", "Phone": null, "Tag": [] });
    assert_eq!(with.body["data"], json!([row]));
    assert_eq!(with.body["info"]["more_records"], false);
}

#[tokio::test]
async fn nothing_found_is_a_204_without_a_body() {
    let zoho = Zoho::new().await;

    let answer = zoho.get("/crm/v8/Contacts?ids=41508680000000001&fields=id").await;

    assert_eq!((answer.status, answer.body), (204, json!(null)));
}

#[tokio::test]
async fn times_carry_the_organisations_numeric_offset() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "utc_offset_minutes": 330 })).await;
    let id = zoho.contact("sheree@example.com").await;

    let answer = zoho.get(&format!("/crm/v8/Contacts/{id}")).await;

    let time = answer.body["data"][0]["Modified_Time"].as_str().unwrap();
    assert!(time.ends_with("+05:30") && time.len() == "2020-10-14T10:31:43+05:30".len(), "{time}");
}

#[tokio::test]
async fn pages_go_on_by_number_and_by_a_token_bound_to_the_parameters() {
    let zoho = Zoho::new().await;
    zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 5])).await;
    let list = "/crm/v8/Contacts?fields=id&per_page=2&sort_by=id&sort_order=asc";

    let first = zoho.get(list).await;
    let token = first.body["info"]["next_page_token"].as_str().unwrap().to_owned();
    let second = zoho.get(&format!("{list}&page=2")).await;
    let by_token = zoho.get(&format!("{list}&page_token={token}")).await;
    let third = zoho.get(&format!("{list}&page=3")).await;
    let other = zoho.get(&format!("/crm/v8/Contacts?fields=Email&per_page=2&page_token={token}")).await;
    let far = zoho.get("/crm/v8/Contacts?fields=id&page=11").await;

    assert_eq!(first.body["info"]["more_records"], true);
    assert_eq!(second.body["data"], by_token.body["data"]);
    assert_ne!(first.body["data"], second.body["data"]);
    assert_eq!((third.items().count(), &third.body["info"]["more_records"]), (1, &json!(false)));
    assert_eq!(other.body["code"], "TOKEN_BOUND_DATA_MISMATCH");
    assert_eq!(far.body["code"], "DISCRETE_PAGINATION_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_conditional_read_without_news_is_a_304_or_a_204() {
    let zoho = Zoho::new().await;
    zoho.contact("sheree@example.com").await;
    let read = || {
        let request = zoho.request(Method::GET, "/crm/v8/Contacts?fields=id");
        request.header("if-modified-since", "2999-01-01T00:00:00-06:00").send()
    };

    let by_default = Answer::of(read().await.unwrap()).await;
    zoho.settings(json!({ "not_modified_status": 204 })).await;
    let switched = Answer::of(read().await.unwrap()).await;

    assert_eq!((by_default.status, switched.status), (304, 204));
}

#[tokio::test]
async fn what_waits_for_an_approval_is_shown_to_whoever_asks_for_it() {
    let zoho = Zoho::new().await;
    zoho.contact("sheree@example.com").await;
    zoho.settings(json!({ "approval_pending": true })).await;
    let mut statuses = Vec::new();

    for approved in ["", "&approved=true", "&approved=false", "&approved=both"] {
        statuses.push(zoho.get(&format!("/crm/v8/Contacts?fields=Email{approved}")).await.status);
    }

    assert_eq!(statuses, [204, 204, 200, 200]);
}

#[tokio::test]
async fn search_lags_behind_and_its_equals_contains() {
    let zoho = Zoho::new().await;
    zoho.grant_search_and_every_module().await;
    zoho.contact("sheree@example.com").await;
    let search = "/crm/v8/Contacts/search?fields=Email&criteria=(Email:equals:sheree)";

    let fresh = zoho.get(search).await;
    zoho.settings(json!({ "search_delay_seconds": 0 })).await;
    let containing = zoho.get(search).await;
    zoho.settings(json!({ "search_equals_contains": false })).await;
    let exact = zoho.get(search).await;
    let by_email = zoho.get("/crm/v8/Contacts/search?email=SHEREE@example.com").await;

    assert_eq!((fresh.status, containing.status, exact.status, by_email.status), (204, 200, 204, 200));
}

#[tokio::test]
async fn criteria_join_escape_and_are_refused() {
    let zoho = Zoho::new().await;
    zoho.grant_search_and_every_module().await;
    zoho.settings(json!({ "search_delay_seconds": 0 })).await;
    zoho.upsert_contacts(json!([
        { "Last_Name": "Lane (née Reed)", "Email": "a@example.com" },
        { "Last_Name": "Diaz", "Email": "b@example.com" },
    ]))
    .await;
    let count = async |criteria: &str| {
        let request = zoho.request(Method::GET, "/crm/v8/Contacts/search").query(&[("criteria", criteria)]);
        let answer = Answer::of(request.send().await.unwrap()).await;
        if answer.status == 200 { answer.items().count() } else { usize::from(answer.status) }
    };

    assert_eq!(count(r"(Last_Name:equals:Lane \(née Reed\))").await, 1);
    assert_eq!(count("((Last_Name:equals:Diaz)and(Email:starts_with:b@))").await, 1);
    assert_eq!(count("((Last_Name:equals:Diaz)or(Email:starts_with:a@))").await, 2);
    assert_eq!(count("(Email:in:a@example.com,b@example.com)").await, 2);
    assert_eq!(count("(Mail:equals:x)").await, 400);
    assert_eq!(count("((Email:equals:x)").await, 400);
    assert_eq!(count(&format!("({})", vec!["(Email:equals:b@example.com)"; 15].join("and"))).await, 1);
    assert_eq!(count(&format!("({})", vec!["(Email:equals:b@example.com)"; 16].join("and"))).await, 400);
}
