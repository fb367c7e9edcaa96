//! replay-tasks, `POST /api/admin/tasks/replay`: work that has failed runs again, and a paused kind goes on.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use serde_json::json;
use tests::{System, sheree};
use uuid::Uuid;

use super::with_an_admin;

const REPLAY: &str = "/api/admin/tasks/replay";

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_replay_is_told_at_once() {
    let system = with_an_admin(&[]).await;
    let bodies = [
        (json!({}), vec!["/kind", "/keys"], vec!["required", "required"]),
        (
            json!({"kind": "zoho", "keys": ["1"], "resume": "yes", "force": true}),
            vec!["/kind", "/keys/0", "/resume", "/force"],
            vec!["unknown-value", "not-an-id", "not-a-boolean", "unknown-field"],
        ),
        (json!({"kind": "sync-zoho", "keys": []}), vec!["/keys"], vec!["required"]),
        (json!({"kind": "sync-zoho", "all": false}), vec!["/keys"], vec!["required"]),
        (json!({"kind": "sync-zoho", "all": true, "keys": [Uuid::nil()]}), vec!["/keys"], vec!["contradiction"]),
        (json!({"kind": "sync-zoho", "keys": vec![Uuid::nil(); 1001]}), vec!["/keys"], vec!["too-many"]),
    ];

    for (body, places, codes) in bodies {
        let answer = system.post(REPLAY, "ops", &body).await;
        assert_eq!((answer.status, answer.wrong_fields(), answer.field_codes()), (422, places, codes), "{body}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn named_tasks_that_have_failed_run_again_and_no_others() {
    let system = with_an_admin(&["ENABLE_ZOHO_SYNC"]).await;
    system.fill_failures("sync-zoho", "failed", 0, 3).await;
    system.fill_failures("sync-zoho", "retrying", 0, 1).await;
    let key = |state: &str| format!("select key from tasks where failed_at is {state} null order by key limit 1");
    let failed: Uuid = system.value(&key("not"), &[]).await;
    let retrying: Uuid = system.value(&key(""), &[]).await;
    let before = system.task("sync-zoho", retrying).await;

    let body = json!({"kind": "sync-zoho", "keys": [failed, retrying, Uuid::nil()]});
    let answer = system.post(REPLAY, "ops", &body).await;
    let again = system.post(REPLAY, "ops", &body).await;

    assert_eq!((answer.status, answer.body), (200, json!({"replayed": 1, "resumed": false, "left": 2})));
    assert_eq!(again.body["replayed"], 0);
    let task = system.task("sync-zoho", failed).await.unwrap();
    assert_eq!((task.revision, task.attempts, task.failed, task.code.as_str()), (2, 0, false, ""));
    assert_eq!(system.task("sync-zoho", retrying).await, before);
    let messages: Vec<_> = system.messages("SyncZohoQueue").await.into_iter().filter_map(|one| one.body).collect();
    assert_eq!(messages, [format!(r#"{{"kind":"sync-zoho","keys":["{failed}"]}}"#)]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_run_again_at_once_and_the_rest_is_told() {
    let system = with_an_admin(&[]).await;
    system.fill_failures("sync-zoho", "failed", 0, 1030).await;
    system.fill_failures("send-alerts", "failed", 0, 2).await;

    let first = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "all": true})).await;
    let second = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "all": true})).await;

    assert_eq!(first.body, json!({"replayed": 1000, "resumed": false, "left": 30}));
    assert_eq!(second.body, json!({"replayed": 30, "resumed": false, "left": 0}));
    assert_eq!(system.count("tasks where failed_at is not null").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_at_once_one_lets_a_task_run_again() {
    let system = with_an_admin(&[]).await;
    for admin in ["eve", "otto"] {
        system.make_admin(admin).await;
    }
    system.fill_failures("sync-zoho", "failed", 0, 300).await;

    let body = json!({"kind": "sync-zoho", "all": true});
    system.ready("replay-tasks", 3).await;
    let lock = system.lock_table("tasks").await;
    let all = join_all(["ops", "eve", "otto"].map(|admin| system.post(REPLAY, admin, &body)));
    let release = async {
        lock.waited_for_by(3).await;
        lock.release().await;
    };
    let (answers, ()) = join(all, release).await;

    let replayed: Vec<i64> = answers.iter().filter_map(|answer| answer.body["replayed"].as_i64()).collect();
    assert_eq!((replayed.len(), replayed.iter().sum::<i64>()), (3, 300), "{answers:?}");
    assert_eq!(system.count("tasks where revision = 2 and failed_at is null").await, 300);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_in_zoho_goes_through_when_an_admin_says_so() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.make_admin("ops").await;
    let refused = json!({"match": "sheree@example.com", "code": "INVALID_DATA", "message": "invalid data"});
    system.fault("upsert", "record-error", &refused).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.told("sync-zoho", user).await;
    let listed = system.get("/api/admin/failures", "ops").await;
    system.mend_zoho().await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": [user]})).await;
    system.drained().await;

    assert_eq!((&listed.body["items"][0]["key"], &listed.body["items"][0]["state"]), (&json!(user), &json!("failed")));
    assert_eq!(answer.body["replayed"], 1);
    assert_eq!(system.contact_of(user).await["Email"], "sheree@example.com");
    assert!(!listed.body.to_string().contains('@'), "{}", listed.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_kind_goes_on_at_once_when_an_admin_says_so() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.make_admin("ops").await;
    system.pause("sync-zoho").await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.woken().await;
    let while_paused = system.task("sync-zoho", user).await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "all": true, "resume": true})).await;
    system.drained().await;
    let again = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "all": true, "resume": true})).await;

    assert_eq!(while_paused.map(|task| task.attempts), Some(0));
    assert_eq!(answer.body, json!({"replayed": 0, "resumed": true, "left": 0}));
    assert_eq!(again.body, json!({"replayed": 0, "resumed": false, "left": 0}));
    assert_eq!(system.pause_of("sync-zoho").await, "");
    system.contact_of(user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_open_again_when_its_task_runs_again() {
    let system = with_an_admin(&[]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.endpoint("make", &["user.created"]).await;
    let mut deliveries = BTreeSet::new();
    for status in ["failed", "delivered"] {
        let event = system.event("user.created", user, 1).await;
        deliveries.insert(system.delivery(event, "make", status, 10).await);
    }
    let failed = "insert into tasks (kind, key, not_before, dispatch_at, failed_at, failure)
                  select 'deliver-user-webhook', id, now(), now(), now(), '{\"code\": \"a\", \"message\": \"b\"}'
                  from webhook_deliveries where status = 'failed'";
    system.rows(failed, &[]).await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "deliver-user-webhook", "all": true})).await;

    assert_eq!(answer.body["replayed"], 1);
    let open = system.rows("select status::text, attempts from webhook_deliveries order by id", &[]).await;
    let open: Vec<(String, i32)> = open.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(open, [("pending".to_owned(), 0), ("delivered".to_owned(), 10)]);
    system.stop().await;
}
