//! A salesperson at work, the clock, and what lies in the recycle bin.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

async fn merge(zoho: &Zoho, module: &str, master: &str, others: &[&str]) -> Answer {
    zoho.post("/_control/merge", json!({ "module": module, "master": master, "others": others })).await
}

async fn deleted(zoho: &Zoho, kind: &str) -> Vec<Value> {
    let answer = zoho.get(&format!("/crm/v8/Contacts/deleted?type={kind}")).await;
    answer.body["data"].as_array().cloned().unwrap_or_default()
}

/// Lets days go by; a token that lived through them is a fresh one's business.
async fn days(zoho: &Zoho, days: i64) {
    zoho.settings(json!({ "token_lifetime_seconds": 999_999_999 })).await;
    zoho.post("/_control/clock", json!({ "advance_seconds": days * 86_400 })).await;
}

#[tokio::test]
async fn a_salesperson_creates_a_record_with_tags() {
    let zoho = Zoho::new().await;

    let fields = json!({ "Last_Name": "Lane", "Email": "sheree@example.com" });
    let made = zoho.post("/_control/create", json!({ "module": "Contacts", "fields": fields, "tags": ["VIP"] })).await;
    let nameless = zoho.post("/_control/create", json!({ "module": "Contacts", "fields": {} })).await;

    assert_eq!((made.status, &made.body["Created_By"]["name"]), (200, &json!("Robin Sales")));
    assert_eq!((&made.body["Tag"][0]["name"], nameless.status), (&json!("VIP"), 400));
}

#[tokio::test]
async fn an_edit_of_tags_replaces_them_whatever_the_api_does() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "tag_field": "add" })).await;
    let id = zoho.contact("sheree@example.com").await;
    let edit = async |tags: Value| {
        zoho.post("/_control/edit", json!({ "module": "Contacts", "id": id, "tags": tags })).await.body["Tag"].clone()
    };

    edit(json!(["VIP", "Soccer"])).await;
    let edited = edit(json!(["Golf"])).await;

    assert_eq!((edited.as_array().unwrap().len(), &edited[0]["name"]), (1, &json!("Golf")));
}

#[tokio::test]
async fn a_merge_fills_the_masters_blanks_our_id_too_and_deletes_the_others() {
    let zoho = Zoho::new().await;
    let made = zoho
        .upsert_contacts(json!([
            { "Last_Name": "Lane", "Email": "new@example.com", "Tag": [{ "name": "VIP" }] },
            { "Last_Name": "Reed", "Phone": "1", "Email": "old@example.com", "ISO_User_ID": "user-1", "Tag": [{ "name": "Golf" }] },
        ]))
        .await;

    let merged = merge(&zoho, "Contacts", &made.id(0), &[&made.id(1)]).await;

    let body = &merged.body;
    assert_eq!((&body["Last_Name"], &body["Email"]), (&json!("Lane"), &json!("new@example.com")));
    assert_eq!((&body["Phone"], &body["ISO_User_ID"]), (&json!("1"), &json!("user-1")));
    assert_eq!(body["Tag"].as_array().unwrap().len(), 2);
    assert_eq!(zoho.get(&format!("/crm/v8/Contacts/{}", made.id(1))).await.status, 204);
    assert_eq!(deleted(&zoho, "all").await[0]["deleted_by"]["name"], "Robin Sales");
    // Our id finds the master from now on.
    let found = zoho.upsert_contacts(json!([{ "Last_Name": "Lane", "ISO_User_ID": "user-1" }])).await;
    assert_eq!(found.id(0), made.id(0));
    assert_eq!(merge(&zoho, "Contacts", &made.id(0), &[&made.id(0)]).await.status, 400);
    assert_eq!(merge(&zoho, "Contacts", &made.id(0), &["1"]).await.status, 404);
}

#[tokio::test]
async fn a_deleted_record_lies_in_the_bin_is_gone_for_good_and_at_last_forgotten() {
    let zoho = Zoho::new().await;
    let (kept, lost) = (zoho.contact("a@example.com").await, zoho.contact("b@example.com").await);
    zoho.post("/_control/delete", json!({ "module": "Contacts", "id": kept })).await;
    zoho.post("/_control/delete", json!({ "module": "Contacts", "id": lost, "permanent": true })).await;

    let (recycle, permanent) = (deleted(&zoho, "recycle").await, deleted(&zoho, "permanent").await);
    assert_eq!((recycle.len(), &recycle[0]["id"], &recycle[0]["display_name"]), (1, &json!(kept), &json!("Lane")));
    assert_eq!((permanent.len(), &permanent[0]["id"], &permanent[0]["type"]), (1, &json!(lost), &json!("permanent")));
    for name in ["display_name", "deleted_by", "created_by"] {
        assert_eq!(permanent[0][name], json!(null), "{name}");
    }

    days(&zoho, 61).await;
    let zoho = zoho.with_new_token().await;
    assert_eq!((deleted(&zoho, "recycle").await.len(), deleted(&zoho, "permanent").await.len()), (0, 2));
    days(&zoho, 120).await;
    let zoho = zoho.with_new_token().await;
    assert_eq!(deleted(&zoho, "all").await, [] as [Value; 0]);
}

#[tokio::test]
async fn deletions_are_listed_since_a_time_and_in_pages() {
    let zoho = Zoho::new().await;
    for n in 0..3 {
        let id = zoho.contact(&format!("{n}@example.com")).await;
        zoho.delete(&format!("/crm/v8/Contacts/{id}")).await;
    }
    let since = async |time: &str| {
        let request = zoho.request(Method::GET, "/crm/v8/Contacts/deleted").header("if-modified-since", time);
        Answer::of(request.send().await.unwrap()).await
    };

    let page = zoho.get("/crm/v8/Contacts/deleted?per_page=2&page=2").await;

    assert_eq!((page.items().count(), &page.body["info"]["more_records"]), (1, &json!(false)));
    assert_eq!(since("2020-01-01T00:00:00-06:00").await.items().count(), 3);
    assert_eq!(since("2999-01-01T00:00:00-06:00").await.status, 304);
    assert_eq!(zoho.get("/crm/v8/Contacts/deleted?type=lost").await.body["code"], "PATTERN_NOT_MATCHED");
}

#[tokio::test]
async fn an_account_that_goes_leaves_its_contacts_without_one_and_a_merged_one_hands_them_on() {
    let zoho = Zoho::new().await;
    let account =
        async || zoho.post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "Lincoln" }] })).await.id(0);
    let (first, second) = (account().await, account().await);
    let people = json!([{ "Last_Name": "Reed", "Account_Name": { "id": first } }]);
    let contact = zoho.upsert_contacts(people).await.id(0);
    let shown = async || zoho.get(&format!("/crm/v8/Contacts/{contact}")).await.body["data"][0]["Account_Name"].clone();

    merge(&zoho, "Accounts", &second, &[&first]).await;
    assert_eq!(shown().await, json!({ "name": "Lincoln", "id": second }));
    zoho.delete(&format!("/crm/v8/Accounts/{second}")).await;

    assert_eq!(shown().await, json!(null));
    assert_eq!(zoho.coql("select id from Contacts where Account_Name is null").await.items().count(), 1);
}

#[tokio::test]
async fn a_locked_record_is_the_peoples_alone() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;
    let lock = async |locked: bool| {
        zoho.post("/_control/lock", json!({ "module": "Contacts", "id": id, "locked": locked })).await;
    };
    lock(true).await;
    let path = format!("/crm/v8/Contacts/{id}");
    let tags = json!({ "tags": [{ "name": "VIP" }], "ids": [id] });

    let update = zoho.put(&path, json!({ "data": [{ "Phone": "1" }] })).await;
    let upsert = zoho.upsert_contacts(json!([{ "Last_Name": "Reed", "Email": "sheree@example.com" }])).await;
    let tagged = zoho.post("/crm/v8/Contacts/actions/add_tags", tags.clone()).await;
    let deleted = zoho.delete(&path).await;
    let edited =
        zoho.post("/_control/edit", json!({ "module": "Contacts", "id": id, "fields": { "Phone": "2" } })).await;
    lock(false).await;

    for refused in [update, upsert, tagged.clone(), deleted] {
        assert_eq!((refused.status, refused.codes()), (400, vec!["RECORD_LOCKED"]));
    }
    assert_eq!((&tagged.body["locked_count"], &tagged.body["success_count"]), (&json!("1"), &json!("0")));
    assert_eq!(edited.status, 200);
    assert_eq!(zoho.post("/crm/v8/Contacts/actions/add_tags", tags).await.status, 200);
}

#[tokio::test]
async fn the_clock_goes_forward_by_seconds_or_to_an_instant() {
    let zoho = Zoho::new().await;
    let read = |answer: Answer| answer.body["now"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let start = read(zoho.get("/_control/clock").await);

    let later = read(zoho.post("/_control/clock", json!({ "advance_seconds": 3600 })).await);
    let at = later + TimeDelta::days(7);
    let week = read(zoho.post("/_control/clock", json!({ "at": at })).await);
    let back = zoho.post("/_control/clock", json!({ "at": start })).await;

    assert!((later - start - TimeDelta::hours(1)).num_seconds().abs() < 60);
    assert!(week >= at && week - at < TimeDelta::minutes(1), "{week} {at}");
    assert_eq!(back.status, 400);
    assert_eq!(zoho.get("/crm/v8/Contacts?fields=id").await.body["code"], "INVALID_TOKEN");
    assert_eq!(zoho.post("/_control/clock", json!({ "advance_seconds": -1 })).await.status, 400);
}

#[tokio::test]
async fn a_page_token_ends_after_a_day_and_ids_leave_out_what_is_missing() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "token_lifetime_seconds": 999_999 })).await;
    let zoho = zoho.with_new_token().await;
    let made = zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 3])).await;
    let list = "/crm/v8/Contacts?fields=id&per_page=2";
    let token = zoho.get(list).await.body["info"]["next_page_token"].as_str().unwrap().to_owned();
    let next = async || zoho.get(&format!("{list}&page_token={token}")).await;

    let fresh = next().await;
    zoho.post("/_control/clock", json!({ "advance_seconds": 86_401 })).await;
    let stale = next().await;
    let many = vec![made.id(0); 101].join(",");

    assert_eq!((fresh.status, stale.status, &stale.body["code"]), (200, 400, &json!("EXPIRED_VALUE")));
    let read =
        zoho.get(&format!("/crm/v8/Contacts?fields=id&ids={},41508680000000001,{}", made.id(2), made.id(0))).await;
    assert_eq!(read.items().count(), 2);
    let too_many = zoho.get(&format!("/crm/v8/Contacts?fields=id&ids={many}")).await;
    assert_eq!((too_many.status, &too_many.body["code"]), (400, &json!("LIMIT_EXCEEDED")));
}
