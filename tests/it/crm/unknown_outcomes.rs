//! Calls of which nobody heard the end, and records that came between a look and a write: our own word is not taken for
//! anybody else's, and nobody's record is written over.

use serde_json::{Value, json};
use tests::{System, USER_ID, eventually, parent, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

async fn synced() -> (System, Uuid, Value) {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    (system, user, contact)
}

async fn phones(system: &System, user: Uuid) -> Value {
    json!([system.parent(user).await["phone_number"], system.contact_of(user).await["Phone"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_says_after_a_write_without_an_answer_is_not_undone_by_it() {
    let (system, user, _) = synced().await;
    system.fault("update", "reset-after", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.attempted(KIND, user, 1).await;
    assert_eq!(system.contact_of(user).await["Phone"], "+13125550001", "it has arrived");

    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550002", "+13125550002"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0], "sales have said nothing");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_answer_is_known_after_the_migration_that_came_between() {
    let (system, user, _) = synced().await;
    system.fault("update", "reset-after", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.attempted(KIND, user, 1).await;

    let as_before = "alter table zoho_links add column sent_by uuid;
        update zoho_links set sent_by = (sent -> 0 ->> 'by')::uuid, sent = jsonb_build_array(sent -> 0 -> 'changes');";
    system.database.batch_execute(as_before).await.expect("it is as the release before left it");
    let migration = include_str!("../../../migrations/V0015__set_out_by_whom.sql");
    system.database.batch_execute(migration).await.expect("it is brought up to date");
    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550002", "+13125550002"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0], "sales have said nothing");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_takes_back_after_the_worker_has_died_stays_taken_back() {
    let (system, user, _) = synced().await;
    system.fault("update", "hang-after", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.held("update").await;
    system.kill(KIND).await;
    system.mend_zoho().await;

    system.patched("sheree", &json!({"phone_number": "+13125550142"})).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550142", "+13125550142"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_says_after_her_contact_was_made_unheard_counts() {
    let system = System::with(ON).await;
    system.fault("upsert", "reset-after", &json!({})).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.attempted(KIND, user, 1).await;

    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550002", "+13125550002"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_in_between_forgets_what_an_earlier_one_may_have_written() {
    forgets_nothing("status-503", &json!({})).await;
    forgets_nothing("record-error", &json!({ "match": "+13125550002", "code": "RECORD_LOCKED" })).await;
    forgets_nothing("record-error", &json!({ "match": "+13125550002", "code": "INVALID_DATA" })).await;
}

async fn forgets_nothing(fault: &str, more: &Value) {
    let system = System::with(ON).await;
    system.fault("upsert", "reset-after", &json!({})).await;
    system.fault("update", fault, more).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.attempted(KIND, user, 1).await;
    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.attempted(KIND, user, 1).await;
    eventually("that one has failed, too", || async { (system.calls("update").await == 1).then_some(()) }).await;

    system.patched("sheree", &json!({"phone_number": "+13125550003"})).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550003", "+13125550003"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_our_own_write_changes_nothing_while_its_worker_is_at_work() {
    let (system, user, contact) = synced().await;
    // The write has gone through; the worker is still busy with tags.
    system.fault("add-tags", "hang-before", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001", "sport_interests": ["Golf"]})).await;
    system.held("add-tags").await;

    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.notified("Contacts", &[&contact]).await;
    eventually("the notification is worked on", || async {
        (system.count("tasks where kind = 'pull-zoho' and (attempts = 0 or lease is not null)").await == 0)
            .then_some(())
    })
    .await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550002", "+13125550002"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_before_our_write_has_arrived_does_not_forget_that_it_may() {
    let (system, user, contact) = synced().await;
    system.fault("update", "hang-before", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.held("update").await;

    system.patched("sheree", &json!({"phone_number": "+13125550142"})).await;
    system.notified("Contacts", &[&contact]).await;
    system.settled("pull-zoho").await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550142", "+13125550142"]));
    assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_when_nobody_waits_for_it_any_more_is_no_edit_of_sales() {
    for now in ["+13125550142", "+13125550002"] {
        let (system, user, contact) = synced().await;
        system.fault("update", "status-503", &json!({})).await;
        system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
        system.attempted(KIND, user, 1).await;
        // The next one looks, and is about to write if it has to; then Zoho does what it was told first.
        system.fault("update", "hang-before", &json!({})).await;
        system.patched("sheree", &json!({"phone_number": now})).await;
        if now == "+13125550142" {
            system.drained().await;
        } else {
            system.held("update").await;
        }
        system.zoho_post("settings", &json!({ "clock_offset_seconds": 60 })).await;
        system.edited("Contacts", &contact, &json!({"Phone": "+13125550001"})).await;

        system.mend_zoho().await;
        system.notified("Contacts", &[&contact]).await;
        system.drained().await;

        assert_eq!(phones(&system, user).await, json!([now, now]));
        assert_eq!(system.conflicts_of(user).await, [json!(null); 0]);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_say_later_is_theirs_even_if_we_were_about_to_write_the_same_once() {
    let (system, user, contact) = synced().await;
    system.fault("update", "status-503", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.attempted(KIND, user, 1).await;
    pulled(&system, &contact, "+13125550009").await;
    let taken = phones(&system, user).await;
    // All that was an hour ago.
    let passed = "update zoho_links set
            synced_at = synced_at - interval '1 hour',
            sent = jsonb_set(sent, '{0,at}', to_jsonb((sent -> 0 ->> 'at')::bigint - 3600000))";
    system.rows(passed, &[]).await;

    // Somebody reads of the conflict, and gives her what she had wanted.
    pulled(&system, &contact, "+13125550001").await;

    assert_eq!(taken, json!(["+13125550009", "+13125550009"]));
    assert_eq!(phones(&system, user).await, json!(["+13125550001", "+13125550001"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_looked_for_is_ours_however_late_it_is_seen() {
    for now in ["+13125550142", "+13125550003"] {
        let (system, user, contact) = synced().await;
        system.fault("update", "reset-after", &json!({})).await;
        system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
        system.attempted(KIND, user, 1).await;
        system.stack().set_mappings_enabled(false).await;
        // That was an hour ago, and nothing has been read since.
        let passed = "update zoho_links set
                synced_at = synced_at - interval '1 hour',
                sent = jsonb_set(sent, '{0,at}', to_jsonb((sent -> 0 ->> 'at')::bigint - 3600000))";
        system.rows(passed, &[]).await;

        system.edited("Contacts", &contact, &json!({"Last_Name": "Lane-Moss"})).await;
        system.patched("sheree", &json!({ "phone_number": now })).await;
        system.stack().set_mappings_enabled(true).await;
        system.goes_on().await;

        assert_eq!(phones(&system, user).await, json!([now, now]));
        assert_eq!(system.conflicts_of(user).await, [json!(null); 0], "sales have said nothing of it");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_brings_back_from_the_recycle_bin_is_no_edit_of_sales() {
    for now in ["+13125550142", "+13125550003"] {
        let (system, user, contact) = synced().await;
        system.fault("update", "reset-after", &json!({})).await;
        system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
        system.attempted(KIND, user, 1).await;
        system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
        system.notified("Contacts", &[&contact]).await;
        system.settled("pull-zoho").await;
        system.patched("sheree", &json!({ "phone_number": now })).await;
        system.goes_on().await;
        assert_eq!(system.linked_contact(user).await, None, "it is gone");

        system.zoho_post("restore", &json!({"module": "Contacts", "id": contact})).await;
        system.notified("Contacts", &[&contact]).await;
        system.settled("pull-zoho").await;
        system.goes_on().await;

        assert_eq!(phones(&system, user).await, json!([now, now]));
        assert_eq!(system.conflicts_of(user).await, [json!(null); 0], "sales have said nothing");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_write_while_others_are_read_is_not_written_over() {
    let (system, first, contact) = synced().await;
    let (second, other) = system.synced("dana", &parent("Dana", &[], "")).await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.stack().set_mappings_enabled(false).await;
    for sub in ["sheree", "dana"] {
        system.patched(sub, &json!({"phone_number": "+13125550002"})).await;
    }
    // Zoho fails on both together; the first is read alone, and the other one later.
    system.fault("get-records", "status-500", &json!({})).await;
    system.fault("get-records", "hang-after", &json!({})).await;
    let both = [first, second];
    tokio::join!(system.wake(KIND, &both), async {
        system.held("get-records").await;
        for (contact, seconds) in [(&contact, 60), (&other, 120)] {
            system.zoho_post("settings", &json!({ "clock_offset_seconds": seconds })).await;
            system.edited("Contacts", contact, &json!({"Phone": "+13125550009"})).await;
        }
        system.zoho_post("release", &json!({})).await;
    });
    system.stack().set_mappings_enabled(true).await;
    system.goes_on().await;

    for user in [first, second] {
        assert_eq!(phones(&system, user).await, json!(["+13125550009", "+13125550009"]));
        assert_eq!(system.conflicts_of(user).await.len(), 1, "hers is told");
    }
    system.stop().await;
}

/// Sales write a number, and it is seen; her own task waits as it did.
async fn pulled(system: &System, contact: &Value, phone: &str) {
    system.edited("Contacts", contact, &json!({ "Phone": phone })).await;
    system.notified("Contacts", &[contact]).await;
    system.settled("pull-zoho").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_sales_make_between_look_and_write_is_met_and_not_written_over() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({ "unique_email": true })).await;
    system.fault("upsert", "hang-before", &json!({})).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.held("upsert").await;

    let theirs = json!({"Last_Name": "Lane-Miller", "Phone": "+13125550009", "Email": "sheree@example.com"});
    let contact = system.contact_of_sales(&theirs).await;
    system.mend_zoho().await;
    system.drained().await;

    let hers = system.contact_of(user).await;
    assert_eq!((&hers["id"], &hers["Last_Name"]), (&json!(contact), &json!("Lane-Miller")));
    assert_eq!(system.parent(user).await["last_name"], "Lane-Miller");
    assert!(system.conflicts_of(user).await.contains(&json!(["last_name", "Lane", "Lane-Miller", "theirs", 1])));
    assert_eq!(system.contacts().await.iter().filter(|contact| !contact[USER_ID].is_null()).count(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_sales_is_not_written_over_because_zoho_was_ill_before() {
    let (system, user, contact) = synced().await;
    system.zoho_post("settings", &json!({ "clock_offset_seconds": 60 })).await;
    system.patched("sheree", &json!({"first_name": "Sherry"})).await;
    system.drained().await;
    system.fault("update", "status-503", &json!({ "times": 3 })).await;
    system.fault("update", "hang-before", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    for attempt in 1..=3 {
        system.attempted(KIND, user, attempt).await;
        system.let_an_hour_pass().await;
        system.sweep().await;
    }
    system.held("update").await;
    system.zoho_post("settings", &json!({ "clock_offset_seconds": 120 })).await;
    system.edited("Contacts", &contact, &json!({"Phone": "+13125550009"})).await;

    system.mend_zoho().await;
    system.drained().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550009", "+13125550009"]));
    assert!(system.conflicts_of(user).await.contains(&json!(["phone", "+13125550001", "+13125550009", "theirs", 1])));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_sales_is_not_written_over_however_often_a_write_was_held_up() {
    held_up_by("overtaken").await;
    held_up_by("changed-meanwhile").await;
}

async fn held_up_by(code: &str) {
    let (system, user, contact) = synced().await;
    system.stack().set_mappings_enabled(false).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    let failure = json!({"code": code, "message": "Somebody was faster each time."});
    system.rows("update tasks set attempts = 3, failure = $1 where key = $2", &[&failure, &user]).await;
    system.fault("update", "hang-before", &json!({})).await;
    system.stack().set_mappings_enabled(true).await;
    system.held("update").await;
    system.zoho_post("settings", &json!({ "clock_offset_seconds": 60 })).await;
    system.edited("Contacts", &contact, &json!({"Phone": "+13125550009"})).await;

    system.mend_zoho().await;
    system.attempted(KIND, user, 4).await;
    system.goes_on().await;

    assert_eq!(phones(&system, user).await, json!(["+13125550009", "+13125550009"]));
    assert!(system.conflicts_of(user).await.contains(&json!(["phone", "+13125550001", "+13125550009", "theirs", 1])));
    system.stop().await;
}
