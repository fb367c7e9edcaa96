//! The call that tells an endpoint of an event: signed, once, to a public address, and not where it is redirected.

use std::error::Error as StdError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::endpoints::Endpoint;
use super::guard::{Forbidden, Guard};
use crate::bounds;
use crate::domain::WebhookEventId;
use crate::error::Error;
use crate::tls;

/// How much of an answer is looked at.
const EXCERPT_BYTES: usize = 1024;

/// The longest that a Retry-After is believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Calls endpoints.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    guard: Guard,
}

/// One attempt to tell of an event.
#[derive(Debug)]
pub struct Call<'a> {
    pub endpoint: &'a Endpoint,
    /// The same for all endpoints and all attempts.
    pub event: WebhookEventId,
    pub body: String,
    /// When the attempt is made.
    pub at: DateTime<Utc>,
}

/// What an endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The beginning of its body, for whoever looks for a reason.
    pub excerpt: String,
}

/// Why it said nothing. No text has more of its address than the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It is not called at all.
    #[error("not called: {0}")]
    Forbidden(#[from] Forbidden),
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("no answer within {} seconds", bounds::ENDPOINT_CALL.as_secs())]
    Timeout,
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl Client {
    pub fn new(guard: Guard) -> Result<Self, Error> {
        let mut builder = tls::http_client()
            .timeout(bounds::ENDPOINT_CALL)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names itself, past the guard.
            .no_proxy()
            // Each call is made to addresses that were checked for it.
            .pool_max_idle_per_host(0)
            .user_agent("isoxp-webhooks/1");
        if let Some(resolver) = guard.resolver() {
            builder = builder.dns_resolver(resolver);
        }
        let http = builder.build().map_err(|error| Error::internal("the HTTP client cannot be built", error))?;
        Ok(Self { http, guard })
    }

    /// Makes the call. Standard Webhooks 1.0.0: `webhook-id` stays over attempts, time and signature are new.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, NoAnswer> {
        let Call { endpoint, event, body, at } = call;
        self.guard.check(&endpoint.url)?;
        let webhook_id = format!("msg_{event}");
        let request = self
            .http
            .post(endpoint.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &webhook_id)
            .header("webhook-timestamp", at.timestamp())
            .header("webhook-signature", endpoint.signature(&webhook_id, at, body.as_bytes()))
            .body(body);
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), at);
        Ok(Answer { status, retry_after, excerpt: excerpt(response).await })
    }
}

/// The rest of a long answer is not read; one that breaks off is still an answer.
async fn excerpt(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < EXCERPT_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(EXCERPT_BYTES - bytes.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    readable(&String::from_utf8_lossy(&bytes))
}

/// Without control characters, which neither a terminal nor the database wants.
fn readable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Seconds, or a date (RFC 9110, 10.2.3), at most a day.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

fn failed(error: &reqwest::Error) -> NoAnswer {
    let mut cause: &(dyn StdError + 'static) = error;
    loop {
        if let Some(forbidden) = cause.downcast_ref::<Forbidden>() {
            return NoAnswer::Forbidden(forbidden.clone());
        }
        match cause.source() {
            Some(next) => cause = next,
            None => break,
        }
    }
    if error.is_timeout() {
        return NoAnswer::Timeout;
    }
    // The innermost cause alone: the outermost one quotes the address.
    let told = if error.source().is_some() { readable(&cause.to_string()) } else { "no reason is told".to_owned() };
    let told = told.chars().take(200).collect();
    if error.is_connect() { NoAnswer::Unreachable(told) } else { NoAnswer::Broken(told) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::endpoints::Endpoints;
    use super::*;

    fn waits(text: &str) -> Option<u64> {
        let now = DateTime::from_timestamp(1_445_412_400, 0).unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    /// What an endpoint is sent that answers like this, and what becomes of the call.
    async fn called(answer: &'static [u8]) -> (String, Result<Answer, NoAnswer>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/s3cret", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let result = call(&url, Guard::Off).await;
        (server.await.unwrap(), result)
    }

    async fn call(url: &str, guard: Guard) -> Result<Answer, NoAnswer> {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let settings = json!({"make": {"url": url, "keys": [key], "events": ["gallery.live"]}});
        let endpoints = Endpoints::of(serde_json::from_value(settings).unwrap(), Guard::Off);
        let endpoint = endpoints.named("make").unwrap();
        let at = DateTime::from_timestamp(1_445_412_400, 0).unwrap();
        let event = WebhookEventId(uuid::Uuid::nil());
        Client::new(guard).unwrap().send(Call { endpoint, event, body: "{}".to_owned(), at }).await
    }

    #[tokio::test]
    async fn a_call_is_signed_and_its_answer_is_read_as_far_as_it_is_kept() {
        let (request, answer) =
            called(b"HTTP/1.1 503 x\r\nretry-after: 7\r\ncontent-length: 5000\r\n\r\nSorry\x00\x1b[31m").await;

        let lines: Vec<&str> = request.lines().collect();
        assert_eq!((lines[0], lines[lines.len() - 1]), ("POST /s3cret HTTP/1.1", "{}"));
        for header in [
            "content-type: application/json",
            "webhook-id: msg_00000000-0000-0000-0000-000000000000",
            "webhook-timestamp: 1445412400",
            "user-agent: isoxp-webhooks/1",
        ] {
            assert!(lines.contains(&header), "{header}: {request}");
        }
        assert!(lines.iter().any(|line| line.starts_with("webhook-signature: v1,")), "{request}");
        let expected =
            Answer { status: 503, retry_after: Some(Duration::from_secs(7)), excerpt: "Sorry  [31m".to_owned() };
        assert_eq!(answer, Ok(expected));
    }

    #[tokio::test]
    async fn of_a_long_answer_the_beginning_is_kept() {
        let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n{}", "x".repeat(3000));

        let (_, answer) = called(long.leak().as_bytes()).await;

        assert_eq!(answer.unwrap().excerpt, "x".repeat(EXCERPT_BYTES));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let (_, answer) = called(b"HTTP/1.1 307 x\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;

        assert_eq!(answer, Ok(Answer { status: 307, retry_after: None, excerpt: String::new() }));
    }

    #[tokio::test]
    async fn why_there_is_no_answer_is_told_without_the_address() {
        let (_, broken) = called(b"").await;
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let unreachable = call(&format!("http://{free}/s3cret"), Guard::Off).await;
        let forbidden = call("http://127.0.0.1/s3cret", Guard::Public).await;
        let by_name = call("https://localhost/s3cret", Guard::Public).await;

        assert!(matches!(broken, Err(NoAnswer::Broken(_))), "{broken:?}");
        assert!(matches!(unreachable, Err(NoAnswer::Unreachable(_))), "{unreachable:?}");
        assert_eq!(forbidden, Err(NoAnswer::Forbidden(Forbidden::NotHttps)));
        assert_eq!(by_name, Err(NoAnswer::Forbidden(Forbidden::NoPublicAddress("localhost".to_owned()))));
        for told in [broken, unreachable, forbidden, by_name] {
            assert!(!told.unwrap_err().to_string().contains("s3cret"));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_over_a_day() {
        assert_eq!(waits("120"), Some(120));
        assert_eq!(waits("9999999"), Some(24 * 3600));
        assert_eq!(waits("Wed, 21 Oct 2015 07:28:00 GMT"), Some(80));
        assert_eq!(waits("Wed, 21 Oct 2015 07:00:00 GMT"), Some(0));
        assert_eq!(waits("Wed, 21 Oct 2093 07:28:00 GMT"), Some(24 * 3600));
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("-5"), None);
    }
}
