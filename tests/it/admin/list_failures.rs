//! list-failures, `GET /api/admin/failures`: work that did not succeed, and why.

use serde_json::Value;
use tests::{System, eventually};

use super::with_an_admin;

const LIST: &str = "/api/admin/failures?";

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
      "items": [
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

    let whole = keys(&system.pages(LIST, 100).await);
    let small = keys(&system.pages(LIST, 7).await);
    let first = system.get(&format!("{LIST}limit=50"), "ops").await;
    // What fails in the meantime is newer than what has been shown.
    system.fill_failures("sync-zoho", "failed", -1, 5).await;
    let next = first.body["next"].as_str().expect("there is more");
    let second = system.get(&format!("{LIST}limit=100&cursor={next}"), "ops").await;

    assert_eq!(expected.len(), 112);
    assert_eq!(whole, expected);
    assert_eq!(small, expected);
    assert_eq!(keys(second.body["items"].as_array().unwrap()), expected[50..]);
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
        found.push(system.pages(&format!("{LIST}{query}"), 2).await.len());
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
    assert_eq!(
        wrong.field_codes(),
        ["unknown-value", "unknown-value", "out-of-range", "not-a-cursor", "unknown-field"]
    );
    assert_eq!((twice.status, twice.wrong_fields()), (422, vec!["/kind"]));
    assert_eq!(twice.field_codes(), ["not-text"]);
    system.stop().await;
}
