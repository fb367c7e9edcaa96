//! Records that come back from the recycle bin.

use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

/// A Contact with our id, and its id.
async fn sheree(zoho: &Zoho) -> String {
    let sheree = json!([{ "Last_Name": "Lane", "Email": "sheree@example.com", "ISO_User_ID": "user-1" }]);
    zoho.upsert_contacts(sheree).await.id(0)
}

async fn remove(zoho: &Zoho, id: &str, permanent: bool) {
    zoho.post("/_control/delete", json!({ "module": "Contacts", "id": id, "permanent": permanent })).await;
    zoho.post("/_control/clock", json!({ "advance_seconds": 60 })).await;
}

async fn restore(zoho: &Zoho, order: Value) -> Answer {
    let mut order = order;
    order["module"] = "Contacts".into();
    zoho.post("/_control/restore", order).await
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_and_is_listed_as_deleted_no_more() {
    let zoho = Zoho::new().await;
    let id = sheree(&zoho).await;
    let before = zoho.get(&format!("/crm/v8/Contacts/{id}")).await.body["data"][0].clone();
    remove(&zoho, &id, false).await;

    let back = restore(&zoho, json!({ "id": id })).await;

    for name in ["id", "Last_Name", "Email", "ISO_User_ID", "Created_Time"] {
        assert_eq!(back.body[name], before[name], "{name}");
    }
    assert_ne!(back.body["Modified_Time"], before["Modified_Time"]);
    assert_eq!(back.body["Modified_By"]["name"], "Robin Sales");
    assert_eq!(zoho.get("/crm/v8/Contacts/deleted").await.status, 204);
    // Our id finds it again.
    assert_eq!(sheree(&zoho).await, id);
}

#[tokio::test]
async fn its_time_can_stay_what_it_was() {
    let zoho = Zoho::new().await;
    let id = sheree(&zoho).await;
    let before = zoho.state().await["contacts"][0]["Modified_Time"].clone();
    remove(&zoho, &id, false).await;

    let back = restore(&zoho, json!({ "id": id, "touch": false })).await;

    assert_eq!((&back.body["Modified_Time"], &back.body["Modified_By"]["name"]), (&before, &json!("ISO Integration")));
}

#[tokio::test]
async fn what_lies_in_no_bin_or_has_been_replaced_does_not_come_back() {
    let zoho = Zoho::new().await;
    let (lost, replaced) = (zoho.contact("lost@example.com").await, sheree(&zoho).await);
    remove(&zoho, &lost, true).await;
    remove(&zoho, &replaced, false).await;
    let newer = sheree(&zoho).await;

    assert_eq!(restore(&zoho, json!({ "id": lost })).await.status, 404);
    assert_eq!(restore(&zoho, json!({ "id": newer })).await.status, 404, "it is there");
    assert_eq!(restore(&zoho, json!({ "id": replaced })).await.status, 400, "another one has our id");
    assert_eq!(zoho.get("/crm/v8/Contacts/deleted?type=recycle").await.items().count(), 1);
    assert_eq!(zoho.state().await["recycle_bin"], json!({ "Contacts": [replaced], "Accounts": [] }));
}

#[tokio::test]
async fn a_contact_whose_account_has_gone_is_attached_to_none() {
    let zoho = Zoho::new().await;
    let account = zoho.post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "Lincoln" }] })).await.id(0);
    let attached = json!([{ "Last_Name": "Reed", "Account_Name": { "id": account } }]);
    let id = zoho.upsert_contacts(attached).await.id(0);
    remove(&zoho, &id, false).await;
    zoho.delete(&format!("/crm/v8/Accounts/{account}")).await;

    let back = restore(&zoho, json!({ "id": id })).await;

    assert_eq!((back.status, &back.body["Account_Name"]), (200, &json!(null)));
    assert_eq!(zoho.coql("select id from Contacts where Account_Name is null").await.items().count(), 1);
}

#[tokio::test]
async fn a_channel_hears_of_it_as_of_a_new_record() {
    let zoho = Zoho::new().await;
    let id = sheree(&zoho).await;
    remove(&zoho, &id, false).await;
    zoho.settings(json!({ "notifications": "hold" })).await;
    let channel = json!({ "channel_id": "1000", "events": ["Contacts.all"], "notify_url": zoho.url("/nowhere") });
    zoho.post("/crm/v8/actions/watch", json!({ "watch": [channel] })).await;

    restore(&zoho, json!({ "id": id })).await;

    let held = zoho.get("/_control/notifications").await.body["held"].clone();
    let told = &held[0]["body"];
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    assert_eq!((&told["operation"], &told["ids"]), (&json!("insert"), &json!([id])));
}

#[tokio::test]
async fn its_word_can_fail_to_come() {
    let zoho = Zoho::new().await;
    let id = sheree(&zoho).await;
    remove(&zoho, &id, false).await;
    zoho.settings(json!({ "notifications": "hold" })).await;
    let channel = json!({ "channel_id": "1000", "events": ["Contacts.all"], "notify_url": zoho.url("/nowhere") });
    zoho.post("/crm/v8/actions/watch", json!({ "watch": [channel] })).await;

    let back = restore(&zoho, json!({ "id": id, "tell": false })).await;

    assert_eq!(back.body["id"], json!(id));
    assert_eq!(zoho.get("/_control/notifications").await.body["held"], json!([]));
}
