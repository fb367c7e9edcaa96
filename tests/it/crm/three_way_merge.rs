//! Both sides change at once, or while the other one is looking: they end the same.

use serde_json::json;
use tests::{System, USER_ID, eventually, sheree, tags, tags_with_jordans};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_hers_reaches_the_crm_and_nothing_else_is_sent() {
    let system = System::with(ON).await;
    let (_, contact) = system.synced("sheree", &sheree("")).await;

    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.drained().await;

    let sent = system.sent_to_zoho("update").await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["data"], json!([{"id": contact, "Phone": "+13125550001"}]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_both_at_once_end_the_same_on_both_sides() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;

    system
        .patched(
            "sheree",
            &json!({"first_name": "Sherry", "phone_number": "+13125550001", "sport_interests": ["Golf"]}),
        )
        .await;
    system.edited("Contacts", &contact, &json!({"Last_Name": "Moss", "Phone": "+13125550002"})).await;
    system.notified("Contacts", &[&contact]).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    let (here, there) = (system.parent(user).await, system.contact_of(user).await);
    assert_eq!(
        json!([here["first_name"], here["last_name"], here["phone_number"]]),
        json!(["Sherry", "Moss", "+13125550002"])
    );
    assert_eq!(
        json!([there["First_Name"], there["Last_Name"], there["Phone"]]),
        json!(["Sherry", "Moss", "+13125550002"])
    );
    assert_eq!(system.conflicts_of(user).await, [json!(["phone", "+13125550001", "+13125550002", "theirs", 1])]);
    assert_eq!(tags(&there), tags_with_jordans(&["Golf", "Soccer"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_between_our_read_and_our_write_is_not_written_over() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("clock", &json!({"advance_seconds": 60})).await;
    system.fault("update", "hang-before", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001", "first_name": "Sherry"})).await;
    system.held("update").await;

    system.edited("Contacts", &contact, &json!({"Phone": "+13125550002"})).await;
    system.mend_zoho().await;
    system.drained().await;

    let (here, there) = (system.parent(user).await, system.contact_of(user).await);
    assert_eq!(json!([here["phone_number"], there["Phone"]]), json!(["+13125550002", "+13125550002"]));
    assert_eq!(json!([here["first_name"], there["First_Name"]]), json!(["Sherry", "Sherry"]));
    assert_eq!(system.calls("update").await, 2, "the first one was refused as stale");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_when_its_write_has_gone_through_leaves_nothing_undone() {
    let system = System::with(ON).await;
    let (user, _) = system.synced("sheree", &sheree("")).await;
    system.fault("update", "hang-after", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.held("update").await;

    system.kill(KIND).await;
    system.forsaken().await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(system.calls("update").await, 1);
    assert_eq!(system.contact_of(user).await["Phone"], "+13125550001");
    let base: String = system.value("select base->>'phone' from zoho_links where user_id = $1", &[&user]).await;
    assert_eq!((base.as_str(), system.conflicts_of(user).await.len()), ("+13125550001", 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_changes_while_zoho_is_called_loses_nothing() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("clock", &json!({"advance_seconds": 60})).await;
    system.edited("Contacts", &contact, &json!({"Last_Name": "Moss"})).await;
    system.fault("update", "hang-after", &json!({})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.held("update").await;

    system.patched("sheree", &json!({"phone_number": "+13125550002", "last_name": "Stone"})).await;
    system.mend_zoho().await;
    system.drained().await;

    let (here, there) = (system.parent(user).await, system.contact_of(user).await);
    assert_eq!(json!([here["phone_number"], here["last_name"]]), json!(["+13125550002", "Moss"]));
    assert_eq!(json!([there["Phone"], there["Last_Name"]]), json!(["+13125550002", "Moss"]));
    assert_eq!(system.conflicts_of(user).await, [json!(["last_name", "Stone", "Moss", "theirs", 1])]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_come_and_go_with_her_sports_and_others_stay() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    let contact_id = contact.as_str().unwrap();
    system.tag_of_sales(contact_id, "VIP").await;
    system.tag_of_sales(contact_id, "Golf").await;

    system.patched("sheree", &json!({"sport_interests": ["Golf", "Tennis"]})).await;
    system.drained().await;
    let with_tennis = system.contact_of(user).await;
    system.rows("delete from athletes", &[]).await;
    system.patched("sheree", &json!({"sport_interests": []})).await;
    system.drained().await;

    assert_eq!(tags(&with_tennis), tags_with_jordans(&["Golf", "Soccer", "Tennis", "VIP"]));
    assert_eq!(tags(&system.contact_of(user).await), ["Golf", "VIP"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_never_gets_more_than_ten_tags() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    for tag in 1..=7 {
        system.tag_of_sales(contact.as_str().unwrap(), &format!("Sales {tag}")).await;
    }

    system.patched("sheree", &json!({"sport_interests": ["Golf", "Tennis", "Judo"]})).await;
    system.drained().await;

    let there = system.contact_of(user).await;
    assert_eq!(tags(&there).len(), 10);
    assert_eq!(tags(&there)[..3], ["Golf", "Sales 1", "Sales 2"]);
    assert_eq!(system.count("tasks").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_whose_worker_died_is_known_as_ours() {
    let system = System::with(ON).await;
    let (user, _) = system.synced("sheree", &sheree("")).await;
    system.fault("add-tags", "hang-after", &json!({})).await;
    system.patched("sheree", &json!({"sport_interests": ["Golf"]})).await;
    system.held("add-tags").await;
    system.kill(KIND).await;
    system.forsaken().await;
    system.mend_zoho().await;

    system.patched("sheree", &json!({"sport_interests": []})).await;
    system.goes_on().await;

    assert_eq!(tags(&system.contact_of(user).await), tags_with_jordans(&["Soccer"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_for_which_the_crm_has_no_room_keeps_no_other_one_back() {
    let system = System::start().await;
    // As many tags as the edition allows: one of ours is among them.
    let known = json!({"Last_Name": "Moss", "Tag": [{"name": "Soccer"}]});
    system.contact_of_sales(&known).await;
    system.zoho_post("settings", &json!({"module_tag_limit": 1})).await;
    system.fill_parents(100).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    let contacts = system.contacts().await;
    let tagged = contacts.iter().filter(|contact| tags(contact) == ["Soccer"]).count();
    assert_eq!((contacts.len(), tagged), (101, 101));
    assert_eq!(system.calls("add-tags").await, 3, "one for each tag");
    let told = "tasks where failed_at is not null and failure ->> 'code' = 'LICENSE_LIMIT_EXCEEDED'";
    assert_eq!(system.count(told).await, 100);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_the_crm_does_not_know_and_does_not_make_is_named() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.make_admin("ops").await;
    system.contact_of_sales(&json!({"Last_Name": "Moss", "Tag": [{"name": "Soccer"}]})).await;
    system.zoho_post("settings", &json!({"add_tags_creates": false})).await;
    let body =
        json!({"role": "parent", "first_name": "Pat", "last_name": "Moss", "sport_interests": ["Golf", "Soccer"]});
    let user = system.register("pat", &body).await.id("/user/id");
    let task = system.told(KIND, user).await;
    let without = system.contact_of(user).await;
    system.contact_of_sales(&json!({"Last_Name": "Moss", "Tag": [{"name": "Golf"}]})).await;
    system.post("/api/admin/tasks/replay", "ops", &json!({"kind": KIND, "keys": [user]})).await;
    system.drained().await;

    assert_eq!((task.code.as_str(), task.failed), ("INVALID_DATA", true), "{task:?}");
    assert!(task.message.contains("the tag \"Golf\""), "{task:?}");
    assert_eq!(tags(&without), ["Soccer"]);
    assert_eq!(tags(&system.contact_of(user).await), ["Golf", "Soccer"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisonous_record_of_a_hundred_is_found_and_the_others_go_through() {
    for (status, html, code) in [(500, false, "http-500"), (400, false, "INVALID_REQUEST"), (400, true, "http-400")] {
        let system = System::start().await;
        system.fill_parents(100).await;
        let poison = json!({"match": "parent42@example.com", "status": status, "html": html, "times": -1});
        system.fault("upsert", "poison", &poison).await;
        system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
        system.sweep().await;
        eventually("ninety-nine are in the CRM", || async {
            (system.count("users where zoho_contact_id is not null").await == 99).then_some(())
        })
        .await;

        let first = system.calls("upsert").await;
        let poisonous: Uuid = system.value("select id from users where zoho_contact_id is null", &[]).await;
        for _ in 0..9 {
            system.let_an_hour_pass().await;
            system.sweep().await;
            system.woken().await;
        }
        let task = system.task(KIND, poisonous).await.expect("its task is there");

        assert!(first <= 16, "{first} calls");
        assert_eq!((task.code.as_str(), task.failed), (code, true), "{task:?}");
        assert_eq!(system.count("tasks").await, 1);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poisonous_records_side_by_side_do_not_hold_the_others_up() {
    let system = System::start().await;
    system.fill_parents(100).await;
    // A batch is in the order of its keys.
    for user in system.rows("select id from users order by id limit 3", &[]).await {
        let poison = json!({"match": user.get::<_, Uuid>(0), "status": 400, "times": -1});
        system.fault("upsert", "poison", &poison).await;
    }
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;

    system.sweep().await;
    eventually("each is in the CRM, or is told why not", || async {
        (system.count("tasks where failure is null").await == 0).then_some(())
    })
    .await;

    assert_eq!(system.count("users where zoho_contact_id is not null").await, 97);
    assert_eq!(system.count("tasks where failed_at is not null and failure->>'code' = 'INVALID_REQUEST'").await, 3);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_not_split_to_death_and_fails_nobody() {
    let system = System::start().await;
    system.fill_parents(100).await;
    system.fault("upsert", "status-500", &json!({"times": -1})).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;

    system.sweep().await;
    eventually("they wait for another attempt", || async {
        (system.count("tasks where lease is null and failure->>'code' = 'http-500'").await == 100).then_some(())
    })
    .await;
    let calls = system.calls("upsert").await;
    // As often as one alone is suspected before it fails.
    for _ in 0..10 {
        system.let_an_hour_pass().await;
        system.sweep().await;
        system.woken().await;
    }
    let failed = system.count("tasks where failed_at is not null").await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!((calls, failed), (14, 0));
    assert_eq!((system.contacts().await.len(), system.count("tasks").await), (100, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_people_who_have_not_changed_cost_one_read_and_no_write() {
    let system = System::start().await;
    system.fill_parents(100).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;
    let before = system.zoho().await["calls"].clone();

    system
        .rows(
            "insert into tasks (kind, key, not_before, dispatch_at) select 'sync-zoho', id, now(), now() from users",
            &[],
        )
        .await;
    system.sweep().await;
    system.drained().await;

    let mut expected = before.clone();
    expected["get-records"] = json!(before["get-records"].as_u64().unwrap_or_default() + 1);
    assert_eq!(system.zoho().await["calls"], expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_id_on_a_contact_goes_back_when_sales_have_cleared_it() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;

    system.edit_arrives(&contact, &json!({USER_ID: null})).await;

    assert_eq!(system.contact_of(user).await["id"], contact);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_counts_finer_than_it_shows_does_not_refuse_for_ever() {
    let system = System::with(ON).await;
    let (user, _) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("settings", &json!({"modified_hidden_milliseconds": 500})).await;

    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    system.drained().await;

    assert_eq!(system.contact_of(user).await["Phone"], "+13125550001");
    assert_eq!(system.calls("update").await, 3, "refused as stale twice");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_word_replaces_is_told_even_if_the_worker_dies_over_it() {
    let system = System::with(ON).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.edited("Contacts", &contact, &json!({"Email": "other@example.com"})).await;
    system.fault("update", "hang-after", &json!({})).await;
    system.asked_for(user).await;
    system.held("update").await;

    system.kill(KIND).await;
    system.forsaken().await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(system.contact_of(user).await["Email"], "sheree@example.com");
    let told = json!(["email", "sheree@example.com", "other@example.com", "ours", 1]);
    assert_eq!(system.conflicts_of(user).await, [told]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_writes_alone_fails_nobody_within_minutes() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (user, _) = system.synced("sheree", &sheree("")).await;
    system.fault("update", "status-500", &json!({ "times": -1 })).await;
    system.patched("sheree", &json!({"phone_number": "+13125550001"})).await;
    for attempt in 1..=6 {
        system.attempted(KIND, user, attempt).await;
        system.let_an_hour_pass().await;
        system.sweep().await;
    }
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(system.contact_of(user).await["Phone"], "+13125550001");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_arrives_behind_a_look_is_known_as_ours() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    let before = tags(&system.contact_of(user).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
    for _ in ["Golf", "Tennis"] {
        system.fault("add-tags", "hang-before", &json!({})).await;
    }
    system.patched("sheree", &json!({"sport_interests": ["Golf", "Soccer", "Tennis"]})).await;
    system.held("add-tags").await;
    // She thinks better of it, and somebody else's worker looks at her Contact, where nothing of it is as yet.
    system.patched("sheree", &json!({"sport_interests": ["Soccer"]})).await;
    system.edited("Contacts", &contact, &json!({"Last_Name": "Lane-Moss"})).await;
    system.notified("Contacts", &[&contact]).await;
    system.settled("pull-zoho").await;
    system.zoho_post("release", &json!({})).await;
    eventually("one of them has arrived", || async {
        tags(&system.contact_of(user).await).contains(&"Golf").then_some(())
    })
    .await;
    system.held("add-tags").await;
    system.kill(KIND).await;
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(tags(&system.contact_of(user).await), before);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_put_again_is_known_to_be_on_its_way() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.zoho_post("edit", &json!({"module": "Contacts", "id": contact, "fields": {"Tag": []}})).await;
    assert_eq!(tags(&system.contact_of(user).await), [""; 0], "sales have taken them off");
    system.rows("update zoho_links set tags_set_out_at = now() - interval '1 hour'", &[]).await;
    system.fault("add-tags", "status-503", &json!({ "times": -1 })).await;

    system.asked_for(user).await;
    system.attempted(KIND, user, 1).await;

    assert_eq!(system.count("zoho_links where tags_set_out_at > now() - interval '1 minute'").await, 1);
    system.stop().await;
}
