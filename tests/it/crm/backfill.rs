//! `ENABLE_ZOHO_SYNC` is turned on with many people waiting, and off again in the middle: nobody is lost, nobody is there
//! twice, and whoever signs up meanwhile goes first.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{System, USER_ID, eventually, sheree};

const PEOPLE: i32 = 1000;

async fn progress(system: &System) -> [i64; 3] {
    let shown = system.get("/api/admin/integrations", "ops").await;
    ["linked", "unlinked", "waiting"].map(|name| shown.body["zoho"][name].as_i64().expect("it is counted"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_turned_off_in_the_middle_stops_there_and_goes_on_from_there() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.fill_parents(PEOPLE).await;
    system.rows("update tasks set priority = 1", &[]).await;
    system.fault("upsert", "latency", &json!({ "milliseconds": 300, "times": -1 })).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    eventually("three batches are there", || async { (system.calls("upsert").await >= 3).then_some(()) }).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    system.woken().await;
    let (stopped, calls) = (progress(&system).await, system.zoho().await["calls"].clone());
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let (later, calls_later) = (progress(&system).await, system.zoho().await["calls"].clone());
    system.mend_zoho().await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.sweep().await;
    system.drained().await;

    let [linked, unlinked, waiting] = stopped;
    assert!((300..=600).contains(&linked), "those under way were brought to their end, and no others: {stopped:?}");
    assert_eq!((unlinked, waiting), (i64::from(PEOPLE) - linked, i64::from(PEOPLE) - linked));
    assert_eq!((&later, &calls_later), (&stopped, &calls), "nobody calls Zoho");
    assert_eq!(progress(&system).await, [i64::from(PEOPLE) + 1, 0, 0]);
    let contacts = system.contacts().await;
    let ids: BTreeSet<&str> = contacts.iter().filter_map(|contact| contact[USER_ID].as_str()).collect();
    assert_eq!((contacts.len(), ids.len()), (1001, 1001));
    let place = contacts.iter().position(|contact| contact[USER_ID] == json!(user));
    let most = usize::try_from(linked).expect("it is a count") + 300;
    assert!(place.is_some_and(|place| place < most), "she waits for two batches under way at most: {place:?}");
    assert_eq!(system.count("tasks where failed_at is not null").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_die_in_a_backfill_leave_nobody_out_and_nobody_twice() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.fill_parents(300).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.held("upsert").await;

    system.kill("sync-zoho").await;
    system.mend_zoho().await;
    system.goes_on().await;

    let contacts = system.contacts().await;
    let ids: BTreeSet<&str> = contacts.iter().filter_map(|contact| contact["Email"].as_str()).collect();
    assert_eq!((contacts.len(), ids.len()), (300, 300));
    assert_eq!(progress(&system).await, [300, 0, 0]);
    system.stop().await;
}
