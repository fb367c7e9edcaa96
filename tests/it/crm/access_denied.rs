//! Zoho does not let us in, or not to this: each reason is told from the others, the work stops until somebody has mended
//! it, and goes on when the secret has other credentials or an admin says so.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{System, eventually, parent, sheree};

const KIND: &str = "sync-zoho";
const KINDS: [&str; 2] = ["sync-zoho", "pull-zoho"];

/// Something wrong stands in the secret from the start; the right one is what it was before.
async fn with_a_wrong_secret(setting: &str, value: &str) -> (System, Value) {
    let system = System::start().await;
    let right = system.secret("zoho").await;
    let mut wrong = right.clone();
    wrong[setting] = json!(value);
    system.change_secret("zoho", &wrong).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    (system, right)
}

/// Waits until the CRM's kinds are stopped, and returns why.
async fn stopped(system: &System) -> String {
    eventually("the kinds are stopped", || async {
        let stopped = "task_kinds where paused_until = 'infinity' and refused_credentials is not null";
        (system.count(stopped).await == 2).then_some(())
    })
    .await;
    let [reason, other] = [system.pause_of(KINDS[0]).await, system.pause_of(KINDS[1]).await];
    assert_eq!(reason, other);
    reason
}

async fn resumed_by_an_admin(system: &System) {
    for kind in KINDS {
        let answer =
            system.post("/api/admin/tasks/replay", "ops", &json!({"kind": kind, "all": true, "resume": true})).await;
        assert_eq!((answer.status, &answer.body["resumed"]), (200, &json!(true)), "{kind}: {}", answer.body);
    }
    assert_eq!(system.count("task_kinds where refused_credentials is not null").await, 0);
}

/// The last number that the sweep has told the alarm.
fn told_to_the_alarm(system: &System) -> Option<i64> {
    let logs = system.logs();
    let records = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    records.filter_map(|record| record["CredentialsRefused"].as_i64()).next_back()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_told_from_the_others_and_stops_both_kinds() {
    let refusals = [
        ("token", "invalid-code", "invalid_code", "refresh token"),
        ("token", "invalid-client", "invalid_client", "client_id"),
        ("coql", "invalid-token", "wrong-data-centre", "data_centre"),
        ("coql", "scope-mismatch", "OAUTH_SCOPE_MISMATCH", "ZohoCRM.modules.accounts.ALL"),
        ("coql", "no-permission", "NO_PERMISSION", "Profiles"),
    ];
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.make_admin("ops").await;
    for (operation, fault, code, advice) in refusals {
        system.rows("update zoho_token set expires_at = '-infinity', refreshing_until = '-infinity'", &[]).await;
        system.fault(operation, fault, &json!({ "times": -1 })).await;
        let user = system.register(fault, &parent("Pat", &[], "")).await.id("/user/id");
        let reason = stopped(&system).await;
        let task = system.told(KIND, user).await;
        let before = system.calls(operation).await;
        system.let_an_hour_pass().await;
        system.sweep().await;
        system.woken().await;
        let after = system.calls(operation).await;
        let alarmed = told_to_the_alarm(&system);

        system.mend_zoho().await;
        resumed_by_an_admin(&system).await;
        system.drained().await;

        assert_eq!((task.code.as_str(), task.failed, task.attempts), (code, false, 1), "{fault}");
        assert!(task.message.contains(advice) && reason == format!("{code}: {}", task.message), "{reason}");
        assert_eq!((before, alarmed), (after, Some(2)), "nobody asks on after {fault}, and the alarm knows");
        assert!(system.linked_contact(user).await.is_some(), "{fault}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_there_is_no_token_is_understood_whatever_the_status() {
    let refusals = [
        (400, "client_secret", "invalid_client", "client_id"),
        (401, "client_secret", "invalid_client_secret", "copy client_secret"),
        (401, "refresh_token", "invalid_code", "refresh token"),
    ];
    for (status, setting, code, advice) in refusals {
        let system = System::start().await;
        let wrong_secret = if code == "invalid_client_secret" { code } else { "invalid_client" };
        system.zoho_post("settings", &json!({ "no_token_status": status, "wrong_secret": wrong_secret })).await;
        let mut secret = system.secret("zoho").await;
        secret[setting] = json!("wrong");
        system.change_secret("zoho", &secret).await;
        system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;

        system.register("sheree", &sheree("")).await;
        let reason = stopped(&system).await;

        assert!(reason.starts_with(&format!("{code}: ")) && reason.contains(advice), "{status}: {reason}");
        assert_eq!(system.calls("token").await, 1, "{status}: {code}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_change_alone_lets_the_work_go_on() {
    goes_on_once_the_secret_is_right(("refresh_token", "1000.of.yesterday"), "invalid_code").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_of_a_field_alone_lets_the_work_go_on() {
    goes_on_once_the_secret_is_right(("user_id_field", "Our_ID"), "field-missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_for_our_id_that_is_not_unique_is_told() {
    goes_on_once_the_secret_is_right(("user_id_field", "Department"), "field-not-unique").await;
}

/// The worker runs all the while.
async fn goes_on_once_the_secret_is_right((setting, wrong): (&str, &str), code: &str) {
    let (system, right) = with_a_wrong_secret(setting, wrong).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let reason = stopped(&system).await;
    system.sweep().await;
    let still = stopped(&system).await;
    let alarmed = told_to_the_alarm(&system);

    system.change_secret("zoho", &right).await;
    // A worker that runs looks at the secret anew at most every half minute.
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while system.task(KIND, user).await.is_some() && tokio::time::Instant::now() < deadline {
        system.sweep().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    system.sweep().await;

    assert!(reason.starts_with(&format!("{code}: ")) && still == reason, "{reason}");
    assert!(system.linked_contact(user).await.is_some());
    assert_eq!((alarmed, told_to_the_alarm(&system)), (Some(2), Some(0)));
    for kind in KINDS {
        assert_eq!(system.pause_of(kind).await, "");
    }
    // A column that the CRM does not have, or does not know records by, is what was asked for on purpose. Dropped, the system
    // counts nothing else.
    let on_purpose = |told: &String| {
        setting == "user_id_field" && (told.contains(wrong) || told.starts_with("duplicate-check-fields: "))
    };
    let others = system.violations().await.into_iter().filter(|told| !on_purpose(told));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_are_flipped_in_between_lose_nobody() {
    let (system, right) = with_a_wrong_secret("refresh_token", "1000.of.yesterday").await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    stopped(&system).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    let pat = system.register("pat", &parent("Pat", &[], "")).await.id("/user/id");
    system.change_secret("zoho", &right).await;
    system.sweep().await;
    system.woken().await;
    let while_off: Vec<Option<String>> = vec![system.linked_contact(sheree).await, system.linked_contact(pat).await];
    let pause = system.pause_of(KIND).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    assert_eq!((while_off, pause.as_str()), (vec![None, None], ""));
    assert!(system.linked_contact(sheree).await.is_some() && system.linked_contact(pat).await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_stopped_for_another_reason_stays_stopped_for_it() {
    let system = System::start().await;
    let other = vec![7_u8; 32];
    let stop = "update task_kinds set paused_until = 'infinity', reason = 'an operator' where kind = 'send-alerts'";
    system.rows(stop, &[]).await;
    let refused =
        "update task_kinds set paused_until = 'infinity', reason = 'refused', refused_credentials = $1 where kind = $2";
    system.rows(refused, &[&other, &KIND]).await;

    let swept = system.sweep().await;

    assert_eq!(swept["resumed"], 1, "{swept}");
    assert_eq!(
        (system.pause_of(KIND).await.as_str(), system.pause_of("send-alerts").await.as_str()),
        ("", "an operator")
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_no_worker_can_use_lets_nothing_go_on() {
    let system = System::start().await;
    let right = system.secret("zoho").await;
    let mut unusable = right.clone();
    unusable["role_field"] = json!("Röle");
    let refused =
        "update task_kinds set paused_until = 'infinity', reason = 'refused', refused_credentials = $1 where kind = $2";
    system.rows(refused, &[&vec![7_u8; 32], &KIND]).await;

    system.change_secret("zoho", &unusable).await;
    system.sweep().await;
    let meanwhile = (system.pause_of(KIND).await, told_to_the_alarm(&system));
    system.change_secret("zoho", &right).await;
    let swept = system.sweep().await;

    assert_eq!(meanwhile, ("refused".to_owned(), Some(1)));
    assert_eq!((&swept["resumed"], told_to_the_alarm(&system)), (&json!(1), Some(0)), "{swept}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_reads_the_secret_only_while_a_kind_is_stopped_for_it() {
    let system = System::start().await;
    system.write_secret("zoho", "no secret at all").await;

    let swept = system.sweep().await;

    assert_eq!((&swept["resumed"], told_to_the_alarm(&system)), (&json!(0), Some(0)), "{swept}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_only_for_the_credentials_it_was_got_with() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.register("sheree", &sheree("")).await;
    system.drained().await;
    let hash = "select encode(credentials_sha256, 'hex') from zoho_token";
    let first: String = system.value(hash, &[]).await;
    let right = system.secret("zoho").await;
    let mut wrong = right.clone();
    wrong["client_secret"] = json!("of another client");

    system.change_secret("zoho", &wrong).await;
    system.restart_functions().await;
    let user = system.register("pat", &parent("Pat", &[], "")).await.id("/user/id");
    let refused = system.told(KIND, user).await;
    system.change_secret("zoho", &right).await;
    system.restart_functions().await;
    system.goes_on().await;

    let last: String = system.value(hash, &[]).await;
    assert_eq!((refused.code.as_str(), refused.failed), ("invalid_client", false), "the old token is not theirs");
    assert_eq!((first, system.calls("token").await), (last, 2), "it is still good for the credentials it was got with");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_over_middleware_does_not_wait_for_credentials_that_it_does_not_use() {
    let (system, _) = with_a_wrong_secret("refresh_token", "1000.of.yesterday").await;
    system.register("sheree", &sheree("")).await.id("/user/id");
    stopped(&system).await;

    system.take_route("middleware").await;
    let swept = system.sweep().await;
    system.sweep().await;

    assert_eq!(swept["resumed"], 2, "{swept}");
    assert_eq!(told_to_the_alarm(&system), Some(0));
    for kind in KINDS {
        assert_eq!(system.pause_of(kind).await, "");
    }
    system.stop().await;
}
