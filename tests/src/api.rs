//! Requests to the HTTP API, as a browser or a plugin sends them.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::openapi::Exchange;
use crate::system::System;

/// An answer: its status and its JSON (`Null` if it has none).
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The code of a problem: the last segment of its type.
    pub fn code(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }

    /// The body for a snapshot: ids and moments, which differ every time, say only what they are.
    pub fn redacted(&self) -> Value {
        redacted(&self.body)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The id at a JSON pointer.
    pub fn id(&self, pointer: &str) -> uuid::Uuid {
        let id = self.body.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
        id.unwrap_or_else(|| panic!("no id at {pointer} in {}", self.body))
    }
}

impl System {
    /// A token for an identity with a verified address, `sub` at example.com.
    pub async fn token(&self, sub: &str) -> String {
        self.token_with(&json!({ "sub": sub, "email": format!("{sub}@example.com"), "email_verified": true })).await
    }

    /// A token with these claims.
    pub async fn token_with(&self, claims: &Value) -> String {
        let url = format!("{}/token", self.endpoints().issuer);
        let answer: Value =
            self.http.post(url).json(claims).send().await.expect("the issuer answers").json().await.expect("as JSON");
        answer["id_token"].as_str().unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
    }

    /// A JSON request of somebody who is signed in as `sub`.
    pub async fn call(&self, method: &str, path: &str, sub: &str, body: &Value) -> Answer {
        let token = self.token(sub).await;
        let request = self.request(method, path).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(body) };
        sent(request).await
    }

    pub async fn post(&self, path: &str, sub: &str, body: &Value) -> Answer {
        self.call("POST", path, sub, body).await
    }

    pub async fn get(&self, path: &str, sub: &str) -> Answer {
        self.call("GET", path, sub, &Value::Null).await
    }

    /// Registers somebody of the story, who must not be registered yet.
    pub async fn register(&self, sub: &str, body: &Value) -> Answer {
        let answer = self.post("/api/users", sub, body).await;
        assert_eq!(answer.status, 201, "{sub} cannot register: {}", answer.body);
        answer
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.endpoints().api))
    }
}

/// Sends a request and reads its answer, which has to be one that `docs/openapi.yaml` describes.
pub async fn sent(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("the request can be built");
    let (method, url) = (request.method().clone(), request.url().clone());
    let asked = request.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec();
    let response = client.execute(request).await.expect("the API answers");
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.expect("the answer can be read");
    let (method, path) = (method.as_str(), url.path());
    let exchange = Exchange { method, path, asked: &asked, status, headers: &headers, answered: &text };
    exchange.check().unwrap_or_else(|problem| panic!("{problem}"));
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => json!("[id]"),
        Value::String(text) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => json!("[moment]"),
        Value::Array(values) => values.iter().map(redacted).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), redacted(value))).collect(),
        other => other.clone(),
    }
}
