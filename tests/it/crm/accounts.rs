//! Organisations are Accounts with their admin's Contact attached; photographers carry their code and level.

use serde_json::json;
use tests::{ORGANIZATION_ID, System, cathy, frank};

const ON: &[&str] = &["ENABLE_ZOHO_SYNC"];

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_becomes_an_account_with_its_admins_contact() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;

    let (account, contact) = (system.account_of(user).await, system.contact_of(user).await);
    assert_eq!(json!([account["Account_Name"], account["ISO_Organization_Type"]]), json!(["Lincoln High", "School"]));
    assert_eq!(json!([contact["Account_Name"]["id"], contact["ISO_Role"]]), json!([account["id"], "org"]));
    let linked: String =
        system.value("select zoho_account_id from profiles_organizations where user_id = $1", &[&user]).await;
    assert_eq!(json!(linked), account["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_an_account_flows_both_ways_and_its_type_is_ours_to_say() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let account = system.account_of(user).await["id"].clone();

    system.patched("cathy", &json!({"org_name": "Lincoln Park High"})).await;
    system.drained().await;
    let renamed = system.account_of(user).await["Account_Name"].clone();
    system
        .edited("Accounts", &account, &json!({"Account_Name": "Lincoln High School", "ISO_Organization_Type": "Club"}))
        .await;
    system.notified("Accounts", &[&account]).await;
    system.drained().await;

    assert_eq!(renamed, "Lincoln Park High");
    let (name, kind): (String, String) = {
        let rows = system.rows("select org_name, org_type::text from profiles_organizations", &[]).await;
        (rows[0].get(0), rows[0].get(1))
    };
    assert_eq!((name.as_str(), kind.as_str()), ("Lincoln High School", "School"));
    assert_eq!(system.account_of(user).await["ISO_Organization_Type"], "School");
    assert_eq!(system.conflicts_of(user).await, [json!(["org_type", "School", "Club", "ours", 1])]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_an_account_and_of_its_admins_contact_both_arrive() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let (account, contact) = (system.account_of(user).await["id"].clone(), system.contact_of(user).await["id"].clone());
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;

    system.edited("Accounts", &account, &json!({"Account_Name": "Lincoln Park High"})).await;
    system.edited("Contacts", &contact, &json!({"First_Name": "Kathy"})).await;
    system.notified("Accounts", &[&account]).await;
    system.notified("Contacts", &[&contact]).await;
    system.let_an_hour_pass().await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    // One batch has both.
    system.sweep().await;
    system.drained().await;
    system.asked_for(user).await;
    system.drained().await;

    let rows = system.rows("select org_name, first_name from profiles_organizations", &[]).await;
    assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, &str>(1)), ("Lincoln Park High", "Kathy"));
    assert_eq!(system.account_of(user).await["Account_Name"], "Lincoln Park High");
    assert_eq!(system.contact_of(user).await["First_Name"], "Kathy");
    assert_eq!(system.count("webhook_events where type = 'user.updated'").await, 1, "they came in one batch");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_names_are_unique_an_account_is_still_not_taken_over_by_its_name() {
    let system = System::with(ON).await;
    system.zoho_post("settings", &json!({"unique_account_name": true})).await;
    let fields = json!({"Account_Name": "Lincoln High"});
    let theirs = system.zoho_post("create", &json!({"module": "Accounts", "fields": fields})).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    let task = system.told("sync-zoho", user).await;
    let before = system.accounts().await;

    system.patched("cathy", &json!({"org_name": "Lincoln Park High"})).await;
    system.drained().await;

    assert_eq!((task.code.as_str(), task.field.as_str(), task.failed), ("DUPLICATE_DATA", "Account_Name", true));
    assert!(before.len() == 1 && before[0][ORGANIZATION_ID].is_null(), "{before:?}");
    assert_eq!(system.account_of(user).await["Account_Name"], "Lincoln Park High");
    assert_ne!(system.account_of(user).await["id"], theirs["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_worker_died_is_not_made_twice() {
    let system = System::with(ON).await;
    system.fault("create", "hang-after", &json!({})).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.held("create").await;
    system.kill("sync-zoho").await;
    system.forsaken().await;
    system.mend_zoho().await;

    system.goes_on().await;

    assert_eq!(system.accounts().await.len(), 1);
    assert_eq!(system.contact_of(user).await["Account_Name"]["id"], system.account_of(user).await["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_never_matched_by_its_name() {
    let system = System::with(ON).await;
    let theirs =
        system.zoho_post("create", &json!({"module": "Accounts", "fields": {"Account_Name": "Lincoln High"}})).await;

    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;

    assert_eq!(system.accounts().await.len(), 2);
    assert_ne!(system.account_of(user).await["id"], theirs["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_sales_have_put_elsewhere_stays_there() {
    let system = System::with(ON).await;
    let theirs =
        system.zoho_post("create", &json!({"module": "Accounts", "fields": {"Account_Name": "District 9"}})).await;
    let contact = json!({"Last_Name": "Reed", "Email": "cathy@example.com", "Account_Name": {"id": theirs["id"]}});
    system.contact_of_sales(&contact).await;

    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;

    assert_eq!(system.contact_of(user).await["Account_Name"]["id"], theirs["id"]);
    assert_eq!(system.accounts().await.len(), 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_deleted_is_not_made_again_and_its_admin_stays() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let account = system.account_of(user).await["id"].clone();

    system.zoho_post("delete", &json!({"module": "Accounts", "id": account})).await;
    system.notified("Accounts", &[&account]).await;
    system.drained().await;
    system.patched("cathy", &json!({"last_name": "Stone"})).await;
    system.drained().await;

    assert_eq!(system.accounts().await.len(), 0);
    assert_eq!(system.contact_of(user).await["Last_Name"], "Stone");
    assert_eq!(system.count("zoho_links where module = 'Accounts' and gone_at is not null").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_zoho_refuses_does_not_keep_its_admin_out() {
    let system = System::with(ON).await;
    let error = json!({"match": "Lincoln High", "code": "INVALID_DATA", "details": {"api_name": "Account_Name"}});
    system.fault("create", "record-error", &error).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    let task = system.told("sync-zoho", user).await;
    let alone = system.contact_of(user).await;

    system.patched("cathy", &json!({"org_name": "Lincoln Park High"})).await;
    system.drained().await;

    assert_eq!((task.code.as_str(), task.field.as_str(), task.failed), ("INVALID_DATA", "Account_Name", true));
    assert_eq!(alone["Account_Name"], json!(null));
    assert_eq!(system.contact_of(user).await["Account_Name"]["id"], system.account_of(user).await["id"]);
    assert_eq!(system.accounts().await[0][ORGANIZATION_ID], json!(user));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographers_contact_has_his_code_and_his_level() {
    let system = System::with(ON).await;
    let user = system.register("frank", &frank()).await.id("/user/id");
    system.drained().await;
    let before = system.contact_of(user).await;

    system.rows("update profiles_photographers set certification_level = 'Level 2'", &[]).await;
    system.asked_for(user).await;
    system.drained().await;
    system.edited("Contacts", &before["id"], &json!({"Phone": "+13125550007", "ISO_Referral_Code": "MINE"})).await;
    system.notified("Contacts", &[&before["id"]]).await;
    system.drained().await;
    system.asked_for(user).await;
    system.drained().await;

    let after = system.contact_of(user).await;
    let shown = |contact: &serde_json::Value| {
        json!(["ISO_Role", "ISO_Referral_Code", "ISO_Certification_Level"].map(|field| &contact[field]))
    };
    assert_eq!(shown(&before), json!(["photographer", "FRANK2024", "Level 1"]));
    assert_eq!(shown(&after), json!(["photographer", "FRANK2024", "Level 2"]));
    assert_eq!(after["Phone"], "+13125550007", "we have no place for it, so it is sales' own");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_end_nobody_told_does_not_keep_edits_of_its_admin_out() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let (account, contact) = (system.account_of(user).await["id"].clone(), system.contact_of(user).await["id"].clone());
    system.zoho_post("delete", &json!({"module": "Accounts", "id": account})).await;

    system.edit_arrives(&contact, &json!({"Account_Name": null, "Last_Name": "Stone"})).await;

    assert_eq!(system.count("profiles_organizations where last_name = 'Stone'").await, 1);
    assert_eq!(system.count("tasks").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_another_organisations_by_now_is_not_attached() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    let other = system.register("carl", &cathy()).await.id("/user/id");
    system.drained().await;
    let (account, theirs) = (system.account_of(user).await["id"].clone(), system.account_of(other).await["id"].clone());
    let contact = system.contact_of(user).await["id"].clone();
    system.edited("Accounts", &theirs, &json!({ORGANIZATION_ID: null})).await;
    system.edited("Accounts", &account, &json!({ORGANIZATION_ID: other})).await;
    system.edited("Contacts", &contact, &json!({"Account_Name": null})).await;

    system.asked_for(user).await;
    let task = system.told("sync-zoho", user).await;

    assert_eq!((task.code.as_str(), task.failed), ("contact-belongs-to-another", true));
    assert_eq!(system.contact_of(user).await["Account_Name"], json!(null));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sales_write_on_the_account_and_on_its_contact_arrives_at_once_from_both() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let (account, contact) = (system.account_of(user).await["id"].clone(), system.contact_of(user).await["id"].clone());
    system.edited("Accounts", &account, &json!({"Account_Name": "Lincoln Park High"})).await;
    system.edited("Contacts", &contact, &json!({"Last_Name": "Reed-Moss"})).await;

    system.asked_for(user).await;
    system.drained().await;

    let rows = system.rows("select org_name, last_name from profiles_organizations", &[]).await;
    assert_eq!((rows[0].get(0), rows[0].get(1)), ("Lincoln Park High", "Reed-Moss"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_sales_take_off_its_account_is_put_back() {
    let system = System::with(ON).await;
    let user = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    let (account, contact) = (system.account_of(user).await["id"].clone(), system.contact_of(user).await["id"].clone());

    system.edit_arrives(&contact, &json!({ "Account_Name": null })).await;
    system.goes_on().await;

    assert_eq!(system.contact_of(user).await["Account_Name"]["id"], account);
    system.stop().await;
}
