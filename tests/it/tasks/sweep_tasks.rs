//! sweep-tasks: messages for work that is due.

use serde_json::{Value, json};
use tests::System;

const KIND: &str = "sync-zoho";

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_sends_a_thousand_at_a_time_and_each_once() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.fill_tasks(KIND, 1_500).await;
    system.rows("insert into tasks (kind, key, not_before, dispatch_at) select 'sync-zoho', gen_random_uuid(), now(), now() + interval '1 minute' from generate_series(1, 100)", &[]).await;

    let sent = [system.sweep().await, system.sweep().await, system.sweep().await];

    assert_eq!(sent.map(|swept| swept["sent"][KIND].clone()), [json!(10), json!(5), json!(0)]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_passes_over_paused_kinds_and_flags_that_are_off() {
    let system = System::start().await;
    system.fill_tasks(KIND, 3).await;
    system.fill_tasks("fan-out-gallery", 3).await;
    let pause = "update task_kinds set paused_until = now() + interval '1 minute', reason = 'a test' where kind = $1";
    system.rows(pause, &[&"fan-out-gallery"]).await;

    let off = system.sweep().await;
    system.rows(pause, &[&KIND]).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    let paused = system.sweep().await;
    system.wake(KIND, &[]).await;

    assert_eq!(off["sent"].get(KIND), None::<&Value>);
    assert_eq!(off["sent"]["fan-out-gallery"], 0);
    assert_eq!(paused["sent"][KIND], 0);
    assert_eq!(system.count("tasks where attempts = 0").await, 6, "a paused kind is not claimed either");
    system.stop().await;
}
