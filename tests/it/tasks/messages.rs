//! Messages only wake workers: losing, doubling or garbling them changes latency, never the outcome.

use serde_json::json;
use tests::{System, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const QUEUE: &str = "SyncZohoQueue";
const DEAD_LETTERS: &str = "SyncZohoDeadLetterQueue";

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_every_message_costs_time_and_nothing_else() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let user = registered(&system).await;
    system.purge(QUEUE).await;
    system.stack().set_mappings_enabled(true).await;
    system.woken().await;
    let waiting = system.task(KIND, user).await;

    let at_once = system.sweep().await;
    system.let_an_hour_pass().await;
    let later = system.sweep().await;
    system.drained().await;

    assert_eq!(waiting.map(|task| task.attempts), Some(0));
    assert_eq!(at_once["sent"][KIND], 0, "the sign-up's own message has its time");
    assert_eq!(later["sent"][KIND], 1);
    system.contact_of(user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubling_messages_changes_nothing() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let user = registered(&system).await;
    let message = json!({ "kind": KIND, "keys": [user] }).to_string();
    for _ in 0..5 {
        system.put_message(QUEUE, &message).await;
    }

    system.stack().set_mappings_enabled(true).await;
    system.drained().await;
    system.woken().await;

    assert_eq!((system.calls("coql").await, system.calls("upsert").await), (1, 1));
    assert_eq!(system.contacts().await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_a_task_that_is_done_is_taken_and_forgotten() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;

    system.wake(KIND, &[Uuid::from_u128(1)]).await;

    assert_eq!(system.calls("token").await, 0);
    system.stop().await;
}

/// What the dead-letter queue holds: each body with its reason.
async fn dead_letters(system: &System) -> Vec<(String, String)> {
    let reason = |message: &aws_sdk_sqs::types::Message| {
        let attribute = message.message_attributes()?.get("reason")?;
        Some(attribute.string_value()?.to_owned())
    };
    let messages = system.messages(DEAD_LETTERS).await;
    let mut letters: Vec<_> = messages
        .iter()
        .map(|message| (message.body().unwrap_or_default().to_owned(), reason(message).unwrap_or_default()))
        .collect();
    letters.sort_unstable();
    letters
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_put_aside_with_its_reason_at_once() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let unknown = r#"{"kind":"feed-the-cat","keys":[]}"#;

    system.put_message(QUEUE, "Sheree Lane <sheree@example.com>").await;
    system.put_message(QUEUE, unknown).await;
    system.woken().await;

    let letters = dead_letters(&system).await;
    let bodies: Vec<&str> = letters.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(bodies, ["Sheree Lane <sheree@example.com>", unknown]);
    assert!(letters[0].1.starts_with("not a message of ours: Syntax error"), "{}", letters[0].1);
    assert!(letters[1].1.starts_with("not a message of ours: Data error"), "{}", letters[1].1);
    let put_aside = system.logs().matches("was put aside in the dead-letter queue").count();
    assert_eq!(put_aside, 2, "each of them was looked at once");
    assert!(!system.logs().contains("sheree@example.com"), "its text is in no log line");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_names_too_many_keys_is_put_aside() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let keys: Vec<Uuid> = (0..101).map(Uuid::from_u128).collect();

    system.put_message(QUEUE, &json!({ "kind": KIND, "keys": keys }).to_string()).await;
    system.woken().await;

    assert_eq!(dead_letters(&system).await[0].1, "it names 101 keys; 100 are allowed");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_message_takes_no_other_with_it() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let user = registered(&system).await;
    let good = json!({ "kind": KIND, "keys": [user] }).to_string();
    let records = json!([{ "messageId": "bad", "body": "{" }, { "messageId": "good", "body": good }]);

    let answer = system.invoke(KIND, &json!({ "Records": records })).await;

    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    system.contact_of(user).await;
    assert_eq!(dead_letters(&system).await.len(), 1);
    system.stop().await;
}
