//! A simulator of its own for each test, and a client that speaks to it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::zoho::{Options, Simulator, start};

/// Long enough for a busy machine; no test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Zoho {
    simulator: Simulator,
    client: reqwest::Client,
    token: String,
}

/// A status and a body; an empty body is null.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Self { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// The code of each item of `data[]`.
    pub(super) fn codes(&self) -> Vec<&str> {
        self.items().map(|item| item["code"].as_str().unwrap()).collect()
    }

    pub(super) fn id(&self, index: usize) -> String {
        self.body["data"][index]["details"]["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Value> {
        self.body["data"].as_array().unwrap().iter()
    }
}

impl Zoho {
    /// A fresh simulator and a client with a token.
    pub(super) async fn new() -> Self {
        let simulator = start(Options::default()).await.unwrap();
        let client = crate::http::client().timeout(PATIENCE).build().unwrap();
        let mut zoho = Self { simulator, client, token: String::new() };
        let granted = zoho.grant().await;
        granted.body["access_token"].as_str().unwrap().clone_into(&mut zoho.token);
        zoho
    }

    /// The same, after what ended its token.
    pub(super) async fn with_new_token(mut self) -> Self {
        let granted = self.grant().await;
        granted.body["access_token"].as_str().unwrap().clone_into(&mut self.token);
        self
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    /// A request as a client of Zoho sends it.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_with(&self.token, method, path)
    }

    pub(super) fn request_with(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).header("authorization", format!("Zoho-oauthtoken {token}"))
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body).send().await.unwrap()).await
    }

    pub(super) async fn coql(&self, query: &str) -> Answer {
        self.post("/crm/v8/coql", json!({ "select_query": query })).await
    }

    pub(super) async fn grant(&self) -> Answer {
        let options = Options::default();
        self.grant_with(&options.client_id, &options.client_secret, &options.refresh_token).await
    }

    pub(super) async fn grant_with(&self, client_id: &str, client_secret: &str, refresh_token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("refresh_token", refresh_token),
        ];
        Answer::of(self.client.post(self.url("/oauth/v2/token")).form(&form).send().await.unwrap()).await
    }

    pub(super) async fn upsert_contacts(&self, data: Value) -> Answer {
        self.post("/crm/v8/Contacts/upsert", json!({ "data": data, "trigger": [] })).await
    }

    /// A contact with this e-mail, and its id.
    pub(super) async fn contact(&self, email: &str) -> String {
        self.upsert_contacts(json!([{ "Last_Name": "Lane", "Email": email }])).await.id(0)
    }

    pub(super) async fn state(&self) -> Value {
        self.get("/_control/state").await.body
    }

    pub(super) async fn settings(&self, changes: Value) {
        let answer = self.post("/_control/settings", changes).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Search and other modules are nothing that our product may use. Takes its other scopes away.
    pub(super) async fn grant_search_and_every_module(&self) {
        let scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.coql.READ", "ZohoSearch.securesearch.READ"];
        self.settings(json!({ "scopes": scopes })).await;
    }

    pub(super) async fn fault(&self, order: Value) {
        let answer = self.post("/_control/faults", order).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Returns once a request for this operation is being held.
    pub(super) async fn until_held(&self, operation: &str) {
        let is_held = |request: &Value| request["operation"] == operation && request["held"] == true;
        let looking = async {
            while !self.get("/_control/requests").await.body["requests"].as_array().unwrap().iter().any(is_held) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("the request is held");
    }
}
