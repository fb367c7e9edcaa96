//! Follow-up work is neither lost nor done twice, whatever happens to workers.

use serde_json::{Value, json};
use tests::{System, USER_ID, cathy, eventually, frank, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";

/// Sheree has verified another address and registers once more, which asks for her task again.
async fn change_address(system: &System) {
    let claims = json!({ "sub": "sheree", "email": "lane@example.com", "email_verified": true });
    let token = system.token_with(&claims).await;
    let request = system.request("POST", "/api/users").bearer_auth(token).json(&sheree(""));
    assert_eq!(tests::sent(request).await.status, 200);
}

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_asked_for_again_while_it_is_done_is_done_again() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;

    change_address(&system).await;
    let task = system.task(KIND, user).await.expect("the task is there");
    system.mend_zoho().await;
    eventually("the first round is over", || async {
        let again = system.task(KIND, user).await;
        again.is_none_or(|task| !task.leased || task.attempts > 1).then_some(())
    })
    .await;
    system.sweep().await;
    system.drained().await;

    assert_eq!((task.revision, task.leased), (2, true));
    assert_eq!(system.contact_of(user).await["Email"], "lane@example.com");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_while_an_outcome_is_written_is_not_lost() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;
    let session = system.session().await;
    session.batch_execute("begin; update tasks set revision = revision + 1").await.unwrap();

    system.mend_zoho().await;
    system.blocked().await;
    session.batch_execute("commit").await.unwrap();
    let task = system.put_back(KIND, user).await;

    assert_eq!((task.revision, task.waits, task.failed), (2, false, false));
    system.sweep().await;
    system.drained().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_does_not_hide_what_is_asked_for_while_it_is_written() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-before", &json!({})).await;
    system.fault("upsert", "record-error", &json!({ "match": "sheree@", "code": "INVALID_DATA" })).await;
    let user = registered(&system).await;
    system.held("upsert").await;
    let session = system.session().await;
    session.batch_execute("begin; update tasks set revision = revision + 1").await.unwrap();

    system.mend_zoho().await;
    system.blocked().await;
    session.batch_execute("commit").await.unwrap();
    let task = system.put_back(KIND, user).await;

    assert_eq!((task.revision, task.waits, task.failed), (2, false, false));
    system.sweep().await;
    system.drained().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_late_leaves_a_task_that_another_holds_by_now() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;
    let other = Uuid::from_u128(7);
    system.rows("update tasks set lease = $1, leased_until = now() + interval '1 minute'", &[&other]).await;

    system.mend_zoho().await;
    system.woken().await;

    assert_eq!(system.value::<Uuid>("select lease from tasks where key = $1", &[&user]).await, other);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_worker_died_runs_alone_and_its_neighbours_together() {
    let system = System::start().await;
    let sheree = registered(&system).await;
    system.register("frank", &frank()).await;
    system.register("cathy", &cathy()).await;
    let died = "update tasks set lease = gen_random_uuid(), leased_until = now() - interval '1 minute' where key = $1";
    system.rows(died, &[&sheree]).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;

    system.goes_on().await;

    let upserts = system.sent_to_zoho("upsert").await;
    let mut sizes: Vec<usize> = upserts.iter().map(|body| body["data"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2]);
    let alone = upserts.iter().find(|body| body["data"].as_array().unwrap().len() == 1).unwrap();
    assert_eq!(alone["data"][0][USER_ID], json!(sheree));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_whose_worker_died_run_in_halves_and_the_last_time_alone_and_never_with_fresh_ones() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let died = "update tasks set lease = gen_random_uuid(), leased_until = now() - interval '1 minute', crashes = $1";
    let mut taken = Vec::new();
    for crashes in 0..5 {
        system.rows("delete from tasks", &[]).await;
        system.fill_tasks(KIND, 60).await;
        system.rows(died, &[&crashes]).await;
        let one: Uuid = system.value("select key from tasks order by key limit 1", &[]).await;
        system.fill_tasks(KIND, 60).await;
        system.rows("update tasks set not_before = now() where lease is null", &[]).await;

        system.wake(KIND, &[one]).await;

        assert_eq!(system.count("tasks where lease is null and crashes = 0").await, 60, "fresh ones wait");
        taken.push(60 - system.count("tasks where lease is not null").await);
    }

    assert_eq!(taken, [50, 25, 12, 1, 60]);
    assert_eq!(system.count("tasks where failed_at is not null").await, 60);
    system.rows("delete from tasks", &[]).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_kills_five_workers_fails_and_can_be_asked_for_again() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("coql", "hang-before", &json!({ "times": -1 })).await;
    let user = registered(&system).await;
    for _ in 0..5 {
        system.held("coql").await;
        system.kill(KIND).await;
        eventually("the worker is gone", || async { system.busy(KIND).is_empty().then_some(()) }).await;
        system.let_an_hour_pass().await;
        system.sweep().await;
    }

    let failed = system.told(KIND, user).await;
    let swept = system.sweep().await;
    system.mend_zoho().await;
    change_address(&system).await;
    system.drained().await;

    assert_eq!((failed.code.as_str(), failed.failed, failed.crashes), ("crashed", true, 5));
    assert_eq!(swept["sent"]["sync-zoho"], 0);
    assert_eq!(system.contact_of(user).await["Email"], "lane@example.com");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_takes_the_named_tasks_before_older_ones() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.fill_tasks(KIND, 150).await;
    let user = registered(&system).await;

    system.wake(KIND, &[user]).await;

    assert_eq!(system.task(KIND, user).await, None);
    assert_eq!(system.count("tasks").await, 51);
    system.contact_of(user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_leaves_some_behind_sends_for_another() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fill_tasks(KIND, 250).await;

    system.put_message("SyncZohoQueue", r#"{"kind":"sync-zoho","keys":[]}"#).await;

    system.drained().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_waiting_tasks_are_never_read_through() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.fill_tasks(KIND, 100_000).await;
    let figures = "select jsonb_build_object('read through', seq_tup_read, 'updated', n_tup_upd)
                   from pg_stat_user_tables where relname = 'tasks'";
    let before: Value = system.value(figures, &[]).await;

    system.sweep().await;
    system.wake(KIND, &[]).await;

    // The sweep's thousand and the claim's hundred; the server adds them up within ten seconds.
    let after = eventually("the server has counted", || async {
        let after: Value = system.value(figures, &[]).await;
        (after["updated"].as_i64() >= Some(1_100)).then_some(after)
    })
    .await;
    assert_eq!(after["read through"], before["read through"]);
    system.stop().await;
}
