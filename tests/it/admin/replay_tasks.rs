//! Admins read what has failed, and let it run again.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tests::{System, eventually, sheree};
use uuid::Uuid;

const LIST: &str = "/api/admin/failures?";
const REPLAY: &str = "/api/admin/tasks/replay";

/// Nobody works on tasks, and there is an admin.
async fn with_an_admin(flags: &[&str]) -> System {
    let system = System::with(flags).await;
    system.stack().set_mappings_enabled(false).await;
    system.make_admin("ops").await;
    system
}

fn keys(failures: &[Value]) -> Vec<String> {
    failures.iter().map(|failure| format!("{} {}", failure["kind"], failure["key"])).collect()
}

/// What `GET /api/admin/failures` has to say, in its order.
async fn failures_in_order(system: &System) -> Vec<String> {
    let rows = system
        .rows(
            "select '\"' || kind || '\" \"' || key || '\"' from tasks where failure is not null
             order by coalesce(failed_at, not_before) desc, kind desc, key desc",
            &[],
        )
        .await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shown_with_its_reason() {
    let system = with_an_admin(&[]).await;
    system.fill_failures("sync-zoho", "failed", 0, 1).await;
    system.fill_failures("send-alerts", "retrying", 1, 1).await;
    system.fill_tasks("sync-zoho", 3).await;

    let answer = system.get(LIST, "ops").await;

    insta::assert_json_snapshot!(answer.redacted(), @r#"
    {
      "failures": [
        {
          "attempts": 3,
          "failed_at": "[moment]",
          "failure": {
            "code": "INVALID_DATA",
            "field": "Phone",
            "message": "invalid data",
            "record": null
          },
          "key": "[id]",
          "kind": "sync-zoho",
          "not_before": "[moment]",
          "state": "failed"
        },
        {
          "attempts": 3,
          "failed_at": null,
          "failure": {
            "code": "INVALID_DATA",
            "field": "Phone",
            "message": "invalid data",
            "record": null
          },
          "key": "[id]",
          "kind": "send-alerts",
          "not_before": "[moment]",
          "state": "retrying"
        }
      ],
      "next": null
    }
    "#);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_over_failures_of_one_moment_repeat_none_and_hide_none() {
    let system = with_an_admin(&[]).await;
    for kind in ["sync-zoho", "fan-out-gallery", "deliver-webhook"] {
        system.fill_failures(kind, "failed", 1, 23).await;
        system.fill_failures(kind, "retrying", 1, 11).await;
    }
    system.fill_failures("send-alerts", "failed", 0, 5).await;
    system.fill_failures("send-alerts", "failed", 2, 5).await;
    let expected = failures_in_order(&system).await;

    let whole = keys(&system.pages(LIST, "failures", 100).await);
    let small = keys(&system.pages(LIST, "failures", 7).await);
    let first = system.get(&format!("{LIST}limit=50"), "ops").await;
    // What fails in the meantime is newer than what has been shown.
    system.fill_failures("sync-zoho", "failed", -1, 5).await;
    let next = first.body["next"].as_str().expect("there is more");
    let second = system.get(&format!("{LIST}limit=100&cursor={next}"), "ops").await;

    assert_eq!(expected.len(), 112);
    assert_eq!(whole, expected);
    assert_eq!(small, expected);
    assert_eq!(keys(second.body["failures"].as_array().unwrap()), expected[50..]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_found_by_kind_and_state() {
    let system = with_an_admin(&[]).await;
    for (kind, state, number) in
        [("sync-zoho", "failed", 3), ("sync-zoho", "retrying", 2), ("send-alerts", "failed", 1)]
    {
        system.fill_failures(kind, state, 0, number).await;
    }

    let mut found = Vec::new();
    for query in ["", "kind=sync-zoho&", "state=failed&", "kind=sync-zoho&state=retrying&", "kind=pull-zoho&"] {
        found.push(system.pages(&format!("{LIST}{query}"), "failures", 2).await.len());
    }

    assert_eq!(found, [6, 5, 4, 2, 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_taken_out_of_an_index_however_much_has_failed() {
    let system = with_an_admin(&[]).await;
    system.fill_tasks("sync-zoho", 20_000).await;
    system.fill_failures("sync-zoho", "failed", 0, 20_000).await;
    system.rows("analyze tasks", &[]).await;
    let scans = "select seq_scan, idx_scan from pg_stat_user_tables where relname = 'tasks'";
    let before = &system.rows(scans, &[]).await[0];

    let page = system.get(LIST, "ops").await;
    let next = page.body["next"].as_str().expect("there is more").to_owned();
    for _ in 0..7 {
        system.get(&format!("{LIST}cursor={next}"), "ops").await;
    }

    // Two for each kind and page; the server adds them up within ten seconds.
    let after = eventually("the server has counted", || async {
        let after = system.rows(scans, &[]).await.remove(0);
        (after.get::<_, i64>("idx_scan") >= before.get::<_, i64>("idx_scan") + 8 * 2 * 6).then_some(after)
    })
    .await;
    assert_eq!(after.get::<_, i64>("seq_scan"), before.get::<_, i64>("seq_scan"), "the table was read through");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_query_is_told_at_once() {
    let system = with_an_admin(&[]).await;

    let wrong = system.get(&format!("{LIST}kind=zoho&state=lost&limit=0&cursor=x&page=2"), "ops").await;
    let twice = system.get(&format!("{LIST}kind=sync-zoho&kind=send-alerts"), "ops").await;

    assert_eq!((wrong.status, wrong.code()), (422, "invalid-fields"));
    assert_eq!(wrong.wrong_fields(), ["/kind", "/state", "/limit", "/cursor", "/page"]);
    assert_eq!((twice.status, twice.wrong_fields()), (422, vec!["/kind"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_replay_is_told_at_once() {
    let system = with_an_admin(&[]).await;
    let bodies = [
        (json!({}), vec!["/kind", "/keys"]),
        (
            json!({"kind": "zoho", "keys": ["1"], "resume": "yes", "force": true}),
            vec!["/kind", "/keys/0", "/resume", "/force"],
        ),
        (json!({"kind": "sync-zoho", "keys": []}), vec!["/keys"]),
        (json!({"kind": "sync-zoho", "all": false}), vec!["/keys"]),
        (json!({"kind": "sync-zoho", "all": true, "keys": [Uuid::nil()]}), vec!["/keys"]),
        (json!({"kind": "sync-zoho", "keys": vec![Uuid::nil(); 1001]}), vec!["/keys"]),
    ];

    for (body, places) in bodies {
        let answer = system.post(REPLAY, "ops", &body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (422, places), "{body}");
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
    let listed = system.get(LIST, "ops").await;
    system.mend_zoho().await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": [user]})).await;
    system.drained().await;

    assert_eq!(
        (&listed.body["failures"][0]["key"], &listed.body["failures"][0]["state"]),
        (&json!(user), &json!("failed"))
    );
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
