//! Signed webhooks, made with the Standard Webhooks project's own library.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Signer;

use crate::api::{Answer, sent};
use crate::system::System;

/// A webhook of a gallery host, ready to be sent; sending it twice sends the same event twice.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub source: String,
    pub id: String,
    /// Seconds since 1970.
    pub timestamp: i64,
    pub body: Vec<u8>,
}

impl Webhook {
    /// An event of `photoday`, sent now.
    pub fn new(kind: &str, data: &Value) -> Self {
        let body = json!({ "type": kind, "timestamp": now().to_rfc3339(), "data": data });
        Self {
            source: "photoday".to_owned(),
            id: format!("msg_{}", new_id()),
            timestamp: now().timestamp(),
            body: body.to_string().into_bytes(),
        }
    }

    pub fn gallery_published(external_host_id: &str) -> Self {
        let url = format!("https://photos.example/{external_host_id}");
        Self::new("gallery.published", &json!({ "external_host_id": external_host_id, "public_url": url }))
    }

    /// The same event from another source.
    #[must_use]
    pub fn from(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    /// The same news as an event of its own, as a sender that forgets what it has sent makes it.
    #[must_use]
    pub fn under_a_new_id(mut self) -> Self {
        self.id = format!("msg_{}", new_id());
        self
    }

    /// The same event, said to have happened so many minutes from now.
    ///
    /// # Panics
    /// If the body is not JSON.
    #[must_use]
    pub fn happened_in_minutes(mut self, minutes: i64) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).expect("the body is JSON");
        body["timestamp"] = json!((now() + chrono::TimeDelta::minutes(minutes)).to_rfc3339());
        self.body = body.to_string().into_bytes();
        self
    }

    /// The same envelope around these very bytes.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// What the Standard Webhooks project's library signs it with.
    ///
    /// # Panics
    /// If the key is none.
    pub fn signature(&self, key: &str) -> String {
        if std::str::from_utf8(&self.body).is_err() {
            return self.signature_of_bytes(key);
        }
        let signer = Signer::new(key).expect("the key is valid");
        signer.sign(&self.id, self.timestamp, &self.body).expect("it can be signed")
    }

    /// The library takes text only; the specification signs bytes.
    fn signature_of_bytes(&self, key: &str) -> String {
        let key = STANDARD.decode(key.trim_start_matches("whsec_")).expect("the key is valid");
        let signed = [format!("{}.{}.", self.id, self.timestamp).as_bytes(), &self.body].concat();
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        format!("v1,{}", STANDARD.encode(signature))
    }

    pub fn gallery_archived(external_host_id: &str) -> Self {
        Self::new("gallery.archived", &json!({ "external_host_id": external_host_id }))
    }
}

impl System {
    /// Signs a webhook with its source's key and sends it.
    pub async fn send_webhook(&self, webhook: &Webhook) -> Answer {
        let key = &self.endpoints().webhook_secrets[&webhook.source];
        self.send_webhook_signed(webhook, &webhook.signature(key)).await
    }

    /// Sends a webhook with this signature, right or wrong.
    pub async fn send_webhook_signed(&self, webhook: &Webhook, signature: &str) -> Answer {
        let request = self
            .request("POST", &format!("/api/webhooks/incoming?source={}", webhook.source))
            .header("content-type", "application/json")
            .header("webhook-id", &webhook.id)
            .header("webhook-timestamp", webhook.timestamp.to_string())
            .header("webhook-signature", signature)
            .body(webhook.body.clone());
        sent(request).await
    }
}

#[expect(clippy::disallowed_methods, reason = "a sender has a clock of its own")]
pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "a sender makes ids of its own")]
pub(crate) fn new_id() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}
