//! One request to Zoho, read whole.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, Method},
};
use serde_json::{Map, Value, json};

use super::{
    operation::{self, Operation},
    reply::Reply,
};

/// Far above anything a client of ours sends; a transmission to some thousand recipients is the largest.
const MAXIMUM_BODY: usize = 32 * 1024 * 1024;

/// A request, its body included.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    /// The module as the path names it; not necessarily one that exists.
    pub(super) module: Option<String>,
    /// The record's or transmission's id, where the path has one.
    pub(super) id: Option<String>,
    pub(super) method: Method,
    pub(super) path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: axum::body::Bytes,
    /// The body as JSON, if it is JSON.
    json: Option<Value>,
}

impl Call {
    /// Reads a request to its end; an error is a body that is too large or a client that left.
    pub(super) async fn read(request: Request) -> Result<Self, axum::Error> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAXIMUM_BODY).await?;
        let path = parts.uri.path().to_owned();
        let (operation, module, id) = operation::route(&parts.method, &path);
        let query =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Ok(Self {
            operation,
            module,
            id,
            method: parts.method,
            path,
            query,
            headers: parts.headers,
            json: serde_json::from_slice(&body).ok(),
            body,
        })
    }

    /// The first value of a query parameter; an empty one counts as absent, as at Zoho.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A query parameter that lists values between commas.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let list: Vec<_> = self.parameter(name)?.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        Some(list)
    }

    /// The parameters of an OAuth call, which Zoho takes from the query and from a form alike.
    pub(super) fn form(&self, name: &str) -> Option<String> {
        self.parameter(name).map(str::to_owned).or_else(|| {
            url::form_urlencoded::parse(&self.body)
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        })
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query as it came, in its order; nothing is taken for absent.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The body as it came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON, if it is JSON.
    pub(super) fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// The body as a JSON object, or the CRM's refusal.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, Reply> {
        let refusal = || Reply::invalid_data(json!({ "expected_data_type": "jsonobject" }));
        self.json().and_then(Value::as_object).ok_or_else(refusal)
    }

    /// The body for the request log. OAuth bodies are nothing but secrets, so only their keys are shown.
    pub(super) fn body_without_secrets(&self) -> Value {
        if self.operation == Operation::Token {
            let keys = url::form_urlencoded::parse(&self.body).map(|(key, _)| Value::from(key.into_owned()));
            return Value::Array(keys.collect());
        }
        if self.operation == Operation::WebhookSettings {
            return Value::Null;
        }
        if self.operation.is_watch() {
            return self.json().map(without_tokens).unwrap_or_default();
        }
        self.json().cloned().unwrap_or_else(|| Value::from(String::from_utf8_lossy(&self.body).into_owned()))
    }

    /// Path and query for the request log, the query of an OAuth call left out.
    pub(super) fn path_without_secrets(&self) -> String {
        if self.query.is_empty() || self.operation == Operation::Token {
            return self.path.clone();
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }
}

/// Channels without what proves that a notification is Zoho's.
fn without_tokens(body: &Value) -> Value {
    let mut body = body.clone();
    for channel in body.get_mut("watch").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(token) = channel.get_mut("token") {
            *token = "…".into();
        }
    }
    body
}
