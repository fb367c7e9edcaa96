//! Receipts: the webhooks by which Campaigns says what became of an e-mail.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{campaigns::Transmission, world::World};

/// Receipts in one POST.
const RECEIPTS_PER_ENVELOPE: usize = 100;
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Where receipts go. There is no signature: a token in a header is all.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: Url,
    pub(super) header: String,
    pub(super) token: String,
    /// Whether every accepted transmission is reported as delivered by itself.
    pub(super) automatic: bool,
}

// By hand, so that the token is in no log.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).field("automatic", &self.automatic).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    EmailDelivered,
    Bounce,
    Spam,
    EmailOpen,
    EmailClick,
    Unsubscribed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BounceType {
    Hard,
    Soft,
}

/// What is said of whom.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) action: Action,
    pub(super) bounce_type: BounceType,
    /// `None` is every recipient.
    pub(super) address: Option<String>,
}

/// One POST that is due.
#[derive(Debug)]
pub(super) struct Delivery {
    webhook: Webhook,
    envelope: Value,
}

impl Receipt {
    pub(super) fn plain(action: Action) -> Self {
        Self { action, bounce_type: BounceType::Hard, address: None }
    }

    /// Whether Campaigns sends nothing more to somebody after this.
    fn suppresses(&self) -> bool {
        match self.action {
            Action::Bounce => self.bounce_type == BounceType::Hard,
            Action::Spam | Action::Unsubscribed => true,
            Action::EmailDelivered | Action::EmailOpen | Action::EmailClick => false,
        }
    }
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::EmailDelivered => "email_delivered",
            Self::Bounce => "bounce",
            Self::Spam => "spam",
            Self::EmailOpen => "email_open",
            Self::EmailClick => "email_click",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// The POSTs for a receipt of a transmission; none when nobody is registered or nobody is meant.
pub(super) fn make(world: &mut World, transmission: &Transmission, receipt: &Receipt) -> Vec<Delivery> {
    let is_meant = |recipient: &&Value| {
        let address = recipient["address"].as_str().unwrap_or_default();
        receipt.address.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(address))
    };
    let recipients: Vec<_> = transmission.recipients.iter().filter(is_meant).collect();
    if receipt.suppresses() {
        let addresses = recipients.iter().filter_map(|recipient| recipient["address"].as_str());
        world.campaigns.suppressed.extend(addresses.map(str::to_lowercase));
    }
    let Some(webhook) = &world.campaigns.webhook else { return Vec::new() };
    let now = world.now.timestamp_millis();
    let items: Vec<_> = recipients.into_iter().map(|recipient| item(transmission, recipient, receipt, now)).collect();
    items
        .chunks(RECEIPTS_PER_ENVELOPE)
        .map(|items| Delivery { webhook: webhook.clone(), envelope: envelope(webhook, receipt.action, items) })
        .collect()
}

/// Sends one envelope once; the error is a sentence.
pub(super) async fn deliver(client: &reqwest::Client, delivery: &Delivery) -> Result<u16, String> {
    let mut request = client.post(delivery.webhook.url.clone()).json(&delivery.envelope);
    if !delivery.webhook.token.is_empty() {
        request = request.header(&delivery.webhook.header, &delivery.webhook.token);
    }
    match request.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(format!("The receipt could not be sent: {}.", error.without_url())),
    }
}

/// Some attempts; how many Zoho makes is not published.
pub(super) async fn deliver_with_patience(client: reqwest::Client, delivery: Delivery) {
    for attempt in 1..=ATTEMPTS {
        match deliver(&client, &delivery).await {
            Ok(200..=299) => return,
            Ok(status) => tracing::warn!(attempt, status, "a receipt of the Zoho simulator was refused"),
            Err(reason) => tracing::warn!(attempt, reason, "a receipt of the Zoho simulator was not taken"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn envelope(webhook: &Webhook, action: Action, items: &[Value]) -> Value {
    json!({
        "webhook_name": webhook.name,
        "webhook_id": webhook.id,
        "action": action.name(),
        "actionType": action.name(),
        "action_by": "recipient",
        "data": items,
    })
}

fn item(transmission: &Transmission, recipient: &Value, receipt: &Receipt, now: i64) -> Value {
    let mut item = json!({
        "action_time": now,
        "contact_email": recipient["address"],
        "rcpt_additional_data": recipient.get("additional_data").cloned().unwrap_or_else(|| json!({})),
        "transmission_name": transmission.name,
        "transmission_id": transmission.id,
        "injected_time": transmission.sent_time,
    });
    if receipt.action == Action::Bounce {
        let (kind, code, reason) = match receipt.bounce_type {
            BounceType::Hard => ("hard", "5.1.1", "The mailbox does not exist"),
            BounceType::Soft => ("soft", "4.2.2", "The mailbox is full"),
        };
        item["bounce_type"] = kind.into();
        item["bounce_code"] = code.into();
        item["bounce_reason"] = reason.into();
    }
    item
}
