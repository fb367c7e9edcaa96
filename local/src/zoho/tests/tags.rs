//! Tags and their caps.

use serde_json::{Value, json};

use super::harness::Zoho;

async fn tags_of(zoho: &Zoho, index: usize) -> Vec<Value> {
    zoho.state().await["contacts"][index]["Tag"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect()
}

fn named(names: impl IntoIterator<Item = String>) -> Value {
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

#[tokio::test]
async fn tags_are_made_added_kept_and_removed() {
    let zoho = Zoho::new().await;
    let (sheree, frank) = (zoho.contact("sheree@example.com").await, zoho.contact("frank@example.com").await);
    let add =
        json!({ "tags": [{ "name": "Soccer" }], "ids": [sheree, frank, "41508680000000001"], "over_write": false });

    let added = zoho.post("/crm/v8/Contacts/actions/add_tags", add).await;
    let one =
        zoho.post(&format!("/crm/v8/Contacts/{sheree}/actions/add_tags"), json!({ "tags": [{ "name": "VIP" }] })).await;
    let remove = json!({ "tags": [{ "name": "soccer" }], "ids": [sheree] });
    let removed = zoho.post("/crm/v8/Contacts/actions/remove_tags", remove).await;

    assert_eq!((added.status, added.codes()), (207, vec!["SUCCESS", "SUCCESS", "INVALID_DATA"]));
    assert_eq!((&added.body["success_count"], &added.body["locked_count"]), (&json!("2"), &json!("0")));
    assert_eq!(one.body["data"][0]["details"]["tags"].as_array().unwrap().len(), 2);
    assert_eq!(one.body["success_count"], json!(null));
    assert_eq!(removed.body["data"][0]["details"]["tags"][0]["name"], "VIP");
    assert_eq!((tags_of(&zoho, 0).await, tags_of(&zoho, 1).await), (vec![json!("VIP")], vec![json!("Soccer")]));
}

#[tokio::test]
async fn a_record_has_ten_tags_at_most_or_as_many_as_its_edition_allows() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;
    let add = async |names: Value| {
        zoho.post("/crm/v8/Contacts/actions/add_tags", json!({ "tags": names, "ids": [id] })).await
    };

    let ten = add(named((0..10).map(|n| format!("Tag {n}")))).await;
    let eleventh = add(named(["Tag 10".to_owned()])).await;
    let known = add(named(["Tag 3".to_owned()])).await;
    let in_field = async || {
        let record = json!({ "Last_Name": "Lane", "Tag": named((0..6).map(|n| format!("Tag {n}"))) });
        zoho.upsert_contacts(json!([record])).await.status
    };
    let six = in_field().await;
    zoho.settings(json!({ "record_tag_limit": 5 })).await;

    assert_eq!((six, in_field().await), (200, 400));
    assert_eq!((ten.status, eleventh.status, known.status), (200, 400, 200));
    assert_eq!(eleventh.body["data"][0]["details"]["maximum_length"], 10);
    assert_eq!(tags_of(&zoho, 0).await.len(), 10);
}

#[tokio::test]
async fn a_name_has_25_characters_and_a_call_500_records() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("sheree@example.com").await;
    let add = async |name: String, ids: Vec<&String>| {
        zoho.post("/crm/v8/Contacts/actions/add_tags", json!({ "tags": [{ "name": name }], "ids": ids })).await
    };

    assert_eq!(add("é".repeat(25), vec![&id]).await.status, 200);
    assert_eq!(add("é".repeat(26), vec![&id]).await.body["tags"][0]["details"]["maximum_length"], 25);
    assert_eq!(add("Soccer".to_owned(), vec![&id; 500]).await.status, 200);
    assert_eq!(add("Soccer".to_owned(), vec![&id; 501]).await.body["details"]["maximum_length"], 500);
}

#[tokio::test]
async fn a_module_has_as_many_tags_as_its_edition_allows() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "module_tag_limit": 1 })).await;
    let id = zoho.contact("sheree@example.com").await;
    let add = async |name: &str| {
        zoho.post("/crm/v8/Contacts/actions/add_tags", json!({ "tags": [{ "name": name }], "ids": [id] })).await
    };

    assert_eq!(add("Soccer").await.status, 200);
    assert_eq!(add("Swimming").await.body["code"], "LICENSE_LIMIT_EXCEEDED");
    assert_eq!(add("Soccer").await.status, 200);
}

#[tokio::test]
async fn tags_in_a_record_replace_its_tags() {
    let zoho = Zoho::new().await;

    for tags in [json!([{ "name": "Soccer" }, { "name": "Golf" }]), json!([{ "name": "Chess" }])] {
        zoho.upsert_contacts(json!([{ "Last_Name": "Lane", "Email": "a@example.com", "Tag": tags }])).await;
    }

    assert_eq!(tags_of(&zoho, 0).await, [json!("Chess")]);
}
