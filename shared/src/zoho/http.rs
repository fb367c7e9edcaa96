//! One call to Zoho: sent with the shared token, counted, answered or classified.

use std::ops::RangeInclusive;
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ErrorBody, STALE, ZohoError};
use super::refusal;
use super::request::Request;
use super::settings::ZohoSettings;
use super::token::{self, Token};
use crate::bounds;
use crate::config::ConfigError;
use crate::db::{Connection, zoho_budget};
use crate::tls;

/// The largest answer that is read. A page of 200 records is some hundred KiB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Zoho's Retry-After is believed from one second, as those who wait would ask without a break, to an hour.
const RETRY_AFTER: RangeInclusive<u64> = 1..=3600;

/// A client of Zoho. It keeps no token of its own: all workers share the one in the database.
#[derive(Clone, Debug)]
pub struct Zoho {
    pub(super) http: reqwest::Client,
    pub(super) settings: ZohoSettings,
    credentials: [u8; 32],
    fingerprint: [u8; 32],
}

/// What a call gave: its status and its JSON, which is `Null` where there is none.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

/// An answer as it came.
pub(super) struct Exchanged {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    /// `X-API-CREDITS-REMAINING`: of the day's credits, told once half of them are gone.
    pub credits_remaining: Option<i64>,
    pub text: String,
}

/// Without what was said, which is about people.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({})", self.status)
    }
}

impl TryFrom<ZohoSettings> for Zoho {
    type Error = ConfigError;

    fn try_from(settings: ZohoSettings) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError::WrongSecret { name: "ZOHO_SECRET".to_owned(), problem };
        settings.fields.checked().map_err(wrong)?;
        let http = tls::http_client()
            .connect_timeout(bounds::ZOHO_CONNECT)
            .timeout(bounds::ZOHO_EXCHANGE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("isoxp/1")
            .build()
            .map_err(|_| wrong("cannot be used: no HTTP client can be built".to_owned()))?;
        Ok(Self { http, credentials: settings.credentials(), fingerprint: settings.fingerprint(), settings })
    }
}

impl Zoho {
    /// The SHA-256 of what we show Zoho to be let in.
    pub(super) fn credentials(&self) -> [u8; 32] {
        self.credentials
    }

    /// The SHA-256 of all that Zoho may refuse us for: the credentials, and what the CRM's fields are called.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// A call to the CRM. Every one that we make can be made twice without harm.
    pub(super) async fn crm(&self, connection: &Connection, request: &Request) -> Result<Answer, ZohoError> {
        let call = self.crm_twice(connection, request);
        tokio::time::timeout(bounds::ZOHO_CALL, call).await.unwrap_or(Err(ZohoError::NoAnswer("timeout")))
    }

    /// Sent a second time with a new token if Zoho does not take the first one.
    async fn crm_twice(&self, connection: &Connection, request: &Request) -> Result<Answer, ZohoError> {
        let token = token::current(self, connection).await?;
        match self.send(connection, &token, request).await {
            Err(ZohoError::InvalidToken) => {
                let token = token::replaced(self, connection, &token).await?;
                self.send(connection, &token, request).await.map_err(ZohoError::not_the_token)
            }
            outcome => outcome,
        }
    }

    /// Sends a request, notes what it cost, and tells answers from failures.
    async fn send(&self, connection: &Connection, token: &Token, request: &Request) -> Result<Answer, ZohoError> {
        let base = self.settings.crm(token.api_domain.as_deref());
        let exchanged = exchange(token.authorize(request.built(&self.http, &base))).await;
        let remaining = exchanged.as_ref().ok().and_then(|exchanged| exchanged.credits_remaining);
        let outcome = exchanged.and_then(answer);
        let credits = match &outcome {
            Err(ZohoError::Unreachable(_)) => return outcome,
            // It was not let in, and so costs nothing.
            Err(ZohoError::Throttled { .. } | ZohoError::InvalidToken) => 0,
            _ => request.credits(),
        };
        if let Err(error) = zoho_budget::note(connection, credits, remaining).await {
            // The call is made and its outcome matters more than its price.
            tracing::warn!(error = error.chain(), "what a call has cost is not noted");
        }
        outcome
    }
}

/// Status, headers and body of an exchange, or how it failed.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Exchanged, ZohoError> {
    let response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status();
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let retry_after = header("retry-after").and_then(believed);
    let credits_remaining = header("x-api-credits-remaining").and_then(|value| value.trim().parse().ok());
    let text = text(response).await?;
    Ok(Exchanged { status, retry_after, credits_remaining, text })
}

/// The body, as far as it is of a size that Zoho's answers have.
async fn text(mut response: Response) -> Result<String, ZohoError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(ZohoError::NoAnswer("an answer of over 16 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn believed(retry_after: &str) -> Option<Duration> {
    let seconds = retry_after.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.clamp(*RETRY_AFTER.start(), *RETRY_AFTER.end())))
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

/// An answer with a list of results is an answer whatever its status: its records speak for themselves.
fn answer(exchanged: Exchanged) -> Result<Answer, ZohoError> {
    let Exchanged { status, retry_after, text, .. } = exchanged;
    let body: Value = match text.as_str() {
        "" => Value::Null,
        text => match serde_json::from_str(text) {
            Ok(body) => body,
            // Whatever its status, nobody knows what it was about to say.
            Err(_) if text.trim_start().starts_with(['{', '[']) => return Err(ZohoError::NoAnswer("it broke off")),
            Err(_) => Value::Null,
        },
    };
    if body["code"] == STALE {
        // That records have changed meanwhile is about records, also where it stands outside of any list.
        return Ok(Answer { status: StatusCode::PRECONDITION_FAILED, body: json!({ "data": [body] }) });
    }
    let has_results = results(&body).is_some_and(|results| !is_wrapped_error(status, results));
    let has_nothing_new = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_results || has_nothing_new || status.is_success() && body.is_object() && results(&body).is_none() {
        return Ok(Answer { status, body });
    }
    Err(classified(status, retry_after, &body))
}

/// The results of a call, one for each record, or for each subscription to notifications.
fn results(body: &Value) -> Option<&Vec<Value>> {
    body["data"].as_array().or_else(|| body["watch"].as_array())
}

/// Some documents wrap a request's own error in a list of one. Its code, or a place in the path instead of in the body,
/// tells it from a record's; a right that is missing may be one to a single record.
fn is_wrapped_error(status: StatusCode, results: &[Value]) -> bool {
    const OF_REQUEST: [&str; 5] =
        ["INVALID_TOKEN", "AUTHENTICATION_FAILURE", "OAUTH_SCOPE_MISMATCH", "TOO_MANY_REQUESTS", "INVALID_URL_PATTERN"];
    let [one] = results else { return false };
    let of_request = |code| match code {
        "NO_PERMISSION" => status.as_u16() == 403 || one["details"]["permissions"].is_array(),
        code => OF_REQUEST.contains(&code),
    };
    status.is_server_error()
        || one["code"].as_str().is_some_and(of_request)
        || one["details"]["resource_path_index"].is_u64()
}

fn classified(status: StatusCode, retry_after: Option<Duration>, body: &Value) -> ZohoError {
    // A tag's name that is too long is told in a list of tags.
    let wrapped = results(body).or_else(|| body["tags"].as_array()).and_then(|list| list.first());
    let body = ErrorBody::deserialize(wrapped.unwrap_or(body)).unwrap_or_default();
    if let Some(refused) = refusal::of_crm(&body) {
        return refused;
    }
    let ErrorBody { code, message, details } = body;
    match (status.as_u16(), code.as_str()) {
        (429, _) | (_, "TOO_MANY_REQUESTS" | "RATE_LIMIT_EXCEEDED") => {
            ZohoError::Throttled { code: "TOO_MANY_REQUESTS".to_owned(), retry_after }
        }
        (_, "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" | "INVALID_OAUTHTOKEN") => ZohoError::InvalidToken,
        (_, "INTERNAL_ERROR" | "INTERNAL_SERVER_ERROR" | "SERVICE_UNAVAILABLE" | "DEPENDENT_SERVICE_ERROR") => {
            ZohoError::Broken { status: status.as_u16() }
        }
        (status @ (400 | 413 | 414), "") => ZohoError::Unexplained { status },
        (401 | 403, code) if !code.is_empty() => ZohoError::Refused {
            message: format!(
                "Zoho refuses our access. Check the scopes of the refresh token in the secret isoxp/<stage>/zoho, and the \
                 rights of its CRM user; then resume sync-zoho and pull-zoho. Zoho says: {message}"
            ),
            code: code.to_owned(),
        },
        (400..=499, code) if !code.is_empty() => ZohoError::bad_request(code, details["api_name"].as_str(), &message),
        // 5xx, and whatever is not JSON: a page of a proxy, an HTML login form.
        (status, _) => ZohoError::Broken { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &Value) -> ZohoError {
        classified(StatusCode::from_u16(status).unwrap(), None, body)
    }

    fn answered(status: u16, body: &Value) -> Result<Answer, ZohoError> {
        let status = StatusCode::from_u16(status).unwrap();
        answer(Exchanged { status, retry_after: None, credits_remaining: None, text: body.to_string() })
    }

    #[test]
    fn whoever_may_come_again_at_once_waits_a_second_all_the_same() {
        let waits =
            ["0", "7", "86400", "Wed, 21 Oct 2093 07:28:00 GMT"].map(|text| believed(text).map(|wait| wait.as_secs()));

        assert_eq!(waits, [Some(1), Some(7), Some(3600), None]);
    }

    #[test]
    fn a_refused_token_is_told_from_a_missing_scope() {
        assert!(matches!(kind(401, &json!({"code": "INVALID_TOKEN", "details": {}})), ZohoError::InvalidToken));
        assert!(matches!(kind(401, &json!({"code": "OAUTH_SCOPE_MISMATCH"})), ZohoError::Refused { .. }));
    }

    #[test]
    fn an_error_counts_bare_and_wrapped() {
        let wrapped = json!({"data": [{"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"}]});

        assert!(matches!(answered(401, &wrapped), Err(ZohoError::InvalidToken)));
    }

    #[test]
    fn a_word_about_records_is_one_even_outside_of_their_list() {
        let changed = json!({"code": "ALREADY_MODIFIED", "details": {"id": "7"}, "status": "error"});

        for status in [412, 400] {
            let answer = answered(status, &changed).unwrap();
            assert_eq!((answer.status.as_u16(), answer.body), (412, json!({ "data": [changed] })));
        }
    }

    #[test]
    fn what_a_user_may_not_do_in_the_module_is_told_from_what_he_may_not_do_to_a_record() {
        let of_module =
            json!({"code": "AUTHORIZATION_FAILED", "details": {"resource_path_index": 0}, "status": "error"});
        let of_record = json!({"code": "AUTHORIZATION_FAILED", "details": {"id": "1"}, "status": "error"});

        assert!(matches!(answered(400, &json!({"data": [of_module]})), Err(ZohoError::Refused { .. })));
        assert!(answered(400, &json!({"data": [of_record]})).is_ok());
    }

    #[test]
    fn a_wrapped_failure_of_theirs_is_one() {
        let body = json!({"data": [{"code": "INTERNAL_ERROR", "details": {}, "status": "error"}]});

        assert!(matches!(answered(500, &body), Err(ZohoError::Broken { status: 500 })));
    }

    #[test]
    fn a_missing_right_to_one_record_stops_nobody_else() {
        let refused =
            |details: Value| json!({"data": [{"code": "NO_PERMISSION", "details": details, "status": "error"}]});

        assert!(answered(200, &refused(json!({"id": "1"}))).is_ok());
        assert!(answered(400, &refused(json!({"permissions": ["Crm_Implied_Delete_Contacts"]}))).is_err());
        assert!(matches!(answered(403, &refused(json!({}))), Err(ZohoError::Refused { .. })));
    }

    #[test]
    fn a_tags_name_that_is_too_long_is_no_answer() {
        let body = json!({"tags": [{"code": "INVALID_DATA", "details": {"maximum_length": 25}, "status": "error"}]});

        assert!(matches!(answered(400, &body), Err(ZohoError::BadRequest { code, .. }) if code == "INVALID_DATA"));
    }

    #[test]
    fn half_an_answer_is_none_whatever_its_status() {
        for status in [200, 400, 500] {
            let status = StatusCode::from_u16(status).unwrap();
            let text = r#"{"data":[{"code":"RECORD_LO"#.to_owned();
            let half = answer(Exchanged { status, retry_after: None, credits_remaining: None, text });

            assert!(matches!(half, Err(ZohoError::NoAnswer(_))), "{status}");
        }
    }

    #[test]
    fn a_page_of_html_is_their_fault_and_not_the_requests() {
        for status in [200, 401, 403, 500, 503] {
            assert!(matches!(answered(status, &Value::Null), Err(ZohoError::Broken { .. })), "{status}");
        }
    }
}
