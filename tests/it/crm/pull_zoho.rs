//! What sales change in the CRM reaches people's profiles.

use std::slice;

use serde_json::{Value, json};
use tests::{System, USER_ID, eventually, parent, sheree, tags, tags_with_jordans};
use uuid::Uuid;

/// Sheree is in the CRM; her Contact's id.
async fn synced(flags: &[&str]) -> (System, Uuid, Value) {
    let system = System::with(flags).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    (system, user, contact)
}

const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

/// What Zoho has told of is worked on, though it may not be done yet.
async fn is_read(system: &System) {
    eventually("the record is read", || async {
        (system.count("tasks where kind = 'pull-zoho' and failure is null").await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_the_crm_reaches_her_profile_and_others_are_told() {
    let (system, user, contact) = synced(ON).await;
    let before = system.calls_of(["update", "upsert", "add-tags", "remove-tags"]).await;

    let edit =
        json!({"First_Name": "Sherry", "Phone": "(312) 555-0199", "Mailing_Street": "7 Oak Ave", "Mailing_Zip": null});
    system.edit_arrives(&contact, &edit).await;

    assert_eq!(
        system.parent(user).await,
        json!({"first_name": "Sherry", "last_name": "Lane", "phone_number": "+13125550199",
            "mailing_address": {"street": "7 Oak Ave", "city": "Chicago", "state": "IL", "postal_code": "", "country": "US"}})
    );
    assert_eq!(system.calls_of(["update", "upsert", "add-tags", "remove-tags"]).await, before);
    assert_eq!(system.count("webhook_events where type = 'user.updated'").await, 1);
    assert_eq!(system.conflicts_of(user).await, Vec::<Value>::new());
    let shown = system.get("/api/user/context", "sheree").await;
    assert_eq!(shown.body["user"]["first_name"], "Sherry");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_of_our_own_write_makes_one_call_and_changes_nothing() {
    let (system, user, contact) = synced(ON).await;
    let link = "select version, base from zoho_links where user_id = $1";
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    let before = system.rows(link, &[&user]).await;
    let calls = system.zoho().await["calls"].clone();

    system.notified("Contacts", &[&contact]).await;
    system.drained().await;

    let after = system.rows(link, &[&user]).await;
    assert_eq!(before[0].get::<_, i64>(0), after[0].get::<_, i64>(0));
    let mut expected = calls.clone();
    expected["get-records"] = json!(calls["get-records"].as_u64().unwrap() + 1);
    assert_eq!(system.zoho().await["calls"], expected);
    assert_eq!(system.count("webhook_events where type = 'user.updated'").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_what_is_ours_to_say_goes_back_and_both_values_are_kept() {
    let (system, user, contact) = synced(ON).await;

    system
        .edit_arrives(&contact, &json!({"Email": "sales@example.com", "ISO_Role": "Coach", "Last_Name": "Moss"}))
        .await;

    let there = system.contact_of(user).await;
    assert_eq!(
        json!(["Email", "ISO_Role", "Last_Name"].map(|field| &there[field])),
        json!(["sheree@example.com", "parent", "Moss"])
    );
    let email: String = system.value("select email from users where id = $1", &[&user]).await;
    assert_eq!((email.as_str(), &system.parent(user).await["last_name"]), ("sheree@example.com", &json!("Moss")));
    assert_eq!(
        system.conflicts_of(user).await,
        [
            json!(["email", "sheree@example.com", "sales@example.com", "ours", 1]),
            json!(["role", "parent", "Coach", "ours", 1])
        ]
    );
    let sent = system.sent_to_zoho("update").await.pop().unwrap();
    assert_eq!(sent["data"], json!([{"id": contact, "Email": "sheree@example.com", "ISO_Role": "parent"}]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_cleared_comes_back_and_a_note_in_place_of_a_number_stays_over_there() {
    let (system, user, contact) = synced(ON).await;

    system.edit_arrives(&contact, &json!({"First_Name": null, "Phone": "ask her husband"})).await;
    system.edit_arrives(&contact, &json!({"Mailing_City": "Evanston"})).await;

    let there = system.contact_of(user).await;
    assert_eq!(json!([there["First_Name"], there["Phone"]]), json!(["Sheree", "ask her husband"]));
    let here = system.parent(user).await;
    assert_eq!(json!([here["first_name"], here["phone_number"]]), json!(["Sheree", "+13125550142"]));
    assert_eq!(
        system.conflicts_of(user).await,
        [
            json!(["first_name", "Sheree", null, "ours", 1]),
            json!(["phone", "+13125550142", "ask her husband", "both", 1])
        ]
    );
    assert_eq!(here["mailing_address"]["city"], "Evanston");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_is_unlinked_and_not_made_again() {
    let (system, user, contact) = synced(ON).await;

    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    let unlinked = system.linked_contact(user).await;
    system.patched("sheree", &json!({"last_name": "Moss"})).await;
    system.drained().await;

    assert_eq!((unlinked, system.linked_contact(user).await), (None, None));
    assert_eq!(system.count("zoho_links where gone_at is not null").await, 1);
    assert_eq!(system.contacts().await, Vec::<Value>::new());
    assert_eq!(system.count("users").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_contact_is_followed_to_the_one_that_has_her_id_now() {
    let (system, user, contact) = synced(ON).await;
    let kept = system.contact_of_sales(&json!({"Last_Name": "Lane-Moss", "Email": "s@work.example"})).await;
    system.patched("sheree", &json!({"first_name": "Sherry"})).await;
    system.drained().await;

    system.zoho_post("merge", &json!({"module": "Contacts", "master": kept, "others": [contact]})).await;
    for id in [&json!(kept), &contact] {
        system.notified("Contacts", &[id]).await;
        system.drained().await;
    }

    assert_eq!(system.linked_contact(user).await, Some(kept.clone()));
    let there = system.contact_of(user).await;
    assert_eq!(
        json!([there["id"], there["First_Name"], there["Last_Name"], there["Email"], there["Phone"]]),
        json!([kept, "Sherry", "Lane-Moss", "sheree@example.com", "+13125550142"])
    );
    assert_eq!(system.parent(user).await["last_name"], "Lane-Moss");
    assert_eq!(system.contacts().await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_deleted_and_restored_is_hers_again_without_a_word() {
    let (system, user, contact) = synced(ON).await;
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;

    let restored = json!({"Last_Name": "Lane", "Email": "old@example.com", USER_ID: user});
    let restored = system.contact_of_sales(&restored).await;
    system.notified("Contacts", &[&json!(restored)]).await;
    system.drained().await;

    assert_eq!(system.linked_contact(user).await, Some(restored));
    let there = system.contact_of(user).await;
    assert_eq!(json!([there["First_Name"], there["Email"]]), json!(["Sheree", "sheree@example.com"]));
    assert_eq!(tags(&there), tags_with_jordans(&["Soccer"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_comes_back_as_it_was_without_a_word_is_hers_again_within_a_day() {
    let system = System::with(ON).await;
    // What changes over there now lies before all that is read of it.
    system.zoho_post("settings", &json!({"clock_offset_seconds": -2 * 24 * 60 * 60})).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    let look = async || {
        system.invoke("reconcile-zoho", &json!({})).await;
        system.goes_on().await;
        json!(system.linked_contact(user).await)
    };
    look().await;

    system.zoho_post("restore", &json!({"module": "Contacts", "id": contact, "touch": false})).await;
    let within_the_hour = look().await;
    system.rows("update zoho_links set gone_at = gone_at - interval '1 day'", &[]).await;
    let a_day_later = look().await;

    assert_eq!((within_the_hour, a_day_later), (Value::Null, contact));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_clear_on_a_contact_that_came_back_locked_is_cleared_here_too() {
    let (system, user, contact) = synced(ON).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.drained().await;
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    system.patched("sheree", &json!({"first_name": "Sherry"})).await;
    system.drained().await;

    let locked = json!({"match": contact, "code": "RECORD_LOCKED", "times": -1});
    system.fault("update", "record-error", &locked).await;
    system.zoho_post("restore", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.settled("pull-zoho").await;
    let task = system.told("sync-zoho", user).await;
    system.edited("Contacts", &contact, &json!({"Phone": null})).await;
    system.notified("Contacts", &[&contact]).await;
    is_read(&system).await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.waits), ("RECORD_LOCKED", true));
    let there = system.contact_of(user).await;
    assert_eq!(json!([there["id"], there["Phone"], there["First_Name"]]), json!([contact, null, "Sherry"]));
    assert_eq!(system.parent(user).await["phone_number"], Value::Null);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_comes_back_behind_the_back_of_a_worker_is_hers_again() {
    let (system, user, contact) = synced(ON).await;
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    system.stack().set_mappings_enabled(false).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.fault("coql", "hang-after", &json!({})).await;
    tokio::join!(system.wake("sync-zoho", slice::from_ref(&user)), async {
        // It has been looked for in vain.
        system.held("coql").await;
        system.given_back(&contact).await;
    });
    system.goes_on().await;

    assert_eq!(json!(system.linked_contact(user).await), contact);
    assert_eq!(system.contact_of(user).await["Phone"], "+13125550001");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_mend_what_kept_her_out_and_her_task_goes_on_by_itself() {
    let system = System::with(ON).await;
    let foreign = json!({"Last_Name": "Other", "Email": "sheree@example.com", USER_ID: Uuid::from_u128(7)});
    let contact = json!(system.contact_of_sales(&foreign).await);
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let task = system.told("sync-zoho", user).await;

    system.edit_arrives(&contact, &json!({USER_ID: null})).await;

    assert_eq!((task.code.as_str(), task.failed), ("contact-belongs-to-another", true));
    assert_eq!(json!(system.linked_contact(user).await), contact);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_carries_another_users_id_by_now_is_written_by_neither() {
    let (system, user, contact) = synced(ON).await;
    let dana = system.register("dana", &parent("Dana", &[], "")).await.id("/user/id");
    system.drained().await;
    let his = system.contact_of(dana).await["id"].clone();
    system.edited("Contacts", &his, &json!({USER_ID: null})).await;
    system.edited("Contacts", &contact, &json!({USER_ID: dana, "Last_Name": "Moss"})).await;
    let updates = system.calls("update").await;

    system.notified("Contacts", &[&contact]).await;
    system.settled("pull-zoho").await;
    system.settled("sync-zoho").await;

    let failed = system.task("sync-zoho", user).await.expect("her own task tells of it");
    assert_eq!((failed.code.as_str(), system.calls("update").await), ("contact-belongs-to-another", updates));
    assert_eq!(system.parent(user).await["last_name"], "Lane");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_nobody_here_cost_one_read_and_change_nothing() {
    let (system, _, _) = synced(ON).await;
    let stranger = json!(system.contact_of_sales(&json!({"Last_Name": "Stone", "Email": "stone@example.com"})).await);
    let calls = system.zoho().await["calls"].clone();

    system.notified("Contacts", &[&stranger, &json!("999")]).await;
    system.notified("Accounts", &[&json!("998")]).await;
    system.drained().await;

    let mut expected = calls.clone();
    expected["get-records"] = json!(calls["get-records"].as_u64().unwrap() + 2);
    assert_eq!(system.zoho().await["calls"], expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_flag_is_off_changes_over_there_wait_and_afterwards_they_arrive() {
    let (system, user, contact) = synced(ON).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;

    system.edited("Contacts", &contact, &json!({"Last_Name": "Moss"})).await;
    system.notified("Contacts", &[&contact]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let waiting = system.parent(user).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;

    assert_eq!((&waiting["last_name"], &system.parent(user).await["last_name"]), (&json!("Lane"), &json!("Moss")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_route_over_middleware_nothing_is_pulled_until_it_leads_back() {
    let (system, user, contact) = synced(ON).await;
    system.take_route("middleware").await;
    let calls = system.zoho().await["calls"].clone();

    system.edited("Contacts", &contact, &json!({"Last_Name": "Moss"})).await;
    system.notified("Contacts", &[&contact]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let (calls_after, waiting) = (system.zoho().await["calls"].clone(), system.parent(user).await);
    system.take_route("native").await;
    system.sweep().await;
    system.drained().await;

    assert_eq!((&calls_after, &waiting["last_name"]), (&calls, &json!("Lane")));
    assert_eq!(system.parent(user).await["last_name"], "Moss");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_in_the_crm_that_always_says_otherwise_is_not_fought() {
    let (system, user, contact) = synced(ON).await;
    let rule = json!({"field_rules": [{"module": "Contacts", "field": "ISO_Role", "always": "Coach"}]});
    system.zoho_post("settings", &rule).await;

    system.edited("Contacts", &contact, &json!({"Mailing_City": "Evanston"})).await;
    for _ in 0..6 {
        system.notified("Contacts", &[&contact]).await;
        is_read(&system).await;
    }
    let during = system.calls("update").await;
    system.zoho_post("settings", &json!({"field_rules": []})).await;
    system.rows("update zoho_links set corrected_at = corrected_at - interval '1 hour'", &[]).await;
    system.goes_on().await;

    assert_eq!(during, 4);
    assert_eq!(system.contact_of(user).await["ISO_Role"], "parent");
    let reason = system.count("sync_conflicts where field = 'role' and kept = 'ours'").await;
    assert_eq!(reason, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_in_the_crm_that_takes_our_id_off_is_not_fought() {
    let (system, user, contact) = synced(ON).await;
    system
        .zoho_post("settings", &json!({"field_rules": [{"module": "Contacts", "field": USER_ID, "always": null}]}))
        .await;

    system.edited("Contacts", &contact, &json!({"Mailing_City": "Evanston"})).await;
    for _ in 0..6 {
        system.notified("Contacts", &[&contact]).await;
        is_read(&system).await;
    }
    let during = system.calls("update").await;
    system.zoho_post("settings", &json!({"field_rules": []})).await;
    system.rows("update zoho_links set corrected_at = corrected_at - interval '1 hour'", &[]).await;
    system.goes_on().await;

    assert_eq!(during, 4);
    assert_eq!(system.contact_of(user).await["id"], contact);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_waits_for_an_approval_is_not_taken_for_deleted() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({ "approval_pending": true })).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;

    system.edit_arrives(&contact, &json!({ "Phone": "+13125550009" })).await;

    assert_eq!(system.parent(user).await["phone_number"], "+13125550009");
    assert_eq!(system.count("zoho_links where gone_at is not null").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_records_are_read_by_one_call() {
    let system = System::start().await;
    system.fill_parents(120).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;
    system.stack().set_mappings_enabled(false).await;
    let before = system.calls("get-records").await;

    let contacts = system.contacts().await;
    let ids: Vec<&Value> = contacts.iter().map(|contact| &contact["id"]).collect();
    system.notified("Contacts", &ids).await;
    system.stack().set_mappings_enabled(true).await;
    system.settled("pull-zoho").await;

    assert_eq!(system.calls("get-records").await - before, 2);
    system.stop().await;
}
