//! Work that fails because of another record goes on by itself when that record has changed or is gone.

use serde_json::{Value, json};
use tests::{System, USER_ID, cathy, parent, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

/// Cathy signs up, and sales have an Account of that name, which is unique in this CRM.
async fn with_a_namesake() -> (System, Uuid, Value) {
    let system = System::with(ON).await;
    system.make_admin("ops").await;
    system.zoho_post("settings", &json!({ "unique_account_name": true })).await;
    let namesake = json!({ "module": "Accounts", "fields": { "Account_Name": "Lincoln High" } });
    let namesake = system.zoho_post("create", &namesake).await["id"].clone();
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.settled(KIND).await;
    let failed = system.get("/api/admin/failures?kind=sync-zoho", "ops").await;
    let failure = &failed.body["items"][0]["failure"];
    assert_eq!(
        json!([failure["code"], failure["field"], failure["record"]]),
        json!(["DUPLICATE_DATA", "Account_Name", namesake])
    );
    (system, user, namesake)
}

/// Nobody is told of what sales did, so it is looked for.
async fn is_found(system: &System) {
    system.invoke("reconcile-zoho", &json!({})).await;
    system.goes_on().await;
}

async fn is_whole(system: &System, user: Uuid) {
    assert_eq!(system.account_of(user).await["Account_Name"], "Lincoln High");
    assert_eq!(system.contact_of(user).await["Account_Name"]["id"], system.account_of(user).await["id"]);
    assert_eq!(system.count("tasks where failed_at is not null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_once_its_namesake_is_called_otherwise() {
    let (system, user, namesake) = with_a_namesake().await;

    system.edited("Accounts", &namesake, &json!({ "Account_Name": "Lincoln Middle" })).await;
    system.notified("Accounts", &[&namesake]).await;
    system.drained().await;

    is_whole(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_once_its_namesake_is_gone_though_nobody_was_told() {
    let (system, user, namesake) = with_a_namesake().await;
    system.zoho_post("settings", &json!({ "notifications": "drop" })).await;

    system.zoho_post("delete", &json!({ "module": "Accounts", "id": namesake })).await;
    is_found(&system).await;

    is_whole(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_namesake_that_nobody_was_told_of_is_found_too() {
    let (system, user, namesake) = with_a_namesake().await;
    system.zoho_post("settings", &json!({ "notifications": "drop" })).await;

    system.edited("Accounts", &namesake, &json!({ "Account_Name": "Lincoln Middle" })).await;
    is_found(&system).await;

    is_whole(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_an_id_that_nobody_has_lets_its_address_go() {
    let system = System::with(ON).await;
    let theirs = json!({ "Last_Name": "Lane", "Email": "sheree@example.com", USER_ID: Uuid::nil() });
    let stranger = json!(system.contact_of_sales(&theirs).await);
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let failed = system.told(KIND, user).await;

    system.edited("Contacts", &stranger, &json!({ "Email": "lane@example.com" })).await;
    system.notified("Contacts", &[&stranger]).await;
    system.drained().await;

    assert_eq!(failed.code, "contact-belongs-to-another");
    assert_ne!(system.contact_of(user).await["id"], stranger);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_her_id_by_mistake_gives_it_back() {
    let system = System::with(ON).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;
    let hers = system.contact_of(user).await["id"].clone();
    system.edited("Contacts", &hers, &json!({ USER_ID: null })).await;
    let thief = json!(system.contact_of_sales(&json!({ "Last_Name": "Stone", USER_ID: user })).await);
    system.patched("sheree", &json!({ "phone_number": "+13125550001" })).await;
    system.settled(KIND).await;
    let failed = system.told(KIND, user).await;

    system.edited("Contacts", &thief, &json!({ USER_ID: null })).await;
    system.notified("Contacts", &[&thief]).await;
    system.drained().await;

    assert!(failed.failed && failed.code == "DUPLICATE_DATA", "{failed:?}");
    let contact = system.contact_of(user).await;
    assert_eq!((&contact["id"], &contact["Phone"]), (&hers, &json!("+13125550001")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_over_there_leads_to_and_cannot_be_written_is_the_persons_own_work() {
    let system = System::with(ON).await;
    let user = system.register("pat", &parent("Pat", &[], "")).await.id("/user/id");
    system.drained().await;
    let contact = system.contact_of(user).await["id"].clone();
    let refused =
        json!({ "match": contact, "code": "INVALID_DATA", "details": { "api_name": "ISO_Role" }, "times": -1 });
    system.fault("update", "record-error", &refused).await;

    system.edited("Contacts", &contact, &json!({ "ISO_Role": "Coach", "First_Name": "Patty" })).await;
    system.notified("Contacts", &[&contact]).await;
    system.settled("pull-zoho").await;
    system.settled(KIND).await;
    let failed = system.told(KIND, user).await;
    let pulls = system.count("tasks where kind = 'pull-zoho'").await;
    system.mend_zoho().await;
    system.edited("Contacts", &contact, &json!({ "Description": "called her" })).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;

    assert_eq!((failed.code.as_str(), failed.failed, pulls), ("INVALID_DATA", true, 0));
    assert_eq!(system.parent(user).await["first_name"], "Patty", "it was taken over all the same");
    assert_eq!(system.contact_of(user).await["ISO_Role"], "parent");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_behind_a_contact_that_cannot_be_written_goes_on_once_it_has_changed() {
    let system = System::with(ON).await;
    system.make_admin("ops").await;
    let (first, held) = system.synced("pat", &parent("Pat", &[], "")).await;
    system.rows("update users set email = 'sheree@example.com' where id = $1", &[&first]).await;
    system.asked_for(first).await;
    system.drained().await;
    system.rows("update users set email = 'pat@example.com' where id = $1", &[&first]).await;
    system.fault("update", "record-error", &json!({ "match": held, "code": "RECORD_IN_BLUEPRINT", "times": -1 })).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.told(KIND, user).await;
    let failed = system.get("/api/admin/failures?kind=sync-zoho", "ops").await;

    system.mend_zoho().await;
    system.edited("Contacts", &held, &json!({ "Phone": "+13125550009" })).await;
    system.notified("Contacts", &[&held]).await;
    system.goes_on().await;

    let failure = &failed.body["items"][0]["failure"];
    assert_eq!(json!([failure["code"], failure["record"]]), json!(["RECORD_IN_BLUEPRINT", held]));
    assert_eq!(system.contact_of(user).await["Email"], "sheree@example.com");
    assert_eq!(system.count("tasks where failed_at is not null").await, 0);
    system.stop().await;
}
