//! `POST /_control/webhook` and `POST /_control/receipts`: where receipts go, and receipts on order.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refused, bad, body};
use crate::zoho::{
    receipts::{self, Action, BounceType, Receipt, Webhook},
    world::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptOrder {
    transmission_id: Option<String>,
    transmission_name: Option<String>,
    action: Action,
    address: Option<String>,
    bounce_type: Option<BounceType>,
}

/// Sends receipts now, and answers when all of them were.
pub(super) async fn send_receipts(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: ReceiptOrder = body(&text)?;
    let deliveries = {
        let mut world = shared.lock();
        if world.campaigns.webhook.is_none() {
            return Err(bad("Nobody is registered for receipts. Call POST /_control/webhook first."));
        }
        let is_meant = |id: &str, name: &str| {
            order
                .transmission_id
                .as_deref()
                .map_or(order.transmission_name.as_deref() == Some(name), |wanted| wanted == id)
        };
        let found = world.campaigns.transmissions.iter().rev();
        let mut found = found.filter(|sent| is_meant(&sent.id, &sent.name));
        let missing = || Refused(StatusCode::NOT_FOUND, "There is no such transmission.".to_owned());
        let transmission = found.next().cloned().ok_or_else(missing)?;
        let bounce_type = order.bounce_type.unwrap_or(BounceType::Hard);
        let receipt = Receipt { action: order.action, bounce_type, address: order.address };
        receipts::make(&mut world, &transmission, &receipt)
    };
    if deliveries.is_empty() {
        return Err(Refused(StatusCode::NOT_FOUND, "The transmission has no such recipient.".to_owned()));
    }
    let mut statuses = Vec::with_capacity(deliveries.len());
    for delivery in &deliveries {
        let sent = shared.deliveries.deliver(delivery).await;
        statuses.push(sent.map_err(|reason| Refused(StatusCode::BAD_GATEWAY, reason))?);
    }
    Ok(Json(json!({ "statuses": statuses })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookOrder {
    url: reqwest::Url,
    header: Option<String>,
    #[serde(default)]
    token: String,
    #[serde(default)]
    automatic: bool,
}

pub(super) async fn set_webhook(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: WebhookOrder = body(&text)?;
    let header = order.header.unwrap_or_else(|| "Authorization".to_owned());
    if axum::http::HeaderName::from_bytes(header.as_bytes()).is_err() {
        return Err(bad(format!("{header:?} cannot be the name of a header.")));
    }
    let mut world = shared.lock();
    let id = world.new_id();
    let (url, token, automatic) = (order.url, order.token, order.automatic);
    let webhook = Webhook { id: id.clone(), name: "receipts".to_owned(), url, header, token, automatic };
    world.campaigns.webhook = Some(webhook);
    Ok(Json(json!({ "webhook_id": id })))
}
