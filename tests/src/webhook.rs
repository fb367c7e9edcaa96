//! Signed webhooks, made with the Standard Webhooks project's own library.

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
    pub body: String,
}

impl Webhook {
    /// An event of `photoday`, sent now.
    pub fn new(kind: &str, data: &Value) -> Self {
        let body = json!({ "type": kind, "timestamp": now().to_rfc3339(), "data": data });
        Self {
            source: "photoday".to_owned(),
            id: format!("msg_{}", new_id()),
            timestamp: now().timestamp(),
            body: body.to_string(),
        }
    }

    pub fn gallery_published(external_host_id: &str) -> Self {
        let url = format!("https://photos.example/{external_host_id}");
        Self::new("gallery.published", &json!({ "external_host_id": external_host_id, "public_url": url }))
    }

    pub fn gallery_archived(external_host_id: &str) -> Self {
        Self::new("gallery.archived", &json!({ "external_host_id": external_host_id }))
    }
}

impl System {
    /// Signs a webhook with its source's key and sends it.
    pub async fn send_webhook(&self, webhook: &Webhook) -> Answer {
        let key = &self.endpoints().webhook_secrets[&webhook.source];
        let signer = Signer::new(key).expect("the stack's keys are valid");
        let signature = signer.sign(&webhook.id, webhook.timestamp, webhook.body.as_bytes()).expect("it can be signed");
        self.send_webhook_signed(webhook, &signature).await
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
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "a sender makes ids of its own")]
fn new_id() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}
