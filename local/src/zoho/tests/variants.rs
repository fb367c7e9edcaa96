//! What Zoho leaves open, both ways; and what the customer's own CRM does.

use serde_json::{Value, json};

use super::harness::Zoho;

async fn tags_of(zoho: &Zoho) -> Vec<Value> {
    zoho.state().await["contacts"][0]["Tag"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect()
}

#[tokio::test]
async fn writing_tags_can_add_to_those_that_are_there() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "tag_field": "add" })).await;
    let write = async |names: Vec<String>| {
        let tags: Value = names.into_iter().map(|name| json!({ "name": name })).collect();
        zoho.upsert_contacts(json!([{ "Last_Name": "Lane", "Email": "a@example.com", "Tag": tags }])).await
    };

    write(vec!["Soccer".to_owned()]).await;
    write(vec!["Chess".to_owned()]).await;
    let many = write((0..9).map(|n| format!("Tag {n}")).collect()).await;

    assert_eq!(tags_of(&zoho).await, ["Soccer", "Chess"]);
    assert_eq!((many.status, many.codes()), (400, vec!["INVALID_DATA"]));
}

#[tokio::test]
async fn tags_that_nobody_made_can_be_refused() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("a@example.com").await;
    let call = async |action: &str, name: &str| {
        let body = json!({ "tags": [{ "name": name }], "ids": [id] });
        zoho.post(&format!("/crm/v8/Contacts/actions/{action}"), body).await
    };
    call("add_tags", "Soccer").await;
    zoho.settings(json!({ "add_tags_creates": false })).await;

    let unknown = call("add_tags", "Chess").await;

    assert_eq!((unknown.status, &unknown.body["details"]["json_path"]), (400, &json!("$.tags[0].name")));
    assert_eq!((call("add_tags", "soccer").await.status, call("remove_tags", "Chess").await.status), (200, 200));
}

#[tokio::test]
async fn over_write_leaves_these_tags_alone_and_tags_may_leave_the_time_as_it_is() {
    let zoho = Zoho::new().await;
    let id = zoho.contact("a@example.com").await;
    let add = async |name: &str, over_write: bool| {
        zoho.post("/_control/clock", json!({ "advance_seconds": 10 })).await;
        let body = json!({ "tags": [{ "name": name }], "ids": [id], "over_write": over_write });
        zoho.post("/crm/v8/Contacts/actions/add_tags", body).await;
        zoho.state().await["contacts"][0]["Modified_Time"].clone()
    };

    let (first, second) = (add("Soccer", false).await, add("Chess", true).await);
    zoho.settings(json!({ "tags_touch_modified_time": false })).await;
    let third = add("Golf", false).await;

    assert_ne!(first, second);
    assert_eq!((second, tags_of(&zoho).await), (third, vec![json!("Chess"), json!("Golf")]));
}

#[tokio::test]
async fn two_accounts_of_one_name_are_told_apart_by_our_id_unless_names_are_unique() {
    let zoho = Zoho::new().await;
    let upsert = async |key: &str, name: &str| {
        let record = json!({ "Account_Name": name, "ISO_Organization_ID": key });
        let body = json!({ "data": [record], "duplicate_check_fields": ["ISO_Organization_ID"] });
        zoho.post("/crm/v8/Accounts/upsert", body).await
    };

    let (first, second) = (upsert("org-1", "Lincoln High").await, upsert("org-2", "Lincoln High").await);
    let again = upsert("org-2", "Lincoln High").await;
    let by_name = zoho.post("/crm/v8/Accounts/upsert", json!({ "data": [{ "Account_Name": "Lincoln High" }] })).await;
    zoho.settings(json!({ "unique_account_name": true })).await;
    let refused = zoho.post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "Lincoln High" }] })).await;

    assert_ne!(first.id(0), second.id(0));
    assert_eq!((again.id(0), &again.body["data"][0]["action"]), (second.id(0), &json!("update")));
    assert_eq!((by_name.id(0), &by_name.body["data"][0]["duplicate_field"]), (first.id(0), &json!("Account_Name")));
    assert_eq!((refused.status, refused.codes()), (400, vec!["DUPLICATE_DATA"]));
}

#[tokio::test]
async fn an_account_is_looked_up_by_its_id_and_let_go_by_null() {
    let zoho = Zoho::new().await;
    let account = zoho.post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "Lincoln" }] })).await.id(0);
    let contact = zoho.contact("cathy@example.com").await;
    let path = format!("/crm/v8/Contacts/{contact}");
    let found = async || {
        let query = format!("select id from Contacts where Account_Name = '{account}'");
        (zoho.coql(&query).await.status, zoho.coql(&query.replace("Account_Name", "Account_Name.id")).await.status)
    };

    zoho.put(&path, json!({ "data": [{ "Account_Name": { "id": account } }] })).await;
    assert_eq!(found().await, (200, 200));
    let by_name = zoho.put(&path, json!({ "data": [{ "Account_Name": "Lincoln" }] })).await;
    zoho.put(&path, json!({ "data": [{ "Account_Name": null }] })).await;

    assert_eq!((by_name.status, found().await), (400, (204, 204)));
}

#[tokio::test]
async fn a_workflow_sets_its_field_back_after_every_write() {
    let zoho = Zoho::new().await;
    let rules = json!([
        { "module": "Contacts", "field": "Phone", "always": "555" },
        { "module": "Contacts", "field": "Title", "always": null },
    ]);
    zoho.settings(json!({ "field_rules": rules })).await;
    let id = zoho.contact("a@example.com").await;

    zoho.put(&format!("/crm/v8/Contacts/{id}"), json!({ "data": [{ "Phone": "1", "Title": "Ms" }] })).await;
    let edit = json!({ "module": "Contacts", "id": id, "fields": { "Phone": "2" } });
    let edited = zoho.post("/_control/edit", edit).await;

    assert_eq!((&edited.body["Phone"], &edited.body["Title"]), (&json!("555"), &json!(null)));
    let wrong = json!({ "field_rules": [{ "module": "Leads", "field": "Phone", "always": "1" }] });
    assert_eq!(zoho.post("/_control/settings", wrong).await.status, 400);
}

#[tokio::test]
async fn addresses_are_kept_as_they_are_written_or_in_lower_case() {
    let zoho = Zoho::new().await;

    zoho.contact("Sheree@Example.com").await;
    zoho.settings(json!({ "email_case": "lower" })).await;
    zoho.contact("Frank@Example.com").await;

    let contacts = zoho.state().await["contacts"].clone();
    assert_eq!(
        (&contacts[0]["Email"], &contacts[1]["Email"]),
        (&json!("Sheree@Example.com"), &json!("frank@example.com"))
    );
}

#[tokio::test]
async fn coql_asks_for_as_many_rows_and_values_as_the_settings_allow() {
    let zoho = Zoho::new().await;
    zoho.settings(json!({ "coql_row_limit": 2000, "coql_in_limit": 100 })).await;
    for _ in 0..3 {
        zoho.upsert_contacts(json!(vec![json!({ "Last_Name": "Lane" }); 100])).await;
    }
    let values = |n: usize| vec!["'x'"; n].join(",");

    let rows = zoho.coql("select id from Contacts where id is not null limit 2000").await;
    let default = zoho.coql("select id from Contacts where id is not null").await;
    let beyond = zoho.coql("select id from Contacts where id is not null limit 2001").await;

    assert_eq!((rows.items().count(), default.items().count(), beyond.status), (300, 200, 400));
    let of = async |n| zoho.coql(&format!("select id from Contacts where Email in ({})", values(n))).await.status;
    assert_eq!((of(100).await, of(101).await), (204, 400));
}

#[tokio::test]
async fn the_index_of_search_follows_the_clock() {
    let zoho = Zoho::new().await;
    zoho.grant_search_and_every_module().await;
    zoho.contact("a@example.com").await;
    let search = async || zoho.get("/crm/v8/Contacts/search?email=a@example.com").await.status;

    let fresh = search().await;
    zoho.post("/_control/clock", json!({ "advance_seconds": 6 })).await;

    assert_eq!((fresh, search().await), (204, 200));
}
