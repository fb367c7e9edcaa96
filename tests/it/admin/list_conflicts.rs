//! list-conflicts, `GET /api/admin/conflicts`: where our side and the CRM did not agree; and how a record that is gone
//! over there is made again.

use serde_json::{Value, json};
use tests::{System, cathy, frank, sheree};
use uuid::Uuid;

const LIST: &str = "/api/admin/conflicts";
const REPLAY: &str = "/api/admin/tasks/replay";

/// A conflict about one of her fields, so many minutes ago.
async fn conflict(system: &System, user: Uuid, field: &str, minutes_ago: i32) {
    system
        .rows(
            "insert into sync_conflicts (id, user_id, module, field, ours, theirs, kept, noticed_at, times)
             values (new_uuid_v7(), $1, case when $2 like 'org_%' then 'Accounts' else 'Contacts' end, $2, 'mine', null,
                 'ours', date_trunc('day', now()) + interval '12 hours' - make_interval(mins => $3), 3)",
            &[&user, &field, &minutes_ago],
        )
        .await;
}

/// A record of hers that is gone, so many minutes ago.
async fn gone(system: &System, user: Uuid, module: &str, minutes_ago: i32) {
    system
        .rows(
            "insert into zoho_links (user_id, module, base, gone_at)
             values ($1, $2, '{}', date_trunc('day', now()) + interval '12 hours' - make_interval(mins => $3))",
            &[&user, &module, &minutes_ago],
        )
        .await;
}

async fn with_an_admin(flags: &[&str]) -> System {
    let system = System::with(flags).await;
    system.make_admin("ops").await;
    system
}

#[tokio::test(flavor = "multi_thread")]
async fn both_values_are_shown_and_what_is_gone_stands_among_them() {
    let system = with_an_admin(&[]).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    conflict(&system, sheree, "phone", 10).await;
    gone(&system, cathy, "Accounts", 5).await;

    let answer = system.get(LIST, "ops").await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.redacted(),
        json!({"items": [
            {"state": "gone", "id": null, "user_id": "[id]", "module": "Accounts", "field": null, "ours": null,
                "theirs": null, "kept": null, "noticed_at": "[moment]", "times": 1},
            {"state": "conflict", "id": "[id]", "user_id": "[id]", "module": "Contacts", "field": "phone", "ours": "mine",
                "theirs": null, "kept": "ours", "noticed_at": "[moment]", "times": 3},
        ], "next": null})
    );
    assert_eq!(answer.body["items"][0]["user_id"], json!(cathy));
    assert!(!system.logs().contains("mine"), "a value is in the logs");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_those_of_one_user_one_module_or_one_sort() {
    let system = with_an_admin(&[]).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    conflict(&system, sheree, "phone", 1).await;
    conflict(&system, cathy, "email", 2).await;
    conflict(&system, cathy, "org_type", 3).await;
    gone(&system, cathy, "Contacts", 4).await;

    let mut numbers = Vec::new();
    for query in [
        String::new(),
        format!("user_id={sheree}"),
        format!("user_id={cathy}"),
        "module=Accounts".to_owned(),
        "module=Contacts".to_owned(),
        "state=gone".to_owned(),
        "state=conflict".to_owned(),
        format!("user_id={cathy}&module=Contacts&state=conflict"),
    ] {
        let answer = system.get(&format!("{LIST}?{query}"), "ops").await;
        numbers.push(answer.body["items"].as_array().expect("a list").len());
    }

    assert_eq!(numbers, [4, 1, 3, 1, 3, 1, 3, 1]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_hide_anything_also_where_all_was_noticed_at_once() {
    let system = with_an_admin(&[]).await;
    for sub in ["sheree", "nora", "olga"] {
        let user = system.register(sub, &sheree_without_code()).await.id("/user/id");
        for field in ["phone", "email", "org_type"] {
            conflict(&system, user, field, 7).await;
        }
        for module in ["Contacts", "Accounts"] {
            gone(&system, user, module, 7).await;
        }
    }
    let all = system.pages(&format!("{LIST}?"), 100).await;

    for limit in [1, 2, 4] {
        assert_eq!(system.pages(&format!("{LIST}?"), limit).await, all, "{limit} on each page");
    }

    assert_eq!(all.len(), 15);
    system.stop().await;
}

fn sheree_without_code() -> Value {
    let mut sheree = sheree("");
    sheree["referred_by_code"] = Value::Null;
    sheree
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_look_and_what_cannot_be_meant_is_refused() {
    let system = with_an_admin(&[]).await;
    system.register("frank", &frank()).await;

    let photographer = system.get(LIST, "frank").await;
    let wrong = system.get(&format!("{LIST}?user_id=me&module=Leads&state=lost&limit=0&cursor=x&who=me"), "ops").await;

    assert_eq!((photographer.status, photographer.code()), (403, "not-an-admin"));
    assert_eq!(wrong.wrong_fields(), ["/user_id", "/module", "/state", "/limit", "/cursor", "/who"]);
    assert_eq!(
        wrong.field_codes(),
        ["not-an-id", "unknown-value", "unknown-value", "out-of-range", "not-a-cursor", "unknown-field"]
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_gone_is_made_again_when_an_admin_says_so() {
    let system = with_an_admin(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    let nora = system.register("nora", &sheree_without_code()).await.id("/user/id");
    gone(&system, sheree, "Contacts", 1).await;
    gone(&system, cathy, "Contacts", 1).await;
    gone(&system, cathy, "Accounts", 1).await;
    system.rows("insert into zoho_links (user_id, module, base) values ($1, 'Contacts', '{}')", &[&nora]).await;
    system.rows("delete from tasks", &[]).await;
    system.purge("SyncZohoQueue").await;

    let keys = json!([sheree, cathy, nora, Uuid::nil()]);
    let without = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": keys})).await;
    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": keys, "recreate": true})).await;
    let again = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": keys, "recreate": true})).await;

    assert_eq!(without.body, json!({"replayed": 0, "resumed": false, "left": 0}));
    assert_eq!(answer.body, json!({"replayed": 2, "resumed": false, "left": 0}));
    assert_eq!(again.body["replayed"], 0);
    assert_eq!(system.count("zoho_links where gone_at is not null").await, 0);
    assert!(system.task("sync-zoho", sheree).await.is_some() && system.task("sync-zoho", cathy).await.is_some());
    assert!(system.task("sync-zoho", nora).await.is_none());
    assert!(!system.messages("SyncZohoQueue").await.is_empty(), "nobody was woken");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_has_made_again_is_there_and_is_linked() {
    let system = with_an_admin(&["ENABLE_ZOHO_SYNC"]).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let records = "select jsonb_build_array(zoho_contact_id, zoho_account_id)
                   from users join profiles_organizations on user_id = users.id where users.id = $1";
    let before: Value = system.value(records, &[&user]).await;
    for (module, id) in [("Contacts", &before[0]), ("Accounts", &before[1])] {
        system.zoho_post("delete", &json!({ "module": module, "id": id })).await;
        system.notified(module, &[id]).await;
    }
    system.drained().await;
    let gone: Value = system.value(records, &[&user]).await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": [user], "recreate": true})).await;
    system.drained().await;

    assert_eq!((gone, &answer.body["replayed"]), (json!([null, null]), &json!(1)));
    let after: Value = system.value(records, &[&user]).await;
    assert!(after[0].is_string() && after[1].is_string() && after[0] != before[0] && after[1] != before[1], "{after}");
    assert_eq!((system.contacts().await.len(), &system.contact_of(user).await["Account_Name"]["id"]), (1, &after[1]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_back_before_it_is_made_again_brings_no_old_word_of_ours() {
    let system = with_an_admin(&["ENABLE_ZOHO_SYNC"]).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.drained().await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.zoho_post("restore", &json!({"module": "Contacts", "id": contact})).await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": [user], "recreate": true})).await;
    system.goes_on().await;

    assert_eq!(answer.body["replayed"], 1);
    assert_eq!(json!(system.linked_contact(user).await), contact);
    assert_eq!(system.contact_of(user).await["Phone"], "+13125550002");
    assert_eq!(system.parent(user).await["phone_number"], "+13125550002");
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_of_whoever_is_made_again_counts_once() {
    let system = with_an_admin(&[]).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    gone(&system, sheree, "Contacts", 1).await;
    let failed = "update tasks set failed_at = now(), failure = '{\"code\": \"x\", \"message\": \"x\"}'";
    system.rows(failed, &[]).await;

    let answer = system.post(REPLAY, "ops", &json!({"kind": "sync-zoho", "keys": [sheree], "recreate": true})).await;

    assert_eq!(answer.body, json!({"replayed": 1, "resumed": false, "left": 0}));
    assert!(system.task("sync-zoho", sheree).await.is_some_and(|task| !task.failed));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_made_again_by_name_alone() {
    let system = with_an_admin(&[]).await;

    for body in [
        json!({"kind": "sync-zoho", "all": true, "recreate": true}),
        json!({"kind": "send-alerts", "keys": [Uuid::nil()], "recreate": true}),
    ] {
        let answer = system.post(REPLAY, "ops", &body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (422, vec!["/recreate"]), "{body}");
        assert_eq!(answer.field_codes(), ["contradiction"], "{body}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_dropped_half_a_year_after_it_was_noticed_last() {
    let system = with_an_admin(&[]).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    conflict(&system, sheree, "phone", 179 * 24 * 60).await;
    conflict(&system, sheree, "email", 182 * 24 * 60).await;

    system.sweep().await;

    let left: String = system.value("select string_agg(field, ',') from sync_conflicts", &[]).await;
    assert_eq!(left, "phone");
    system.stop().await;
}
