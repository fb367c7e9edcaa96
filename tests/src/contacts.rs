//! Contacts of the CRM: as sales make them, and who they are for us.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::system::System;

/// The field of a Contact that holds our user's id.
pub const USER_ID: &str = "ISO_User_ID";

impl System {
    /// A Contact that sales had before the user came to us.
    pub async fn contact_of_sales(&self, fields: &Value) -> String {
        let made = self.as_sales("POST", "/crm/v8/Contacts", &json!({ "data": [fields] })).await;
        made["data"][0]["details"]["id"].as_str().unwrap_or_else(|| panic!("not made: {made}")).to_owned()
    }

    /// Contacts that sales make in one call, a hundred at most.
    pub async fn contacts_of_sales(&self, contacts: &[Value]) {
        let made = self.as_sales("POST", "/crm/v8/Contacts", &json!({ "data": contacts })).await;
        assert_eq!(made["data"].as_array().map(Vec::len), Some(contacts.len()), "not made: {made}");
    }

    /// So many Contacts that sales have imported at once, in calls of a hundred; their ids.
    pub async fn import_of_sales(&self, number: usize) -> Vec<String> {
        let fields =
            |n| json!({ "Last_Name": format!("Moss {n}"), "Email": format!("moss{}@example.com", Uuid::from_u128(n)) });
        let all: Vec<Value> = (0..number as u128).map(fields).collect();
        let token = self.token_of_sales().await;
        let mut ids = Vec::with_capacity(number);
        for hundred in all.chunks(100) {
            let made = self.as_sales_with(&token, "POST", "/crm/v8/Contacts", &json!({ "data": hundred })).await;
            let rows = made["data"].as_array().unwrap_or_else(|| panic!("not made: {made}"));
            ids.extend(rows.iter().map(|row| row["details"]["id"].as_str().expect("an id").to_owned()));
        }
        ids
    }

    /// Sales put a tag on a Contact.
    pub async fn tag_of_sales(&self, contact: &str, tag: &str) {
        let path = format!("/crm/v8/Contacts/{contact}/actions/add_tags");
        self.as_sales("POST", &path, &json!({ "tags": [{ "name": tag }] })).await;
    }

    /// Sales change a Contact.
    pub async fn edit_of_sales(&self, contact: &str, fields: &Value) {
        self.zoho_post("edit", &json!({ "module": "Contacts", "id": contact, "fields": fields })).await;
    }

    /// The only Contact of a user.
    pub async fn contact_of(&self, user: Uuid) -> Value {
        let mut hers = self.contacts().await;
        hers.retain(|contact| contact[USER_ID] == json!(user));
        assert_eq!(hers.len(), 1, "one Contact for {user}");
        hers.remove(0)
    }

    /// The id that came back from the CRM to a user.
    pub async fn linked_contact(&self, user: Uuid) -> Option<String> {
        self.value("select zoho_contact_id from users where id = $1", &[&user]).await
    }

    /// What was sent to Zoho by calls of an operation, in their order.
    pub async fn sent_to_zoho(&self, operation: &str) -> Vec<Value> {
        let requests = self.zoho_get("requests").await["requests"].as_array().cloned().unwrap_or_default();
        requests
            .iter()
            .filter(|request| request["operation"] == operation)
            .map(|request| request["body"].clone())
            .collect()
    }

    /// A call with an access token of their own.
    pub async fn as_sales(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = self.token_of_sales().await;
        self.as_sales_with(&token, method, path, body).await
    }

    async fn as_sales_with(&self, token: &str, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.endpoints().zoho);
        let request = self.http.request(method.parse().expect("a method"), url);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.header("authorization", format!("Zoho-oauthtoken {token}")).send().await;
        answer.expect("the simulator answers").json().await.expect("as JSON")
    }

    async fn token_of_sales(&self) -> String {
        let secret = self.secret("zoho").await;
        let text = |name: &str| secret[name].as_str().expect("the secret has it").to_owned();
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", text("client_id")),
            ("client_secret", text("client_secret")),
            ("refresh_token", text("refresh_token")),
        ];
        let url = format!("{}/oauth/v2/token", self.endpoints().zoho);
        let answer: Value =
            self.http.post(url).form(&form).send().await.expect("the simulator answers").json().await.expect("as JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }
}

/// The names of a Contact's tags, sorted.
pub fn tags(contact: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        contact["Tag"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    names.sort_unstable();
    names
}

/// The tags of Jordan's parent: these, and that of Jordan's last year at school while it lasts.
pub fn tags_with_jordans(others: &[&str]) -> Vec<String> {
    let today = crate::webhook::now().format("%Y-%m-%d").to_string();
    let senior = ("2026-09-01".."2027-09-01").contains(&today.as_str()).then_some("Senior 2027");
    let mut tags: Vec<String> = others.iter().copied().chain(senior).map(str::to_owned).collect();
    tags.sort();
    tags
}
