//! Whoever is erased here is erased over there, however long that takes.

use std::slice;

use serde_json::{Value, json};
use tests::{System, USER_ID, cathy, eventually, parent, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

async fn deleted(system: &System, sub: &str) {
    let answer = system.call("DELETE", "/api/user", sub, &Value::Null).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn is_erased(system: &System) {
    assert_eq!(system.contacts().await, Vec::<Value>::new());
    assert_eq!(system.count("erasures where erased_at is not null").await, 1);
    assert_eq!(system.count("tasks").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_goes_is_deleted_in_the_crm_too() {
    let system = System::with(ON).await;
    system.register("sheree", &sheree("")).await;
    system.drained().await;

    deleted(&system, "sheree").await;
    system.drained().await;

    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_survives_an_outage_and_a_flag() {
    let system = System::with(ON).await;
    system.register("sheree", &sheree("")).await;
    system.drained().await;
    system.fault("delete", "status-503", &json!({"times": -1})).await;
    deleted(&system, "sheree").await;
    eventually("Zoho was asked in vain", || async { (system.calls("delete").await > 0).then_some(()) }).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    system.mend_zoho().await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let meanwhile = (system.contacts().await.len(), system.count("erasures where erased_at is null").await);

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    assert_eq!(meanwhile, (1, 1));
    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_being_made_when_she_goes_does_not_stay() {
    let system = System::with(ON).await;
    system.fault("upsert", "hang-before", &json!({})).await;
    system.register("sheree", &sheree("")).await;
    system.held("upsert").await;

    deleted(&system, "sheree").await;
    system.mend_zoho().await;
    eventually("she is erased", || async {
        (system.count("erasures where erased_at is not null").await == 1).then_some(())
    })
    .await;

    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_id_sales_have_taken_off_is_deleted_all_the_same() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    system.edited("Contacts", &contact, &json!({USER_ID: null})).await;

    deleted(&system, "sheree").await;
    system.drained().await;

    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_deleted_over_there_before_is_erased_without_a_word() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;

    deleted(&system, "sheree").await;
    system.drained().await;

    is_erased(&system).await;
    assert_eq!(system.calls("delete").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisations_account_stays_without_our_id() {
    let system = System::with(ON).await;
    system.register("cathy", &cathy()).await;
    system.drained().await;

    deleted(&system, "cathy").await;
    system.drained().await;

    is_erased(&system).await;
    let accounts = system.accounts().await;
    assert_eq!((accounts.len(), &accounts[0]["Account_Name"]), (1, &json!("Lincoln High")));
    assert!(accounts[0]["ISO_Organization_ID"].is_null(), "{}", accounts[0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_at_once_gets_a_contact_of_her_own() {
    let system = System::with(ON).await;
    system.register("sheree", &sheree("")).await;
    system.drained().await;
    system.stack().set_mappings_enabled(false).await;
    deleted(&system, "sheree").await;
    let again: Uuid = system.register("sheree", &sheree("")).await.id("/user/id");

    // Her new task comes first.
    system.rows("update tasks set not_before = now() + interval '30 minutes' where key <> $1", &[&again]).await;
    system.wake(KIND, &[again]).await;
    let task = system.task(KIND, again).await.expect("it waits");
    system.stack().set_mappings_enabled(true).await;
    system.goes_on().await;
    system.goes_on().await;

    assert_eq!((task.code.as_str(), task.failed), ("waits-for-erasure", false));
    assert_eq!(system.contacts().await.len(), 1);
    assert_eq!(json!(system.linked_contact(again).await), system.contact_of(again).await["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_route_over_middleware_a_person_has_to_erase() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    system.take_route("middleware").await;

    deleted(&system, "sheree").await;
    let task = system.told(KIND, user).await;
    let left = system.contacts().await.len();
    system.take_route("native").await;
    system.asked_for(user).await;
    system.drained().await;

    assert_eq!((task.code.as_str(), task.failed, left), ("erase-by-hand", true, 1));
    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_somebody_elses_by_now_stays_without_her_id() {
    let system = System::with(ON).await;
    let hers = system.register("sheree", &sheree("")).await.id("/user/id");
    let dana = system.register("dana", &parent("Dana", &[], "")).await.id("/user/id");
    system.drained().await;
    let [gone, kept] = [system.contact_of(hers).await["id"].clone(), system.contact_of(dana).await["id"].clone()];
    // Sales take the two for one person, and keep the wrong id.
    system.zoho_post("delete", &json!({"module": "Contacts", "id": gone})).await;
    system.edited("Contacts", &kept, &json!({USER_ID: hers})).await;

    deleted(&system, "sheree").await;
    system.drained().await;
    let left = system.contacts().await;
    system.asked_for(dana).await;
    system.drained().await;

    assert_eq!(
        left.iter().map(|contact| [&contact["id"], &contact[USER_ID]]).collect::<Vec<_>>(),
        [[&kept, &Value::Null]]
    );
    assert_eq!(system.contact_of(dana).await["id"], kept);
    assert_eq!(system.count("erasures where erased_at is not null").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_comes_back_is_erased_once_more() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    deleted(&system, "sheree").await;
    system.drained().await;

    let restored = json!({"Last_Name": "Lane", "Email": "sheree@example.com", USER_ID: user});
    let restored = system.contact_of_sales(&restored).await;
    system.notified("Contacts", &[&json!(restored)]).await;
    system.drained().await;

    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_while_she_is_still_to_be_erased_gets_a_contact_of_her_own() {
    let system = System::with(ON).await;
    let before = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let old = system.contact_of(before).await["id"].clone();
    system.edited("Contacts", &old, &json!({ USER_ID: null })).await;
    let locked = json!({ "match": old, "code": "RECORD_LOCKED", "times": -1 });
    system.fault("delete", "record-error", &locked).await;
    deleted(&system, "sheree").await;
    system.attempted(KIND, before, 1).await;

    let after = system.register("sheree", &sheree("")).await.id("/user/id");
    system.attempted(KIND, after, 1).await;
    let waiting = system.task(KIND, after).await.expect("she waits");
    system.mend_zoho().await;
    system.goes_on().await;

    assert_eq!(waiting.code, "waits-for-erasure");
    let contacts = system.contacts().await;
    assert_eq!(contacts.len(), 1, "{contacts:?}");
    assert_ne!(system.contact_of(after).await["id"], old);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_given_back_by_the_recycle_bin_is_deleted_again() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    deleted(&system, "sheree").await;
    system.drained().await;
    let gone = system.contacts().await.len();

    system.zoho_post("restore", &json!({ "module": "Contacts", "id": contact })).await;
    let back = system.contacts().await.len();
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;

    assert_eq!((gone, back, system.contacts().await.len()), (0, 1, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_given_back_as_she_was_without_a_word_is_deleted_again_within_a_day() {
    let system = System::with(ON).await;
    // What changes over there now lies before all that is read of it.
    system.zoho_post("settings", &json!({ "clock_offset_seconds": -2 * 24 * 60 * 60 })).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    deleted(&system, "sheree").await;
    system.drained().await;
    let look = async || {
        system.invoke("reconcile-zoho", &json!({})).await;
        system.goes_on().await;
        system.contacts().await.len()
    };
    look().await;

    system.zoho_post("restore", &json!({ "module": "Contacts", "id": contact, "touch": false })).await;
    let within_the_hour = look().await;
    system.rows("update erasures set erased_at = erased_at - interval '1 day'", &[]).await;
    let a_day_later = look().await;

    assert_eq!((within_the_hour, a_day_later), (1, 0));
    is_erased(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_given_back_while_her_erasure_is_at_work_is_deleted_again() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    system.stack().set_mappings_enabled(false).await;
    system.zoho_post("delete", &json!({"module": "Contacts", "id": contact})).await;
    deleted(&system, "sheree").await;
    system.fault("get-records", "hang-after", &json!({})).await;
    tokio::join!(system.wake(KIND, slice::from_ref(&user)), async {
        // Nothing of hers was found.
        system.held("get-records").await;
        system.given_back(&contact).await;
    });
    system.goes_on().await;

    is_erased(&system).await;
    system.stop().await;
}
