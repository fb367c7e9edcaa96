//! Addresses that change hands: whoever has one now gets it in the CRM, too, each Contact stays its owner's, and a word of
//! sales that is in the way is told.

use std::slice;

use serde_json::{Value, json};
use tests::{System, eventually, parent, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

/// Somebody signs up with the address that Sheree has given up.
async fn with_sherees_address(system: &System) -> Uuid {
    let claims = json!({"sub": "sam", "email": "sheree@example.com", "email_verified": true});
    let token = system.token_with(&claims).await;
    let request = system.request("POST", "/api/users").bearer_auth(token).json(&parent("Sam", &[], ""));
    tests::sent(request).await.id("/user/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_swap_their_addresses_keep_a_contact_each() {
    for unique_email in [false, true] {
        let system = System::with(ON).await;
        system.zoho_post("settings", &json!({"unique_email": unique_email})).await;
        let (sheree, hers) = system.synced("sheree", &sheree("")).await;
        let (dana, his) = system.synced("dana", &parent("Dana", &[], "")).await;
        system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;

        let swap = "update users set email = case id when $1 then 'swap@example.com' else email end where id = $1";
        system.rows(swap, &[&sheree]).await;
        system.rows("update users set email = 'sheree@example.com' where id = $1", &[&dana]).await;
        system.rows("update users set email = 'dana@example.com' where id = $1", &[&sheree]).await;
        system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
        for user in [sheree, dana] {
            system.asked_for(user).await;
        }
        system.goes_on().await;

        let (now, other) = (system.contact_of(sheree).await, system.contact_of(dana).await);
        assert_eq!(json!([now["id"], now["Email"]]), json!([hers, "dana@example.com"]), "unique: {unique_email}");
        assert_eq!(json!([other["id"], other["Email"]]), json!([his, "sheree@example.com"]));
        assert_eq!((system.count("sync_conflicts").await, system.contacts().await.len()), (0, 2));
        assert_eq!(system.count("tasks").await, 0);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_address_that_somebody_else_takes_over_brings_her_no_strangers_contact() {
    for unique_email in [false, true] {
        let system = System::with(ON).await;
        system.zoho_post("settings", &json!({"unique_email": unique_email})).await;
        let (first, contact) = system.synced("sheree", &sheree("")).await;
        system.stack().set_mappings_enabled(false).await;

        system.rows("update users set email = 'lane@example.com' where id = $1", &[&first]).await;
        let second = with_sherees_address(&system).await;
        // The newcomer's turn comes first.
        system.wake(KIND, &[second]).await;
        system.stack().set_mappings_enabled(true).await;
        system.asked_for(first).await;
        system.goes_on().await;

        assert_eq!(system.contact_of(second).await["Email"], "sheree@example.com", "unique: {unique_email}");
        let hers = system.contact_of(first).await;
        assert_eq!(json!([hers["id"], hers["Email"]]), json!([contact, "lane@example.com"]));
        assert_eq!((system.contacts().await.len(), system.count("sync_conflicts").await), (2, 0));
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_address_that_cannot_be_cleared_just_now_is_waited_for() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({"unique_email": true})).await;
    let (sheree, hers) = system.synced("sheree", &sheree("")).await;
    let (dana, _) = system.synced("dana", &parent("Dana", &[], "")).await;
    system.stack().set_mappings_enabled(false).await;
    system.rows("update users set email = 'lane@example.com' where id = $1", &[&sheree]).await;
    system.rows("update users set email = 'sheree@example.com' where id = $1", &[&dana]).await;
    // Somebody works on the Contact that has the address.
    system.fault("update", "record-error", &json!({"match": hers, "code": "RECORD_LOCKED"})).await;

    system.asked_for(dana).await;
    system.wake(KIND, &[dana]).await;
    let task = system.task(KIND, dana).await.expect("it waits");
    system.stack().set_mappings_enabled(true).await;
    system.asked_for(sheree).await;
    system.goes_on().await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed), ("RECORD_LOCKED", false), "{task:?}");
    assert_eq!(system.contact_of(dana).await["Email"], "sheree@example.com");
    assert_eq!(system.contact_of(sheree).await["Email"], "lane@example.com");
    assert_eq!(system.count("tasks").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_sales_that_somebody_else_takes_over_is_told() {
    // Found before whoever has it now is written, or met by her write.
    for is_met in [false, true] {
        let system = System::with(ON).await;
        let (first, contact) = system.synced("sheree", &sheree("")).await;
        system.zoho_post("settings", &json!({"notifications": "drop", "unique_email": true})).await;
        let theirs = json!({"Email": "Sam@example.com"});
        let second = if is_met {
            let (second, _) = system.synced("dana", &parent("Dana", &[], "")).await;
            system.edited("Contacts", &contact, &theirs).await;
            system.rows("update users set email = 'sam@example.com' where id = $1", &[&second]).await;
            system.asked_for(second).await;
            second
        } else {
            system.edited("Contacts", &contact, &theirs).await;
            system.register("sam", &parent("Sam", &[], "")).await.id("/user/id")
        };
        system.drained().await;
        system.goes_on().await;
        system.asked_for(first).await;
        system.goes_on().await;

        let told = json!(["email", "sheree@example.com", "Sam@example.com", "ours", 1]);
        assert_eq!(system.conflicts_of(first).await, [told], "met: {is_met}");
        assert_eq!(system.conflicts_of(second).await, [json!(null); 0]);
        assert_eq!(system.contact_of(second).await["Email"], "sam@example.com");
        assert_eq!(system.contact_of(first).await["Email"], "sheree@example.com");
        system.stop().await;
    }
}

/// Sheree has a new address, and somebody else her old one; no worker knows of it yet.
async fn with_an_old_address_in_the_way() -> (System, Uuid, Value, Uuid) {
    let system = System::with(ON).await;
    let (first, contact) = system.synced("sheree", &sheree("")).await;
    system.stack().set_mappings_enabled(false).await;
    system.rows("update users set email = 'lane@example.com' where id = $1", &[&first]).await;
    let second = with_sherees_address(&system).await;
    (system, first, contact, second)
}

/// Her address is blank over there a minute later, whoever has done it.
async fn blanked(system: &System, contact: &Value) {
    system.zoho_post("settings", &json!({"clock_offset_seconds": 60})).await;
    system.edited("Contacts", contact, &json!({"Email": null})).await;
    system.notified("Contacts", &[contact]).await;
    system.stack().set_mappings_enabled(true).await;
    system.settled("pull-zoho").await;
    system.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_cleared_when_nobody_waits_for_it_any_more_comes_back() {
    // After a call that was not answered, hers is written by another worker or by the same one.
    for by_one_worker in [false, true] {
        let (system, first, contact, second) = with_an_old_address_in_the_way().await;
        system.fault("update", "status-503", &json!({})).await;
        system.asked_for(first).await;
        if by_one_worker {
            system.wake(KIND, &[second, first]).await;
        } else {
            system.wake(KIND, &[second]).await;
            system.wake(KIND, &[first]).await;
        }
        assert_eq!(system.task(KIND, first).await.map(|task| task.code), None, "hers is done");
        assert_eq!(system.task(KIND, second).await.expect("it waits").attempts, 1);

        blanked(&system, &contact).await;

        assert_eq!(system.contact_of(first).await["Email"], "lane@example.com", "by one: {by_one_worker}");
        assert_eq!(system.conflicts_of(first).await, [json!(null); 0]);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_sales_clear_after_we_have_is_told() {
    let (system, first, contact, second) = with_an_old_address_in_the_way().await;
    // The call that clears it is answered the second time.
    system.fault("update", "status-503", &json!({})).await;
    system.wake(KIND, &[second]).await;
    system.let_an_hour_pass().await;
    system.wake(KIND, &[second]).await;
    assert_eq!(system.contact_of(first).await["Email"], json!(null), "it is cleared");
    system.asked_for(first).await;
    system.wake(KIND, &[first]).await;

    blanked(&system, &contact).await;

    assert_eq!(system.contact_of(first).await["Email"], "lane@example.com");
    assert_eq!(system.conflicts_of(first).await, [json!(["email", "lane@example.com", null, "ours", 1])]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_its_owner_has_given_up_meanwhile_is_not_cleared() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({"unique_email": true})).await;
    let (first, _) = system.synced("sheree", &sheree("")).await;
    let (second, _) = system.synced("dana", &parent("Dana", &[], "")).await;
    system.stack().set_mappings_enabled(false).await;
    system.rows("update users set email = 'lane@example.com' where id = $1", &[&first]).await;
    system.rows("update users set email = 'sheree@example.com' where id = $1", &[&second]).await;
    // Zoho has found it taken; the answer is on its way.
    system.fault("update", "hang-after", &json!({})).await;
    system.asked_for(second).await;
    tokio::join!(system.wake(KIND, slice::from_ref(&second)), async {
        system.held("update").await;
        system.asked_for(first).await;
        system.wake(KIND, &[first]).await;
        system.zoho_post("release", &json!({})).await;
    });

    assert_eq!(system.contact_of(first).await["Email"], "lane@example.com", "nobody has touched it");
    assert_eq!(system.contact_of(second).await["Email"], "sheree@example.com");
    assert_eq!((system.count("tasks").await, system.count("sync_conflicts").await), (0, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_write_where_an_address_was_to_be_cleared_is_not_cleared_unseen() {
    let (system, first, contact, second) = with_an_old_address_in_the_way().await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.fault("update", "hang-before", &json!({})).await;
    tokio::join!(system.wake(KIND, slice::from_ref(&second)), async {
        // The call that clears it is on its way.
        system.held("update").await;
        system.zoho_post("settings", &json!({"clock_offset_seconds": 60})).await;
        system.edited("Contacts", &contact, &json!({"Email": "office@example.com"})).await;
        system.zoho_post("release", &json!({})).await;
    });
    assert_eq!(system.contact_of(first).await["Email"], "office@example.com");
    system.stack().set_mappings_enabled(true).await;
    system.asked_for(first).await;
    system.goes_on().await;

    let told = json!(["email", "lane@example.com", "office@example.com", "ours", 1]);
    assert_eq!(system.conflicts_of(first).await, [told]);
    assert_eq!(system.contact_of(first).await["Email"], "lane@example.com");
    assert_eq!(system.contact_of(second).await["Email"], "sheree@example.com");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_write_before_an_address_is_cleared_is_not_written_over_after_it() {
    let (system, first, contact, second) = with_an_old_address_in_the_way().await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.patched("sheree", &json!({"phone_number": "+13125550002"})).await;
    system.fault("get-records", "hang-after", &json!({})).await;
    let both = [second, first];
    tokio::join!(system.wake(KIND, &both), async {
        // Her Contact is read.
        system.held("get-records").await;
        system.zoho_post("settings", &json!({"clock_offset_seconds": 60})).await;
        system.edited("Contacts", &contact, &json!({"Phone": "+13125550009"})).await;
        system.zoho_post("release", &json!({})).await;
    });
    system.stack().set_mappings_enabled(true).await;
    system.goes_on().await;

    let there = system.contact_of(first).await;
    assert_eq!(json!([there["Email"], there["Phone"]]), json!(["lane@example.com", "+13125550009"]));
    assert_eq!(system.parent(first).await["phone_number"], "+13125550009");
    assert_eq!(system.conflicts_of(first).await.len(), 1, "hers is told");
    assert_eq!(system.contact_of(second).await["Email"], "sheree@example.com");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_an_address_that_is_not_hers_gets_her_own_back() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({"unique_email": true, "notifications": "drop"})).await;
    let (first, contact) = system.synced("sheree", &sheree("")).await;
    let (second, _) = system.synced("dana", &parent("Dana", &[], "")).await;
    system.stack().set_mappings_enabled(false).await;
    system.edited("Contacts", &contact, &json!({"Last_Name": "Lane-Moss"})).await;
    system.asked_for(first).await;
    system.rows("update users set email = 'sam@example.com' where id = $1", &[&second]).await;
    system.asked_for(second).await;
    system.fault("get-records", "hang-after", &json!({})).await;
    let both = [first, second];
    tokio::join!(system.wake(KIND, &both), async {
        // Her Contact is read; then sales write his address on it.
        system.held("get-records").await;
        system.edited("Contacts", &contact, &json!({"Email": "sam@example.com"})).await;
        system.zoho_post("release", &json!({})).await;
    });
    system.stack().set_mappings_enabled(true).await;
    system.goes_on().await;

    assert_eq!(system.contact_of(second).await["Email"], "sam@example.com");
    assert_eq!(system.contact_of(first).await["Email"], "sheree@example.com");
    let told = json!(["email", "sheree@example.com", "sam@example.com", "ours", 1]);
    assert_eq!(system.conflicts_of(first).await, [told]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_cleared_while_somebody_else_works_on_her_comes_back() {
    let (system, first, contact, second) = with_an_old_address_in_the_way().await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    system.fault("coql", "hang-after", &json!({})).await;
    system.asked_for(first).await;
    let both = [second, first];
    tokio::join!(system.wake(KIND, &both), async {
        // Zoho has found the old address. What sales have changed comes in by another worker, which cannot write hers.
        system.held("coql").await;
        system.fault("update", "record-error", &json!({"match": "lane@example.com", "code": "RECORD_LOCKED"})).await;
        system.edited("Contacts", &contact, &json!({"First_Name": "Cherie"})).await;
        system.notified("Contacts", &[&contact]).await;
        system.stack().set_mappings_enabled(true).await;
        eventually("it is hers", || async { (system.parent(first).await["first_name"] == "Cherie").then_some(()) })
            .await;
        system.stack().set_mappings_enabled(false).await;
        system.zoho_post("release", &json!({})).await;
    });
    assert_eq!(system.contact_of(first).await["Email"], json!(null), "it is cleared");
    system.stack().set_mappings_enabled(true).await;
    system.goes_on().await;

    assert_eq!(system.contact_of(first).await["Email"], "lane@example.com", "it is back");
    assert_eq!(system.contact_of(second).await["Email"], "sheree@example.com");
    assert_eq!(system.conflicts_of(first).await, [json!(null); 0], "sales have said nothing");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_write_right_after_the_look_at_an_address_is_not_cleared_unseen() {
    let (system, first, contact, second) = with_an_old_address_in_the_way().await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    let clock = async |seconds: i32| system.zoho_post("settings", &json!({ "clock_offset_seconds": seconds })).await;
    clock(60).await;
    system.edited("Contacts", &contact, &json!({"Department": "North"})).await;
    system.fault("update", "hang-before", &json!({})).await;
    tokio::join!(system.wake(KIND, slice::from_ref(&second)), async {
        system.held("update").await;
        // A second after the last change.
        clock(61).await;
        system.edited("Contacts", &contact, &json!({"Email": "office@example.com"})).await;
        clock(65).await;
        system.zoho_post("release", &json!({})).await;
    });

    assert_eq!(system.contact_of(first).await["Email"], "office@example.com");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_workflow_keeps_writing_is_not_cleared_for_ever() {
    let system = System::with(ON).await;
    let (first, contact) = system.synced("sheree", &sheree("")).await;
    let (second, _) = system.synced("dana", &parent("Dana", &[], "")).await;
    let rule = json!([{"module": "Contacts", "field": "Email", "always": "sam@example.com"}]);
    system.zoho_post("settings", &json!({"unique_email": true, "notifications": "drop"})).await;
    system.edited("Contacts", &contact, &json!({"Email": "sam@example.com"})).await;
    system.rows("update users set email = 'sam@example.com' where id = $1", &[&second]).await;
    system.zoho_post("settings", &json!({ "field_rules": rule })).await;
    let before = system.calls("update").await;
    for _ in 0..10 {
        system.asked_for(second).await;
        system.notified("Contacts", &[&contact]).await;
        system.woken().await;
    }

    let calls = system.calls("update").await - before;
    assert!(calls <= 30, "{calls} calls");
    assert!(system.conflicts_of(first).await[0][4].as_i64() <= Some(8), "{:?}", system.conflicts_of(first).await);
    let task = system.task(KIND, second).await.expect("she waits");
    assert_eq!((task.code.as_str(), task.failed), ("overruled", false), "{task:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_sales_that_cannot_be_cleared_for_a_while_is_no_workflow() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({"unique_email": true, "notifications": "drop"})).await;
    let (first, contact) = system.synced("sheree", &sheree("")).await;
    let (second, _) = system.synced("dana", &parent("Dana", &[], "")).await;
    system.edited("Contacts", &contact, &json!({"Email": "sam@example.com"})).await;
    system.rows("update users set email = 'sam@example.com' where id = $1", &[&second]).await;
    // Somebody works on the Contact that has the address.
    let locked = json!({"match": contact, "code": "RECORD_LOCKED", "times": -1});
    system.fault("update", "record-error", &locked).await;
    system.stack().set_mappings_enabled(false).await;
    system.asked_for(second).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        system.wake(KIND, &[second]).await;
        codes.push(system.task(KIND, second).await.expect("it waits").code);
        system.rows("update tasks set not_before = now() where key = $1", &[&second]).await;
    }
    system.mend_zoho().await;
    system.wake(KIND, &[second]).await;

    assert_eq!(codes, ["RECORD_LOCKED"; 6]);
    assert_eq!(system.contact_of(second).await["Email"], "sam@example.com");
    assert_eq!(system.contact_of(first).await["Email"], json!(null), "her own task is next");
    system.stop().await;
}
