//! Senders of webhooks: each proves itself as its source's settings ask for it, by code of its own.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::api::{Answer, sent};
use crate::system::System;
use crate::webhook::{new_id, now};

/// Where webhooks go.
pub const DOOR: &str = "/api/webhooks/incoming";
/// Where their integrators find out what is wrong with them.
pub const TEST: &str = "/api/webhooks/incoming/test";

/// Somebody who sends webhooks as a source.
#[derive(Debug, Clone)]
pub struct Sender {
    pub source: String,
    /// As they stand in the secret.
    pub settings: Value,
}

/// A body and what stands in the headers about it.
#[derive(Debug, Clone)]
pub struct Letter {
    pub source: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl System {
    /// The rightful sender of a source.
    pub async fn sender(&self, source: &str) -> Sender {
        let sources = self.secret("webhook-sources").await;
        Sender { source: source.to_owned(), settings: sources[source].clone() }
    }

    /// Sends a letter as it is.
    pub async fn send_letter(&self, path: &str, letter: &Letter) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &letter.headers {
            let name: reqwest::header::HeaderName = name.parse().expect("a header's name");
            headers.append(name, value.parse().expect("a header's value"));
        }
        let request = self.request("POST", &format!("{path}?source={}", letter.source));
        sent(request.headers(headers).body(letter.body.clone())).await
    }
}

impl Sender {
    /// A letter that proves its sender, sent now.
    pub fn letter(&self, body: impl Into<Vec<u8>>) -> Letter {
        self.letter_at(now().timestamp(), body)
    }

    /// A letter that proves its sender, signed at this second.
    pub fn letter_at(&self, second: i64, body: impl Into<Vec<u8>>) -> Letter {
        let body = body.into();
        let headers = match self.text("scheme") {
            "standard" => self.standard(second, &body),
            "hmac" => self.hmac(second, &body),
            // A token that stands in the body is the body's business.
            _ if self.settings["body"].is_string() => Vec::new(),
            _ => vec![(self.text("header").to_owned(), self.key().to_owned())],
        };
        Letter { source: self.source.clone(), headers, body }
    }

    /// The same, for who has the source's test token.
    pub fn test_letter(&self, body: impl Into<Vec<u8>>) -> Letter {
        self.letter(body).with_header("webhook-test-token", self.text("test_token"))
    }

    /// What stands in the settings under this name.
    pub fn text(&self, setting: &str) -> &str {
        self.settings[setting].as_str().unwrap_or_default()
    }

    /// The first of the source's keys, as it is written.
    pub fn key(&self) -> &str {
        self.settings["keys"][0].as_str().expect("a source has a key")
    }

    fn standard(&self, second: i64, body: &[u8]) -> Vec<(String, String)> {
        let id = format!("msg_{}", new_id());
        let key = STANDARD.decode(self.key().trim_start_matches("whsec_")).expect("the key is base64");
        let signed = [format!("{id}.{second}.").as_bytes(), body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        vec![
            ("webhook-id".to_owned(), id),
            ("webhook-timestamp".to_owned(), second.to_string()),
            ("webhook-signature".to_owned(), format!("v1,{}", STANDARD.encode(tag))),
        ]
    }

    /// In hex, with a plain key, as the local stack's host does it.
    fn hmac(&self, second: i64, body: &[u8]) -> Vec<(String, String)> {
        let signed = [format!("{second}.").as_bytes(), body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.key().as_bytes()), &signed);
        let hex = tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        vec![
            (self.text("header").to_owned(), format!("{}{hex}", self.text("prefix"))),
            (self.text("timestamp_header").to_owned(), second.to_string()),
        ]
    }
}

impl Letter {
    /// With one more header, or the only one of this name.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value).unwrap_or_default()
    }
}

/// A body as its sender writes it, out of `tests/fixtures/webhooks`.
pub fn fixture(name: &str) -> Value {
    let path = local::services::workspace::root().join("tests/fixtures/webhooks").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
