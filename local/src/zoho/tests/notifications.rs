//! What a client hears of, and the disturbances on the way.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::harness::Zoho;
use crate::{http::HttpServer, receiver};

/// A simulator that tells a receiver of everything.
struct Heard {
    zoho: Zoho,
    ear: HttpServer,
}

impl Heard {
    async fn new() -> Self {
        Self::with(json!({})).await
    }

    async fn with(more: Value) -> Self {
        let heard = Self { zoho: Zoho::new().await, ear: receiver::start().await.unwrap() };
        let mut channel = json!({
            "channel_id": "1000", "token": "t", "events": ["Contacts.all", "Accounts.all"],
            "notify_url": format!("{}/hooks/zoho?source=zoho-crm", heard.ear.url()),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            channel[key] = value.clone();
        }
        let answer = heard.zoho.post("/crm/v8/actions/watch", json!({ "watch": [channel] })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        heard
    }

    /// The bodies that have come, once all that was sent is answered.
    async fn bodies(&self) -> Vec<Value> {
        loop {
            let sent = self.zoho.get("/_control/notifications").await.body["sent"].clone();
            let is_open = |sent: &Value| sent["status"].is_null() && sent["error"].is_null();
            if !sent.as_array().unwrap().iter().any(is_open) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let received: Vec<Value> = crate::http::client()
            .build()
            .unwrap()
            .get(format!("{}/received", self.ear.url()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        received.iter().map(|request| serde_json::from_str(request["body"].as_str().unwrap()).unwrap()).collect()
    }

    /// Operation and ids of what has come.
    async fn told(&self) -> Vec<(String, usize)> {
        let name = |body: &Value| body["operation"].as_str().unwrap().to_owned();
        let count = |body: &Value| body["ids"].as_array().unwrap().len();
        let mut told: Vec<_> = self.bodies().await.iter().map(|body| (name(body), count(body))).collect();
        told.sort_unstable();
        told
    }

    async fn settings(&self, changes: Value) {
        self.zoho.settings(changes).await;
    }

    async fn edit(&self, id: &str, fields: Value) {
        let answer =
            self.zoho.post("/_control/edit", json!({ "module": "Contacts", "id": id, "fields": fields })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn act(&self, order: Value) -> Value {
        let answer = self.zoho.post("/_control/notifications", order).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

fn one(operation: &str) -> Vec<(String, usize)> {
    vec![(operation.to_owned(), 1)]
}

#[tokio::test]
async fn an_insert_names_its_records_and_echoes_the_query_and_the_token() {
    let heard = Heard::new().await;

    let made = heard.zoho.upsert_contacts(json!([{ "Last_Name": "Lane" }, { "Last_Name": "Diaz" }])).await;

    let [body] = heard.bodies().await.try_into().unwrap();
    assert_eq!(body["ids"], json!([made.id(0), made.id(1)]));
    assert_eq!((&body["operation"], &body["module"]), (&json!("insert"), &json!("Contacts")));
    assert_eq!((&body["token"], &body["channel_id"]), (&json!("t"), &json!("1000")));
    assert_eq!((&body["query_params"], &body["affected_fields"]), (&json!({ "source": "zoho-crm" }), &json!([])));
    assert!(body["server_time"].is_i64() && body["resource_uri"].as_str().unwrap().ends_with("/crm/v2/Contacts"));
}

#[tokio::test]
async fn an_update_names_the_fields_and_the_values_if_asked() {
    let heard = Heard::with(json!({ "return_affected_field_values": true, "events": ["Contacts.edit"] })).await;
    let id = heard.zoho.contact("sheree@example.com").await;

    heard.edit(&id, json!({ "Phone": "1", "Last_Name": "Lane" })).await;

    let [body] = heard.bodies().await.try_into().unwrap();
    assert_eq!(body["affected_fields"], json!([{ id.clone(): ["Phone"] }]));
    assert_eq!(body["affected_values"], json!([{ "record_id": id, "values": { "Phone": "1" } }]));
}

#[tokio::test]
async fn each_kind_of_change_of_a_step_is_a_notification_and_a_deletion_is_one() {
    let heard = Heard::new().await;
    heard.settings(json!({ "notifications": "drop" })).await;
    let id = heard.zoho.contact("sheree@example.com").await;
    heard.settings(json!({ "notifications": "deliver" })).await;

    let records = json!([{ "Last_Name": "Reed", "Email": "sheree@example.com" }, { "Last_Name": "Diaz" }]);
    heard.zoho.upsert_contacts(records).await;
    heard.zoho.delete(&format!("/crm/v8/Contacts/{id}")).await;

    let told = heard.told().await;
    assert_eq!(told, [("delete".to_owned(), 1), ("insert".to_owned(), 1), ("update".to_owned(), 1)]);
}

#[tokio::test]
async fn what_the_api_writes_is_told_unless_a_setting_says_otherwise() {
    let heard = Heard::new().await;
    heard.settings(json!({ "notify_own_writes": false })).await;
    let id = heard.zoho.contact("sheree@example.com").await;
    heard.settings(json!({ "notify_own_writes": true, "trigger_suppresses_notifications": true })).await;
    heard.zoho.contact("frank@example.com").await;
    assert_eq!(heard.told().await, []);

    heard.edit(&id, json!({ "Phone": "1" })).await;
    assert_eq!(heard.told().await, one("update"));

    heard.zoho.put(&format!("/crm/v8/Contacts/{id}"), json!({ "data": [{ "Phone": "2" }] })).await;
    assert_eq!(heard.told().await.len(), 2);
}

#[tokio::test]
async fn tags_and_writes_without_a_change_are_told_or_not() {
    let heard = Heard::with(json!({ "events": ["Contacts.edit"] })).await;
    let id = heard.zoho.contact("sheree@example.com").await;
    let add = async |name: &str| {
        let body = json!({ "tags": [{ "name": name }], "ids": [id] });
        heard.zoho.post("/crm/v8/Contacts/actions/add_tags", body).await
    };
    let write =
        async || heard.zoho.put(&format!("/crm/v8/Contacts/{id}"), json!({ "data": [{ "Last_Name": "Lane" }] })).await;

    heard.settings(json!({ "notify_tags": false, "notify_unchanged_writes": false })).await;
    add("Soccer").await;
    write().await;
    assert_eq!(heard.told().await, []);

    heard.settings(json!({ "notify_tags": true, "notify_unchanged_writes": true })).await;
    add("Golf").await;
    assert_eq!(heard.bodies().await[0]["affected_fields"], json!([{ id.clone(): ["Tag"] }]));
    write().await;
    assert_eq!(heard.told().await.len(), 2);
}

#[tokio::test]
async fn a_channel_hears_its_events_and_fields_alone_and_nothing_once_it_has_expired() {
    let condition = json!([{
        "type": "field_selection", "module": { "api_name": "Contacts" },
        "field_selection": { "group_operator": "or", "group": [{ "field": { "api_name": "Email" } }, { "field": { "api_name": "Phone" } }] },
    }]);
    let heard = Heard::with(json!({ "events": ["Contacts.edit"], "notification_condition": condition })).await;
    let id = heard.zoho.contact("sheree@example.com").await;

    heard.edit(&id, json!({ "Title": "Ms" })).await;
    assert_eq!(heard.told().await, []);
    heard.edit(&id, json!({ "Phone": "1" })).await;
    assert_eq!(heard.told().await, one("update"));

    heard.zoho.post("/_control/clock", json!({ "advance_seconds": 3601 })).await;
    heard.edit(&id, json!({ "Phone": "2" })).await;
    assert_eq!(heard.told().await, one("update"));
}

#[tokio::test]
async fn held_notifications_come_late_twice_and_reversed() {
    let heard = Heard::new().await;
    heard.settings(json!({ "notifications": "hold" })).await;
    let id = heard.zoho.contact("sheree@example.com").await;
    heard.edit(&id, json!({ "Phone": "1" })).await;
    assert_eq!(heard.told().await, []);
    assert_eq!(heard.zoho.get("/_control/notifications").await.body["held"].as_array().unwrap().len(), 2);

    let sent = heard.act(json!({ "action": "deliver-held", "order": "reversed", "times": 2 })).await;

    assert_eq!(sent["statuses"], json!([200, 200, 200, 200]));
    let order: Vec<_> = heard.bodies().await.iter().map(|body| body["operation"].clone()).collect();
    assert_eq!(order, ["update", "update", "insert", "insert"]);
    assert_eq!(heard.act(json!({ "action": "deliver-held" })).await["statuses"], json!([]));
    assert_eq!(heard.zoho.state().await["notifications_sent"], 4);
}

#[tokio::test]
async fn held_notifications_of_one_kind_become_one_and_a_seed_shuffles_alike() {
    let heard = Heard::new().await;
    let (sheree, frank) =
        (heard.zoho.contact("sheree@example.com").await, heard.zoho.contact("frank@example.com").await);
    heard.settings(json!({ "notifications": "hold" })).await;
    heard.edit(&sheree, json!({ "Phone": "1" })).await;
    heard.edit(&frank, json!({ "Phone": "2" })).await;
    heard.edit(&sheree, json!({ "Phone": "3" })).await;

    let merged = json!({ "action": "deliver-held", "order": "shuffled", "seed": 7, "merge": true });
    assert_eq!(heard.act(merged).await["statuses"], json!([200]));

    let bodies = heard.bodies().await;
    assert_eq!(bodies.iter().find(|body| body["operation"] == "update").unwrap()["ids"], json!([sheree, frank]));
}

#[tokio::test]
async fn held_notifications_can_be_sent_in_part_and_dropped() {
    let heard = Heard::new().await;
    heard.settings(json!({ "notifications": "hold" })).await;
    heard.zoho.contact("sheree@example.com").await;
    heard.zoho.contact("frank@example.com").await;
    heard.settings(json!({ "notifications": "drop" })).await;
    heard.zoho.contact("cathy@example.com").await;

    assert_eq!(heard.act(json!({ "action": "deliver-held", "count": 1 })).await["statuses"], json!([200]));
    assert_eq!(heard.act(json!({ "action": "drop-held" })).await["dropped"], 1);

    let listed = heard.zoho.get("/_control/notifications").await.body;
    assert_eq!(
        (&listed["dropped"], &listed["held"], &listed["sent"][0]["status"]),
        (&json!(2), &json!([]), &json!(200))
    );
}

#[tokio::test]
async fn a_refused_notification_is_sent_again_only_by_a_setting() {
    let heard = Heard::new().await;
    let answer = async |times: u32| {
        let client = crate::http::client().build().unwrap();
        let body = json!({ "endpoint": "zoho", "status": 503, "times": times });
        client.post(format!("{}/answers", heard.ear.url())).json(&body).send().await.unwrap();
    };

    heard.settings(json!({ "notification_retry_milliseconds": 1 })).await;
    answer(1).await;
    heard.zoho.contact("sheree@example.com").await;
    assert_eq!(heard.told().await.len(), 1);
    heard.settings(json!({ "notification_retries": 2 })).await;
    answer(1).await;
    heard.zoho.contact("frank@example.com").await;

    while heard.zoho.get("/_control/notifications").await.body["sent"][1]["attempts"] != 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let sent = heard.zoho.get("/_control/notifications").await.body["sent"].clone();
    assert_eq!((&sent[0]["status"], &sent[0]["attempts"]), (&json!(503), &json!(1)));
    assert_eq!((&sent[1]["status"], heard.told().await.len()), (&json!(200), 3));
}

#[tokio::test]
async fn a_receiver_that_is_away_is_told_by_a_sentence() {
    let heard = Heard::with(json!({ "notify_url": "http://127.0.0.1:9/" })).await;
    heard.settings(json!({ "notifications": "hold" })).await;
    heard.zoho.contact("sheree@example.com").await;

    let sent = heard.act(json!({ "action": "deliver-held" })).await;

    assert!(sent["statuses"][0].as_str().unwrap().starts_with("The notification could not be sent"));
}

#[tokio::test]
async fn a_merge_tells_of_the_deleted_and_of_the_master() {
    let heard = Heard::new().await;
    heard.settings(json!({ "notifications": "drop" })).await;
    let made =
        heard.zoho.upsert_contacts(json!([{ "Last_Name": "Lane" }, { "Last_Name": "Reed", "Phone": "1" }])).await;
    heard.settings(json!({ "notifications": "deliver" })).await;

    let merge = json!({ "module": "Contacts", "master": made.id(0), "others": [made.id(1)] });
    assert_eq!(heard.zoho.post("/_control/merge", merge).await.status, 200);

    let bodies = heard.bodies().await;
    let of = |operation: &str| bodies.iter().find(|body| body["operation"] == operation).unwrap().clone();
    assert_eq!((bodies.len(), &of("delete")["ids"]), (2, &json!([made.id(1)])));
    assert_eq!(of("update")["affected_fields"], json!([{ made.id(0): ["Phone"] }]));
}

#[tokio::test]
async fn the_server_time_is_the_simulators() {
    let heard = Heard::new().await;
    heard.zoho.post("/_control/clock", json!({ "advance_seconds": 600 })).await;

    heard.zoho.contact("sheree@example.com").await;

    let now: chrono::DateTime<chrono::Utc> =
        heard.zoho.get("/_control/clock").await.body["now"].as_str().unwrap().parse().unwrap();
    let told = heard.bodies().await[0]["server_time"].as_i64().unwrap();
    assert!((now.timestamp_millis() - told).abs() < TimeDelta::seconds(60).num_milliseconds());
}
