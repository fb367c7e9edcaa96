//! What the simulator answers, and the error bodies that many operations share.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const JSON: &str = "application/json;charset=UTF-8";

/// The statuses of errors that are a whole request's.
const OF_REQUESTS: [u16; 5] = [401, 403, 404, 429, 500];

/// An answer before it becomes HTTP. An `Err(Reply)` inside the simulator is a refusal, which is an answer too.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    body: Content,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
enum Content {
    Empty,
    Json(Value),
    Html(&'static str),
    /// JSON that breaks off in the middle.
    Torn(String),
}

impl Reply {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, body: Content::Json(body), headers: Vec::new() }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: Content::Empty, headers: Vec::new() }
    }

    /// How the CRM says "no rows".
    pub(super) fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// What a load balancer in front of Zoho shows when nothing behind it answers.
    pub(super) fn html(status: StatusCode) -> Self {
        let page =
            "<!DOCTYPE html><html><head><title>Zoho</title></head><body><h1>Internal Server Error</h1></body></html>";
        Self { status, body: Content::Html(page), headers: Vec::new() }
    }

    /// This answer, but half of its JSON is missing.
    pub(super) fn torn(mut self) -> Self {
        if let Content::Json(value) = &self.body {
            let text = value.to_string();
            self.body = Content::Torn(text.chars().take(text.chars().count() / 2).collect());
        }
        self
    }

    /// This answer, but an error that stands alone stands in `data[]`, as some of Zoho's examples show it.
    pub(super) fn wrapped(mut self) -> Self {
        if let Content::Json(value) = &mut self.body
            && OF_REQUESTS.contains(&self.status.as_u16())
            && value["code"].is_string()
        {
            *value = json!({ "data": [value.take()] });
        }
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: u64) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A request-level error of the CRM: a bare object, no `data[]`.
    pub(super) fn crm(status: StatusCode, code: &str, message: &str, details: Value) -> Self {
        Self::json(status, item_error(code, message, details))
    }

    pub(super) fn bad_request(code: &str, message: &str, details: Value) -> Self {
        Self::crm(StatusCode::BAD_REQUEST, code, message, details)
    }

    /// `INVALID_DATA` for a whole request.
    pub(super) fn invalid_data(details: Value) -> Self {
        Self::bad_request("INVALID_DATA", "invalid data", details)
    }

    pub(super) fn missing_parameter(name: &str) -> Self {
        Self::bad_request(
            "REQUIRED_PARAM_MISSING",
            "One of the expected parameter is missing",
            json!({ "param": name, "param_name": name }),
        )
    }

    pub(super) fn missing_key(name: &str) -> Self {
        Self::bad_request(
            "MANDATORY_NOT_FOUND",
            "required field not found",
            json!({ "api_name": name, "json_path": format!("$.{name}") }),
        )
    }

    pub(super) fn invalid_module() -> Self {
        Self::bad_request(
            "INVALID_MODULE",
            "the module name given seems to be invalid",
            json!({ "resource_path_index": 0 }),
        )
    }

    pub(super) fn invalid_url() -> Self {
        Self::crm(
            StatusCode::NOT_FOUND,
            "INVALID_URL_PATTERN",
            "Please check if the URL trying to access is a correct one",
            json!({}),
        )
    }

    pub(super) fn invalid_token() -> Self {
        Self::crm(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "invalid oauth token", json!({}))
    }

    pub(super) fn authentication_failure() -> Self {
        Self::crm(StatusCode::UNAUTHORIZED, "AUTHENTICATION_FAILURE", "Authentication failed", json!({}))
    }

    pub(super) fn scope_mismatch() -> Self {
        Self::crm(StatusCode::UNAUTHORIZED, "OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}))
    }

    /// The integration's user may not do this in the CRM.
    pub(super) fn no_permission(module: Option<&str>) -> Self {
        let permissions: Vec<String> = module.iter().map(|module| format!("Crm_Implied_Edit_{module}")).collect();
        let details = json!({ "permissions": permissions });
        Self::crm(StatusCode::FORBIDDEN, "NO_PERMISSION", "Permission denied", details)
    }

    pub(super) fn too_many_requests() -> Self {
        Self::crm(
            StatusCode::TOO_MANY_REQUESTS,
            "TOO_MANY_REQUESTS",
            "too many requests. please try again after some time",
            json!({}),
        )
    }

    /// The CRM's answer to a write, record by record: `all_done` when every record succeeded, `all_failed` when none did,
    /// 207 in between.
    pub(super) fn per_record(results: Vec<Result<Value, Value>>, all_done: StatusCode, all_failed: StatusCode) -> Self {
        Self::per_item("data", results, all_done, all_failed)
    }

    /// The same under another name than `data`.
    pub(super) fn per_item(
        key: &str,
        results: Vec<Result<Value, Value>>,
        all_done: StatusCode,
        all_failed: StatusCode,
    ) -> Self {
        let failures = results.iter().filter(|result| result.is_err()).count();
        let status = match failures {
            0 => all_done,
            n if n == results.len() => all_failed,
            _ => StatusCode::MULTI_STATUS,
        };
        let items: Vec<Value> = results.into_iter().map(|result| result.unwrap_or_else(|error| error)).collect();
        Self::json(status, json!({ key: items }))
    }
}

/// One error of the CRM, as it stands in `data[]` or alone.
pub(super) fn item_error(code: &str, message: &str, details: Value) -> Value {
    item("error", code, message, details)
}

/// One success of the CRM, as it stands in `data[]`.
pub(super) fn item_success(message: &str, details: Value) -> Value {
    item("success", "SUCCESS", message, details)
}

fn item(status: &str, code: &str, message: &str, details: Value) -> Value {
    let texts = [("status", status), ("code", code), ("message", message)];
    let texts = texts.map(|(key, text)| (key.to_owned(), Value::from(text)));
    texts.into_iter().chain([("details".to_owned(), details)]).collect()
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let (kind, body) = match self.body {
            Content::Empty => (None, Body::empty()),
            Content::Json(value) => (Some(JSON), Body::from(value.to_string())),
            Content::Torn(text) => (Some(JSON), Body::from(text)),
            Content::Html(page) => (Some("text/html;charset=UTF-8"), Body::from(page)),
        };
        let mut response = (self.status, body).into_response();
        if let Some(kind) = kind {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        response.headers_mut().extend(self.headers);
        response
    }
}
