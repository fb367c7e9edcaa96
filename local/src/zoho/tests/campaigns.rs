//! Transmissions and receipts.

use std::time::Duration;

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::harness::{Answer, Zoho};

/// A receiver of receipts: what came in which `x-token` header.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(String, Value)>) {
    type Sender = mpsc::UnboundedSender<(String, Value)>;
    let take = async |State(sender): State<Sender>, headers: HeaderMap, body: Bytes| {
        let token = headers["x-token"].to_str().unwrap().to_owned();
        sender.send((token, serde_json::from_slice(&body).unwrap())).unwrap();
    };
    let (sender, received) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/receipts", listener.local_addr().unwrap());
    let router = Router::new().route("/receipts", post(take)).with_state(sender);
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, received)
}

/// The next receipt; a test whose receipt never comes fails instead of waiting.
async fn next(received: &mut mpsc::UnboundedReceiver<(String, Value)>) -> (String, Value) {
    tokio::time::timeout(Duration::from_secs(10), received.recv()).await.expect("a receipt comes").unwrap()
}

fn alert(addresses: &[&str]) -> Value {
    let recipient = |address: &&str| json!({ "address": address, "additional_data": { "alert": format!("alert of {address}") }, "merge_data": { "first_name": "Sheree" } });
    json!({
        "transmission_name": "gallery-live/1",
        "recipients": addresses.iter().map(recipient).collect::<Vec<_>>(),
        "content": {
            "from": { "address": "hello@isophotoxp.example", "name": "ISO Photo XP" },
            "subject": "Your photos are ready",
            "template_id": "1093639000412559078",
        },
    })
}

async fn transmit(zoho: &Zoho, body: Value) -> Answer {
    zoho.post("/emailapi/v1/transmission", body).await
}

#[tokio::test]
async fn a_transmission_is_accepted_and_can_be_looked_up() {
    let zoho = Zoho::new().await;

    let sent = transmit(&zoho, alert(&["sheree@example.com", "nonsense"])).await;

    assert_eq!(sent.status, 200);
    assert_eq!((&sent.body["accepted_recipients"], &sent.body["rejected_recipients"]), (&json!(1), &json!(1)));
    assert_eq!(sent.body["response"]["code"], 200_001);
    let id = sent.body["transmission_id"].as_str().unwrap();
    let details = zoho.get(&format!("/emailapi/v1/transmission/{id}")).await;
    assert_eq!(details.body["transmission_details"]["transmission_name"], "gallery-live/1");
    let state = zoho.state().await;
    assert_eq!(state["transmissions"][0]["transmission_id"], id);
    assert_eq!(state["transmissions"][0]["recipients"][0]["address"], "sheree@example.com");
}

#[tokio::test]
async fn a_transmission_that_cannot_be_sent_has_six_digits() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "recipients_limit": 1 })).await;
    let with = |pointer: &str, value: Value| {
        let mut body = alert(&["sheree@example.com"]);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let cases = [
        (alert(&["a@example.com", "b@example.com"]), 400_011),
        (alert(&["nonsense"]), 400_013),
        (with("/content/from/address", json!("hello")), 400_008),
        (with("/content/template_id", json!("1")), 400_007),
    ];

    for (body, code) in cases {
        let refused = transmit(&zoho, body).await;
        assert_eq!((refused.status, &refused.body["response"]["code"]), (400, &json!(code)));
    }
    assert_eq!(zoho.state().await["transmissions"], json!([]));
}

#[tokio::test]
async fn receipts_go_out_when_they_are_ordered() {
    let zoho = Zoho::new().await;
    let (url, mut received) = receiver().await;
    zoho.post("/_control/webhook", json!({ "url": url, "header": "x-token", "token": "t0ken" })).await;
    transmit(&zoho, alert(&["sheree@example.com", "cathy@example.com"])).await;

    let order = json!({ "transmission_name": "gallery-live/1", "action": "bounce", "address": "cathy@example.com", "bounce_type": "hard" });
    let sent = zoho.post("/_control/receipts", order).await;

    assert_eq!(sent.body, json!({ "statuses": [200] }));
    let (token, envelope) = next(&mut received).await;
    assert_eq!((token.as_str(), &envelope["action"]), ("t0ken", &json!("bounce")));
    let items = envelope["data"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["contact_email"], "cathy@example.com");
    assert_eq!(items[0]["rcpt_additional_data"], json!({ "alert": "alert of cathy@example.com" }));
    assert_eq!((&items[0]["transmission_name"], &items[0]["bounce_type"]), (&json!("gallery-live/1"), &json!("hard")));
    assert!(received.try_recv().is_err(), "nothing was sent by itself");
}

#[tokio::test]
async fn a_hard_bounce_suppresses_the_address_until_it_is_taken_off_the_list() {
    let zoho = Zoho::new().await;
    let (url, _received) = receiver().await;
    zoho.post("/_control/webhook", json!({ "url": url, "header": "x-token", "token": "t0ken" })).await;
    let bounce = async |kind: &str| {
        transmit(&zoho, alert(&["sheree@example.com"])).await;
        let order = json!({ "transmission_name": "gallery-live/1", "action": "bounce", "bounce_type": kind });
        zoho.post("/_control/receipts", order).await;
        zoho.get("/emailapi/v1/recipients/suppression").await.body["recipients"].clone()
    };

    assert_eq!(bounce("soft").await, json!([]));
    let listed = bounce("hard").await;
    assert_eq!(listed, json!([{ "address": "sheree@example.com" }]));
    assert_eq!(transmit(&zoho, alert(&["sheree@example.com"])).await.body["response"]["code"], 400_013);

    let taken_off = zoho.request(reqwest::Method::DELETE, "/emailapi/v1/recipients/suppression");
    taken_off.json(&json!({ "recipients": listed })).send().await.unwrap();
    assert_eq!(transmit(&zoho, alert(&["sheree@example.com"])).await.status, 200);
}

#[tokio::test]
async fn automatic_receipts_come_also_when_the_answer_is_lost() {
    let zoho = Zoho::new().await;
    let (url, mut received) = receiver().await;
    let webhook = json!({ "url": url, "header": "x-token", "token": "t0ken", "automatic": true });
    zoho.post("/_control/webhook", webhook).await;
    zoho.fault(json!({ "operation": "transmission", "fault": "reset-after" })).await;

    let body = alert(&["sheree@example.com"]);
    let lost = zoho.request(reqwest::Method::POST, "/emailapi/v1/transmission").json(&body).send().await;

    assert!(lost.is_err());
    let (_, envelope) = next(&mut received).await;
    assert_eq!(envelope["action"], "email_delivered");
    assert_eq!(envelope["data"][0]["rcpt_additional_data"], json!({ "alert": "alert of sheree@example.com" }));
}

#[tokio::test]
async fn zoho_registers_a_webhook_too() {
    let zoho = Zoho::new().await;
    let (url, mut received) = receiver().await;
    let webhook =
        json!({ "webhook_name": "receipts", "webhook_url": url, "auth_header": "x-token", "auth_token": "other" });

    let registered = zoho.post("/emailapi/v1/settings/webhook", webhook).await;
    transmit(&zoho, alert(&["sheree@example.com"])).await;
    zoho.post("/_control/receipts", json!({ "transmission_name": "gallery-live/1", "action": "spam" })).await;

    let (token, envelope) = next(&mut received).await;
    assert_eq!((token.as_str(), &envelope["webhook_id"]), ("other", &registered.body["webhook_id"]));
}
