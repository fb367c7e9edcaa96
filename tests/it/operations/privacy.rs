//! What nobody reads by accident: names, addresses, children's data and keys are in no log, no queue and no answer
//! about an error, whatever goes wrong.

use serde_json::{Value, json};
use tests::{Answer, System, Webhook, cathy, fall_soccer, frank, sheree};

/// What the people of the story tell about themselves.
const PERSONAL: [&str; 15] = [
    "Sheree",
    "sheree",
    "Lane",
    "Jordan",
    "Cathy",
    "cathy",
    "Reed",
    "Frank",
    "frank",
    "Diaz",
    "@example.com",
    "5550199",
    "Elm St",
    "2011-02-27",
    "36-1234567",
];

/// Sheree, with other examples than our own sentences about mistakes have.
fn sheree_lane(join_code: &str) -> Value {
    let mut sheree = sheree(join_code);
    sheree["phone_number"] = json!("+17735550199");
    sheree["athletes"][0]["dob"] = json!("2011-02-27");
    sheree
}

/// Those of the words that occur in a text.
fn found<'a>(words: impl IntoIterator<Item = &'a str>, text: &str) -> Vec<&'a str> {
    words.into_iter().filter(|word| text.contains(word)).collect()
}

/// Every text in a secret that is long enough to be a key, a token or a password.
fn keys_in(secret: &Value, keys: &mut Vec<String>) {
    match secret {
        Value::String(text) if text.len() >= 16 => keys.push(text.trim_start_matches("whsec_").to_owned()),
        Value::Array(values) => values.iter().for_each(|value| keys_in(value, keys)),
        Value::Object(fields) => {
            // What is public in Zoho's secret: whose name the e-mails go out in, and which template they take.
            fields.iter().filter(|(name, _)| *name != "campaigns" && *name != "base_url").for_each(|(_, value)| {
                keys_in(value, keys);
            });
        }
        _ => {}
    }
}

/// The keys, tokens and passwords of a system that has been at work.
async fn keys_of(system: &System) -> Vec<String> {
    let mut keys = vec![
        system.token("sheree").await,
        system.value("select access_token from zoho_token", &[]).await,
        "a token of nobody".to_owned(),
    ];
    for name in ["zoho", "webhook-sources", "webhook-endpoints", "database/api", "database/worker", "database/migrator"]
    {
        keys_in(&system.secret(name).await, &mut keys);
    }
    assert!(keys.len() >= 12 && keys.iter().all(|key| key.len() >= 16), "not all keys were found");
    keys
}

/// Sheree, Cathy and Frank register, Zoho hears of it in the end, and a gallery goes live.
async fn tell_the_story(system: &System) {
    system.register_endpoints().await;
    let echo = "no: Sheree Lane <sheree@example.com>";
    system.endpoint_answers("make", &json!({ "status": 500, "body": echo, "times": 1 })).await;
    system.fault("upsert", "status-500", &json!({})).await;
    let refused = json!({"match": "sheree@example.com", "code": "INVALID_DATA", "message": "no: sheree@example.com"});
    system.fault("upsert", "record-error", &refused).await;
    system.fault("transmission", "status-429", &json!({})).await;
    system.register("frank", &frank()).await;
    let cathy = system.register("cathy", &cathy()).await;
    system.verify(cathy.id("/user/id")).await;
    let join_code = cathy.body["profile"]["join_code"].as_str().expect("a join code").to_owned();
    system.register("sheree", &sheree_lane(&join_code)).await;
    system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let moved = json!({"mailing_address": {"street": "14 Elm St"}, "last_name": "Lane-Reed"});
    system.call("PATCH", "/api/user/profile", "sheree", &moved).await;
    system.woken().await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["delivered"]).await;
    system.woken().await;
}

/// People's data where it does not belong, and what the system says to it.
async fn tell_it_wrong(system: &System) -> Vec<Answer> {
    let mut wrong = sheree_lane("");
    wrong["phone_number"] = json!("773 5550199");
    wrong["athletes"][0]["dob"] = json!("Jordan 2011-02-27");
    wrong["mailing_address"]["country"] = json!(["12 Elm St"]);
    let patch = json!({"email": "sheree@example.com", "phone_number": "773 5550199", "mailing_address": ["12 Elm St"]});
    let broken = |path: &str| {
        system.request("POST", path).header("content-type", "application/json").body("{\"first_name\":\"Sheree Lane")
    };
    let token = system.token("mallory").await;
    let same_address = json!({"sub": "mallory", "email": "sheree@example.com", "email_verified": true});
    let same_address = system.token_with(&same_address).await;
    let published = Webhook::gallery_published("PD-1");
    let bodies = [
        r#"{"type":"gallery.published","timestamp":"sheree@example.com","data":{}}"#,
        "{\"first_name\":\"Sheree\u{7f}",
    ];
    let unsubscribed = json!({"action": "bounce", "data": [{"contact_email": "sheree@example.com", "transmission_name":
        system.batch().await, "bounce_reason": "Sheree Lane is unknown"}]});
    let mut answers = vec![
        system.post("/api/users", "mallory", &wrong).await,
        tests::sent(broken("/api/users").bearer_auth(&token)).await,
        tests::sent(broken("/api/galleries").bearer_auth(&token)).await,
        tests::sent(broken("/api/rosters").bearer_auth(&token)).await,
        tests::sent(system.request("POST", "/api/users").bearer_auth(same_address).json(&sheree_lane(""))).await,
        system.post("/api/rosters", "sheree", &json!({"join_code": "Sheree", "athlete_ids": ["Jordan Lane"]})).await,
        system.post("/api/galleries", "cathy", &json!({"host": "Sheree Lane", "title": ["Jordan"]})).await,
        system.call("PATCH", "/api/user/profile", "sheree", &patch).await,
        system.call("DELETE", "/api/user", "cathy", &Value::Null).await,
        system.send_webhook_signed(&published, "v1,c2hlcmVlQGV4YW1wbGUuY29t sheree@example.com").await,
        system.send_receipt_with("a token of nobody", &unsubscribed).await,
    ];
    for body in bodies {
        answers.push(system.send_webhook(&published.clone().with_body(body)).await);
    }
    // An event that nobody knows is no error, and nothing of it is to be seen either.
    let unknown = published.with_body(r#"{"type":"sheree@example.com","timestamp":"today","data":{"name":"Sheree"}}"#);
    assert_eq!(system.send_webhook(&unknown).await.body, json!({"status": "ignored"}));
    assert!(answers.iter().all(|answer| (400..500).contains(&answer.status)), "something was accepted: {answers:?}");
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_and_no_error_tells_who_somebody_is_or_how_to_get_in() {
    let system = System::with(&["ENABLE_ZOHO_SYNC", "ENABLE_EMAIL_ALERTS"]).await;

    tell_the_story(&system).await;
    let errors = tell_it_wrong(&system).await;
    for queue in ["SyncZohoQueue", "FanOutGalleryQueue", "SendAlertsQueue", "DeliverWebhookQueue"] {
        system.put_message(queue, r#"{"first_name":"Sheree","email":"sheree@example.com"}"#).await;
    }
    let gone = system.call("DELETE", "/api/user", "sheree", &Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    system.woken().await;

    let logs = system.logs();
    for line in ["put aside", "START RequestId"] {
        assert!(logs.contains(line), "the logs do not even have {line:?}");
    }
    assert_eq!(found(PERSONAL, &logs), [""; 0]);
    let keys = keys_of(&system).await;
    assert_eq!(found(keys.iter().map(String::as_str), &logs), [""; 0]);
    for error in errors {
        assert_eq!(found(PERSONAL, &error.body.to_string()), [""; 0], "{}", error.body);
    }
    for queue in [
        "SyncZohoDeadLetterQueue",
        "FanOutGalleryDeadLetterQueue",
        "SendAlertsDeadLetterQueue",
        "DeliverWebhookDeadLetterQueue",
    ] {
        let dead = system.messages(queue).await;
        let reason = dead[0].message_attributes.as_ref().and_then(|all| all["reason"].string_value()).unwrap();
        assert!(dead.len() == 1 && reason.starts_with("not a message of ours"), "{reason}");
        assert_eq!(found(PERSONAL, reason), [""; 0]);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_message_names_tasks_and_nothing_else() {
    let system = System::with(&["ENABLE_ZOHO_SYNC", "ENABLE_EMAIL_ALERTS"]).await;
    system.stack().set_mappings_enabled(false).await;

    let sheree = system.register("sheree", &sheree_lane("")).await.id("/user/id");
    system.school().await;
    let gallery = system.gallery("PD-1").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;

    let body = |messages: Vec<aws_sdk_sqs::types::Message>| messages.into_iter().filter_map(|message| message.body);
    let sign_ups: Vec<String> = body(system.messages("SyncZohoQueue").await).collect();
    let galleries: Vec<String> = body(system.messages("FanOutGalleryQueue").await).collect();
    assert!(sign_ups.contains(&format!(r#"{{"kind":"sync-zoho","keys":["{sheree}"]}}"#)), "{sign_ups:?}");
    assert_eq!(galleries, [format!(r#"{{"kind":"fan-out-gallery","keys":["{gallery}"]}}"#)]);
    assert_eq!(found(PERSONAL, &sign_ups.concat()), [""; 0]);
    system.stop().await;
}
