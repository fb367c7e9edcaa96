//! One call to Zoho: sent with the shared token, answered or classified.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::error::{ErrorBody, ZohoError};
use super::settings::ZohoSettings;
use super::token;
use crate::db::Connection;
use crate::error::Error;

/// How long one exchange may take in all.
pub(super) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one call to the CRM may take, a new token and a second attempt included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// The longest that Zoho's Retry-After is believed.
const LONGEST_RETRY_AFTER: u64 = 3600;

/// A client of Zoho. It keeps no token of its own: all workers share the one in the database.
#[derive(Clone, Debug)]
pub struct Zoho {
    pub(super) http: reqwest::Client,
    pub(super) settings: ZohoSettings,
}

/// What a call gave: its status and its JSON, which is `Null` where there is none.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Zoho {
    pub fn new(settings: ZohoSettings) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(EXCHANGE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("isoxp/1")
            .build()
            .map_err(|error| Error::internal("the HTTP client cannot be built", error))?;
        Ok(Self { http, settings })
    }

    /// A call to the CRM. Every one that we make can be made twice without harm.
    pub(super) async fn crm(
        &self,
        connection: &Connection,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Answer, ZohoError> {
        let call = self.crm_twice(connection, method, path, body);
        tokio::time::timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(ZohoError::NoAnswer("timeout")))
    }

    /// Sent a second time with a new token if Zoho does not take the first one.
    async fn crm_twice(
        &self,
        connection: &Connection,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Answer, ZohoError> {
        let url = |token: &token::Token| format!("{}/crm/v8{path}", self.settings.crm(token.api_domain.as_deref()));
        let token = token::current(self, connection).await?;
        match send(token.authorize(self.http.request(method.clone(), url(&token)).json(body))).await {
            Err(ZohoError::InvalidToken) => {
                let token = token::replaced(self, connection, &token).await?;
                let again = send(token.authorize(self.http.request(method, url(&token)).json(body))).await;
                again.map_err(ZohoError::not_the_token)
            }
            outcome => outcome,
        }
    }
}

/// Sends a request and tells answers from failures. An answer with a `data` list is an answer whatever its
/// status: its records speak for themselves.
async fn send(request: RequestBuilder) -> Result<Answer, ZohoError> {
    let (status, retry_after, text) = exchange(request).await?;
    let body: Value = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or(Value::Null),
    };
    if body["data"].is_array() && !is_wrapped_error(&body["data"]) || status == StatusCode::NO_CONTENT {
        return Ok(Answer { status, body });
    }
    if status.is_success() && !body.is_null() {
        return Ok(Answer { status, body });
    }
    Err(classified(status, retry_after, &body))
}

/// Status, Retry-After and body of an exchange, or how it failed.
pub(super) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Option<Duration>, String), ZohoError> {
    let response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let text = response.text().await.map_err(|error| failed(&error))?;
    let retry_after = retry_after.map(|seconds: u64| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)));
    Ok((status, retry_after, text))
}

/// Whether a request can have reached Zoho is what matters to whoever must not do a thing twice.
fn failed(error: &reqwest::Error) -> ZohoError {
    if error.is_connect() {
        ZohoError::Unreachable("no connection")
    } else if error.is_builder() {
        ZohoError::Unreachable("the address is not one")
    } else if error.is_timeout() {
        ZohoError::NoAnswer("timeout")
    } else {
        ZohoError::NoAnswer("the connection broke")
    }
}

/// Some documents wrap a request's own error in `data[]`: one element, without an index into the request.
fn is_wrapped_error(data: &Value) -> bool {
    const OF_REQUEST: [&str; 6] = [
        "INVALID_TOKEN",
        "AUTHENTICATION_FAILURE",
        "OAUTH_SCOPE_MISMATCH",
        "NO_PERMISSION",
        "TOO_MANY_REQUESTS",
        "INVALID_URL_PATTERN",
    ];
    data[0]["code"].as_str().is_some_and(|code| OF_REQUEST.contains(&code))
}

fn classified(status: StatusCode, retry_after: Option<Duration>, body: &Value) -> ZohoError {
    let bare = if body["data"].is_array() { &body["data"][0] } else { body };
    let ErrorBody { code, message, .. } = ErrorBody::deserialize(bare).unwrap_or_default();
    match (status.as_u16(), code.as_str()) {
        (429, _) | (_, "TOO_MANY_REQUESTS") => {
            ZohoError::Throttled { code: "TOO_MANY_REQUESTS".to_owned(), retry_after }
        }
        (_, "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" | "INVALID_OAUTHTOKEN") => ZohoError::InvalidToken,
        (401 | 403, _) => {
            let code = if code.is_empty() { format!("http-{status}") } else { code };
            let message = format!(
                "Zoho refuses our access. Check the client's scopes and its user's permissions. Zoho says: {message}"
            );
            ZohoError::Refused { code, message }
        }
        (400..=499, _) if !code.is_empty() => ZohoError::BadRequest {
            message: format!("Zoho refuses the request as a whole. Zoho says: {message}"),
            code,
        },
        // 5xx, and whatever is not JSON: a page of a proxy, an HTML login form.
        (status, _) => ZohoError::Broken { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(status: u16, body: &Value) -> ZohoError {
        classified(StatusCode::from_u16(status).unwrap(), None, body)
    }

    #[test]
    fn a_refused_token_is_told_from_a_missing_scope() {
        assert!(matches!(kind(401, &json!({"code": "INVALID_TOKEN", "details": {}})), ZohoError::InvalidToken));
        assert!(matches!(kind(401, &json!({"code": "OAUTH_SCOPE_MISMATCH"})), ZohoError::Refused { .. }));
    }

    #[test]
    fn an_error_counts_bare_and_wrapped() {
        let wrapped = json!({"data": [{"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"}]});

        assert!(is_wrapped_error(&wrapped["data"]));
        assert!(matches!(kind(401, &wrapped), ZohoError::InvalidToken));
    }

    #[test]
    fn a_page_of_html_is_their_fault_and_not_the_requests() {
        assert!(matches!(kind(500, &Value::Null), ZohoError::Broken { status: 500 }));
        assert!(matches!(kind(200, &Value::Null), ZohoError::Broken { status: 200 }));
    }
}
