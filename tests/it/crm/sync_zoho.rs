//! People become Contacts in Zoho CRM, once each, and what sales know of them stays.

use serde_json::{Value, json};
use tests::{System, USER_ID, cathy, eventually, frank, sheree, tags, tags_with_jordans};
use uuid::Uuid;

const KIND: &str = "sync-zoho";

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_signs_up_becomes_a_contact_and_its_id_comes_back() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;

    let user = registered(&system).await;
    system.drained().await;

    let contact = system.contact_of(user).await;
    let shown = ["First_Name", "Last_Name", "Email", "Phone", "Mailing_Street", "Mailing_City", "Mailing_State"];
    let values: Vec<&Value> =
        shown.into_iter().chain(["Mailing_Zip", "Mailing_Country"]).map(|f| &contact[f]).collect();
    assert_eq!(
        json!(values),
        json!(["Sheree", "Lane", "sheree@example.com", "+13125550142", "12 Elm St", "Chicago", "IL", "60601", "US"])
    );
    assert_eq!(tags(&contact), tags_with_jordans(&["Soccer"]));
    assert_eq!(json!([contact["ISO_Role"], contact["ISO_Referred_By_Code"]]), json!(["parent", "FRANK2024"]));
    assert_eq!(json!(system.linked_contact(user).await), contact["id"]);
    let link = system.rows("select base->>'email', tags from zoho_links where user_id = $1", &[&user]).await;
    assert_eq!(link[0].get::<_, &str>(0), "sheree@example.com");
    assert_eq!(link[0].get::<_, Vec<String>>(1), tags_with_jordans(&["Soccer"]));
    system.stop().await;
}

/// The CRM takes a value of this length and no longer one.
async fn is_the_longest(system: &System, contact: &Value, field: &str, value: &str) {
    let longer = json!({ "data": [{ "id": contact["id"], field: format!("{value}x") }] });
    let answer = system.as_sales("PUT", "/crm/v8/Contacts", &longer).await;
    assert_eq!(contact[field], json!(value), "{field}");
    assert_eq!(answer["data"][0]["details"]["maximum_length"], json!(value.len()), "{field}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_for_the_crm_is_shortened_there_told_once_and_stays_as_it_is_here() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let long = |letter: &str, length: usize| letter.repeat(length);
    let email = format!("{}@example.com", long("s", 100));
    let mut body = sheree("");
    (body["first_name"], body["last_name"]) = (json!(long("F", 60)), json!(long("L", 80)));
    for (part, length) in [("street", 120), ("city", 110), ("state", 110), ("postal_code", 40)] {
        body["mailing_address"][part] = json!(long("A", length));
    }
    body["referred_by_code"] = json!(long("X", 60));
    let token = system.token_with(&json!({"sub": "sheree", "email": email, "email_verified": true})).await;

    let answer = tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&body)).await;
    system.drained().await;
    let user = answer.id("/user/id");
    let contact = system.contact_of(user).await;
    system.edit_arrives(&contact["id"], &json!({"Phone": "+13125550199", "Mailing_Street": "12 Elm St"})).await;
    system.asked_for(user).await;
    system.drained().await;

    for (field, value) in [
        ("First_Name", long("F", 40)),
        ("Last_Name", long("L", 80)),
        ("Mailing_City", long("A", 100)),
        ("Mailing_State", long("A", 100)),
        ("Mailing_Zip", long("A", 30)),
    ] {
        is_the_longest(&system, &contact, field, &value).await;
    }
    assert_eq!(json!([contact["Email"], contact["ISO_Referred_By_Code"]]), json!([null, long("X", 60)]));
    let told: Vec<Value> =
        system.conflicts_of(user).await.iter().map(|told| json!([told[0], told[3], told[4]])).collect();
    let once = ["address", "email", "first_name"].map(|field| json!([field, "shortened", 1]));
    assert_eq!(told, once);
    let here = system.parent(user).await;
    assert_eq!(json!([here["first_name"], here["phone_number"]]), json!([long("F", 60), "+13125550199"]));
    let mut home = body["mailing_address"].clone();
    home["street"] = json!("12 Elm St");
    assert_eq!(here["mailing_address"], home);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_flag_is_off_a_sign_up_waits_and_afterwards_it_is_synced() {
    let system = System::start().await;
    let user = registered(&system).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let waiting = system.task(KIND, user).await.expect("the task is there");
    let calls_while_off = system.sent_to_zoho("token").await.len() + system.contacts().await.len();

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;

    assert_eq!((waiting.attempts, waiting.code.as_str(), calls_while_off), (0, "", 0));
    assert_eq!(json!(system.linked_contact(user).await), system.contact_of(user).await["id"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_is_turned_off_stops_a_worker_whose_message_was_sent() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let user = registered(&system).await;
    assert_eq!(system.messages("SyncZohoQueue").await.len(), 1);

    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    system.stack().set_mappings_enabled(true).await;
    system.woken().await;

    assert_eq!(system.task(KIND, user).await.map(|task| task.attempts), Some(0));
    assert_eq!(system.calls("token").await + system.calls("coql").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn photographers_and_the_admins_of_organisations_become_contacts_and_our_own_admins_do_not() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let admin = json!({ "admin": { "sub": "boss", "email": "boss@example.com" } });
    let admin: Uuid = system.invoke("migrate-database", &admin).await["admin"].as_str().unwrap().parse().unwrap();

    let frank = system.register("frank", &frank()).await.id("/user/id");
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    system
        .rows("insert into tasks (kind, key, not_before, dispatch_at) values ($1, $2, now(), now())", &[&KIND, &admin])
        .await;
    system.sweep().await;
    system.drained().await;

    assert_eq!(system.contact_of(frank).await["Last_Name"], "Diaz");
    assert_eq!(system.contact_of(cathy).await["Last_Name"], "Reed");
    assert_eq!(system.contacts().await.len(), 2);
    assert_eq!(system.linked_contact(admin).await, None);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_sales_have_already_becomes_hers_and_keeps_what_they_wrote() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let known = json!({ "Last_Name": "Lane-Miller", "Email": "Sheree@Example.com", "Phone": "+1 312 555 0000" });
    let contact = system.contact_of_sales(&known).await;
    system.tag_of_sales(&contact, "VIP").await;
    system.edit_of_sales(&contact, &json!({ "First_Name": "Sherry" })).await;

    let user = registered(&system).await;
    system.drained().await;

    assert_eq!(system.contacts().await.len(), 1);
    let hers = system.contact_of(user).await;
    let values = ["id", "First_Name", "Last_Name", "Email", "Phone", "Mailing_City"].map(|field| &hers[field]);
    assert_eq!(
        json!(values),
        json!([contact, "Sherry", "Lane-Miller", "Sheree@Example.com", "+1 312 555 0000", "Chicago"])
    );
    assert_eq!(tags(&hers), tags_with_jordans(&["Soccer", "VIP"]));
    let profile = system.parent(user).await;
    assert_eq!(
        json!([profile["first_name"], profile["last_name"], profile["phone_number"]]),
        json!(["Sherry", "Lane-Miller", "+13125550000"]),
        "sales know it better"
    );
    let phone = json!(["phone", "+13125550142", "+1 312 555 0000", "theirs", 1]);
    assert!(system.conflicts_of(user).await.contains(&phone));
    assert_eq!(system.linked_contact(user).await, Some(contact));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_carries_another_users_id_is_never_written() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let other = Uuid::from_u128(7).to_string();
    let contact = json!({ "Last_Name": "Other", "Email": "sheree@example.com", USER_ID: other });
    system.contact_of_sales(&contact).await;

    let user = registered(&system).await;
    let task = system.told(KIND, user).await;

    assert_eq!((task.code.as_str(), task.failed), ("contact-belongs-to-another", true));
    let contacts = system.contacts().await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(["Last_Name", USER_ID].map(|field| &contacts[0][field]), [&json!("Other"), &json!(other)]);
    assert_eq!(contacts[0]["First_Name"], Value::Null);
    assert_eq!(system.calls("upsert").await + system.calls("update").await + system.calls("add-tags").await, 0);
    assert_eq!(system.linked_contact(user).await, None);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_changes_reaches_the_contact_and_makes_no_second_one() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let user = registered(&system).await;
    system.drained().await;
    let contact = system.contact_of(user).await;
    system.edit_of_sales(contact["id"].as_str().unwrap(), &json!({ "Phone": "+1 312 555 9999" })).await;

    system.moved_to("sheree", "lane@example.com", &sheree("")).await;
    system.drained().await;

    assert_eq!(system.contacts().await.len(), 1);
    let now = system.contact_of(user).await;
    assert_eq!(
        ["id", "Email", "Phone"].map(|field| &now[field]),
        [&contact["id"], &json!("lane@example.com"), &json!("+1 312 555 9999")]
    );
    let sent = system.sent_to_zoho("update").await;
    assert_eq!(sent[0]["data"], json!([{ "id": contact["id"], "Email": "lane@example.com" }]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_a_user_who_is_gone_is_completed() {
    let system = System::start().await;
    let user = registered(&system).await;
    system.rows("delete from users where id = $1", &[&user]).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    assert_eq!(system.count("tasks").await, 0);
    assert_eq!(system.calls("token").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_a_user_who_goes_while_zoho_is_called_is_completed_too() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.fault("upsert", "hang-after", &json!({})).await;
    let user = registered(&system).await;
    system.held("upsert").await;

    system.rows("delete from users where id = $1", &[&user]).await;
    system.mend_zoho().await;

    eventually("no task is left", || async { (system.count("tasks").await == 0).then_some(()) }).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_new_people_cost_two_calls_and_one_for_each_tag() {
    let system = System::start().await;
    system.fill_parents(120).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;

    assert_eq!(system.contacts().await.len(), 120);
    assert_eq!(system.count("users where zoho_contact_id is not null").await, 120);
    let calls = system.zoho().await["calls"].clone();
    assert_eq!(json!(["token", "coql", "upsert", "update"].map(|call| &calls[call])), json!([1, 2, 2, 0]));
    assert_eq!(calls["add-tags"], 6, "three sports, for a hundred people and for twenty");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_address_has_a_quote_is_found_however_zoho_escapes_one() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    for escape in ["double", "backslash"] {
        system.zoho_post("settings", &json!({ "coql_escape": escape })).await;
        let email = format!("sheree.o'{escape}@example.com");
        let neighbour = format!("sheree.x'{escape}@example.com");
        for email in [&neighbour, &email] {
            let fields = json!({ "Last_Name": "O'Hara", "Email": email });
            system.zoho_post("create", &json!({ "module": "Contacts", "fields": fields })).await;
        }
        let there = system.contacts().await.len();

        let token = system.token_with(&json!({ "sub": escape, "email": email, "email_verified": true })).await;
        let answer = tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&sheree(""))).await;
        system.drained().await;

        assert_eq!(system.contacts().await.len(), there, "{escape}");
        assert_eq!(system.contact_of(answer.id("/user/id")).await["Email"], json!(email));
    }
    system.stop().await;
}
