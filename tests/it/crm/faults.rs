//! Zoho refuses, fails, or says nothing: the work waits with a reason, and goes on by itself where it can.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{System, cathy, eventually, frank, parent, sheree, tags, tags_with_jordans};
use uuid::Uuid;

const KIND: &str = "sync-zoho";

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

/// Sheree's only Contact is hers on both sides.
async fn is_synced_once(system: &System, user: Uuid) {
    assert_eq!(system.contacts().await.len(), 1);
    let contact = system.contact_of(user).await;
    assert_eq!(tags(&contact), tags_with_jordans(&["Soccer"]));
    assert_eq!(json!(system.linked_contact(user).await), contact["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_zoho_has_done_its_work_leaves_one_contact() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-before", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;

    system.kill(KIND).await;
    system.forsaken().await;
    system.mend_zoho().await;
    assert_eq!(system.contacts().await.len(), 0);
    system.goes_on().await;

    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_when_zoho_has_done_its_work_leaves_one_contact() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;

    system.kill(KIND).await;
    system.forsaken().await;
    system.mend_zoho().await;
    assert_eq!(system.linked_contact(user).await, None);
    system.goes_on().await;

    assert_eq!(system.calls("upsert").await, 1);
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_between_its_claim_and_its_call_leaves_one_contact() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.ready(KIND, 1).await;
    let lock = system.lock_table("zoho_token").await;
    let user = registered(&system).await;
    lock.waited_for_by(1).await;
    let claimed = system.task(KIND, user).await.expect("the task is there");

    system.kill(KIND).await;
    lock.release().await;
    system.no_worker_is_connected().await;
    system.goes_on().await;

    assert!(claimed.leased);
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoho_has_had_enough_everybody_waits_and_then_goes_on() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "status-429", &json!({ "retry_after": 600 })).await;
    let user = registered(&system).await;
    let task = system.told(KIND, user).await;
    let reason = system.pause_of(KIND).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.sweep().await;
    system.woken().await;

    let behind = system.task(KIND, frank).await.expect("his task is there");
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed, task.waits), ("TOO_MANY_REQUESTS", false, true));
    assert_eq!(reason, "TOO_MANY_REQUESTS: Zoho asks to slow down; the work goes on by itself.");
    assert_eq!(behind.attempts, 0);
    assert_eq!(system.pause_of(KIND).await, "");
    system.contact_of(user).await;
    system.contact_of(frank).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_at_zoho_is_tried_again() {
    let faults =
        [("status-500", "http-500"), ("html-500", "http-500"), ("reset", "no-answer"), ("reset-after", "no-answer")];
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("coql", faults[0].0, &json!({})).await;
    let user = registered(&system).await;
    for (place, (_, code)) in faults.iter().enumerate() {
        let task = system.told(KIND, user).await;
        assert_eq!((task.code.as_str(), task.failed, task.waits), (*code, false, true));
        assert_eq!(task.attempts, i32::try_from(place).unwrap() + 1);
        assert_eq!(system.pause_of(KIND).await, "");
        if let Some((fault, _)) = faults.get(place + 1) {
            system.fault("upsert", fault, &json!({})).await;
            system.let_an_hour_pass().await;
            system.sweep().await;
            system.attempted(KIND, user, task.attempts + 1).await;
        }
    }

    system.goes_on().await;

    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_zoho_does_not_answer_ends_after_fifteen_seconds() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-before", &json!({ "seconds": 30.0 })).await;
    let user = registered(&system).await;

    let task = system.told(KIND, user).await;

    assert_eq!((task.code.as_str(), task.failed, task.waits), ("no-answer", false, true));
    system.goes_on().await;
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_tokens_pause_the_kind_and_nobody_asks_on() {
    for status in [400, 200] {
        let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
        system.zoho_post("settings", &json!({ "throttle_status": status })).await;
        system.fault("token", "throttle", &json!({})).await;
        let user = registered(&system).await;

        let task = system.told(KIND, user).await;
        system.sweep().await;
        system.woken().await;

        assert_eq!((task.code.as_str(), task.failed, task.waits), ("token-throttled", false, true));
        assert!(system.pause_of(KIND).await.starts_with("token-throttled: "));
        assert_eq!(system.calls("token").await, 1);
        system.goes_on().await;
        is_synced_once(&system, user).await;
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_still_lives_serves_while_no_new_one_is_to_be_had() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    registered(&system).await;
    system.drained().await;
    for (place, fault) in ["throttle", "status-500", "reset"].into_iter().enumerate() {
        let ends = "update zoho_token set expires_at = now() + interval '2 minutes', refreshing_until = '-infinity'";
        system.rows(ends, &[]).await;
        system.fault("token", fault, &json!({})).await;
        let user = system.register(fault, &parent("Pat", &[], "")).await.id("/user/id");

        let synced = eventually("somebody says how it went", || async {
            match system.task(KIND, user).await {
                None => Some(true),
                Some(task) => (!task.code.is_empty()).then_some(false),
            }
        })
        .await;

        assert!(synced && system.linked_contact(user).await.is_some(), "{fault}");
        assert_eq!(system.pause_of(KIND).await, "", "{fault}");
        assert_eq!(system.calls("token").await, 2 + u64::try_from(place).unwrap(), "{fault}");
        system.mend_zoho().await;
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_another_workers_token_in_vain_stops_nobody() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    registered(&system).await;
    system.drained().await;
    let refreshed_by_another =
        "update zoho_token set expires_at = '-infinity', refreshing_until = now() + interval '1 minute'";
    system.rows(refreshed_by_another, &[]).await;

    let frank = system.register("frank", &frank()).await.id("/user/id");
    let task = system.told(KIND, frank).await;
    let pause = system.pause_of(KIND).await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed, task.waits, pause.as_str()), ("no-answer", false, true, ""));
    assert!(system.linked_contact(frank).await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_comes_too_late_takes_nobody_elses_away() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    registered(&system).await;
    system.drained().await;
    system.rows("update zoho_token set expires_at = '-infinity'", &[]).await;
    system.fault("token", "hang-after", &json!({})).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.held("token").await;

    let another = "update zoho_token set version = version + 1, expires_at = now() + interval '1 hour'";
    system.rows(another, &[]).await;
    system.fault("coql", "invalid-token", &json!({})).await;
    system.zoho_post("release", &json!({})).await;
    system.drained().await;

    assert_eq!(system.calls("token").await, 2, "the one that is stored serves after the late one");
    assert!(system.linked_contact(frank).await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_zoho_takes_no_longer_is_replaced_once_and_the_call_repeated() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "invalid-token", &json!({})).await;

    let user = registered(&system).await;
    system.drained().await;

    assert_eq!((system.calls("token").await, system.calls("upsert").await), (2, 2));
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_fails_with_zohos_reason_and_its_neighbours_go_through() {
    let system = System::start().await;
    let sheree = registered(&system).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    let error = json!({ "match": "frank@example.com", "code": "INVALID_DATA", "details": { "api_name": "Last_Name" } });
    system.fault("upsert", "record-error", &error).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;

    system.goes_on().await;

    let task = system.task(KIND, frank).await.expect("his task is there");
    assert_eq!((task.code.as_str(), task.field.as_str(), task.failed), ("INVALID_DATA", "Last_Name", true));
    assert_eq!(system.linked_contact(frank).await, None);
    system.contact_of(sheree).await;
    system.contact_of(cathy).await;
    assert_eq!((system.count("tasks").await, system.calls("upsert").await), (1, 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_every_record_is_bad_is_read_record_by_record() {
    for status in [400, 207] {
        let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
        system.zoho_post("settings", &json!({ "all_failed_status": status })).await;
        let error = json!({ "match": "Lane", "code": "MANDATORY_NOT_FOUND", "details": { "api_name": "Lead_Source" } });
        system.fault("upsert", "record-error", &error).await;
        let user = registered(&system).await;

        let task = system.told(KIND, user).await;

        assert_eq!(
            (task.code.as_str(), task.field.as_str(), task.failed),
            ("MANDATORY_NOT_FOUND", "Lead_Source", true)
        );
        assert_eq!(system.pause_of(KIND).await, "");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_zoho_has_locked_is_tried_again() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "record-error", &json!({ "match": "Lane", "code": "RECORD_LOCKED" })).await;
    let user = registered(&system).await;

    let task = system.told(KIND, user).await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed, task.waits), ("RECORD_LOCKED", false, true));
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_not_set_is_tried_again_and_the_contact_is_not_written_twice() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("add-tags", "status-500", &json!({})).await;
    let user = registered(&system).await;

    let task = system.told(KIND, user).await;
    let linked = system.linked_contact(user).await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed, task.waits), ("http-500", false, true));
    assert!(linked.is_some());
    // Two tags, of which one was not set at first.
    assert_eq!((system.calls("upsert").await, system.calls("add-tags").await), (1, 3));
    is_synced_once(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_workers_at_once_ask_for_one_token_and_share_no_task() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.fill_parents(1_000).await;
    system.fault("token", "latency", &json!({ "milliseconds": 3_000 })).await;

    join_all((0..10).map(|_| system.wake(KIND, &[]))).await;
    // A claim locks one task more than it takes. Should others have passed over that one, it has sent for a worker.
    system.stack().set_mappings_enabled(true).await;
    system.drained().await;

    assert_eq!(system.calls("token").await, 1);
    let upserts = system.sent_to_zoho("upsert").await;
    let written: Vec<&Value> = upserts.iter().filter_map(|body| body["data"].as_array()).flatten().collect();
    let people: HashSet<&str> = written.iter().filter_map(|record| record["Email"].as_str()).collect();
    assert_eq!((written.len(), people.len()), (1_000, 1_000));
    assert_eq!(system.count("users where zoho_contact_id is not null").await, 1_000);
    system.stop().await;
}
