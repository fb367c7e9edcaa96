//! The Campaigns Email API: transmissions, the suppression list, and the webhook that receipts go to.
//!
//! Zoho publishes the answers to a transmission and the six-digit codes 400008 to 400016. The other codes here, and the
//! bodies of the suppression list and of the webhook's registration, are guesses that nothing of ours should rely on.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    faults::Plan,
    operation::Operation,
    receipts::{self, Action, Webhook},
    reply::Reply,
    validate::is_email,
    world::World,
};

const MALFORMED: u32 = 400_001;
const UNKNOWN_TRANSMISSION: u32 = 400_003;
const UNKNOWN_TEMPLATE: u32 = 400_007;
const BAD_SENDER: u32 = 400_008;
const TOO_MANY_RECIPIENTS: u32 = 400_011;
const NO_VALID_RECIPIENT: u32 = 400_013;

#[derive(Debug, Default)]
pub(super) struct Campaigns {
    /// In the order in which they were accepted.
    pub(super) transmissions: Vec<Transmission>,
    /// Addresses that are sent nothing any more, in lower case.
    pub(super) suppressed: BTreeSet<String>,
    pub(super) webhook: Option<Webhook>,
}

/// An accepted transmission.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Transmission {
    #[serde(rename = "transmission_id")]
    pub(super) id: String,
    #[serde(rename = "transmission_name")]
    pub(super) name: String,
    /// The accepted ones, as they were sent.
    pub(super) recipients: Vec<Value>,
    pub(super) content: Value,
    /// Milliseconds since 1970.
    pub(super) sent_time: i64,
}

pub(super) fn answer(world: &mut World, call: &Call, plan: &Plan) -> Reply {
    let answer = match call.operation {
        Operation::Transmission => transmit(world, call, plan),
        Operation::GetTransmission => details(world, call),
        Operation::Suppression => suppression(world, call),
        _ => register_webhook(world, call),
    };
    answer.unwrap_or_else(|(code, message)| {
        let status = StatusCode::from_u16(world.settings.campaigns_error_status).unwrap_or(StatusCode::BAD_REQUEST);
        error(status, code, message)
    })
}

/// An error in the shape of the Email API.
pub(super) fn error(status: StatusCode, code: u32, message: &str) -> Reply {
    Reply::json(status, json!({ "response": { "code": code, "message": message } }))
}

/// The six digits for an HTTP status that a fault ordered.
pub(super) fn code_of(status: StatusCode) -> u32 {
    u32::from(status.as_u16()) * 1000 + 1
}

type Refusal = (u32, &'static str);

fn transmit(world: &mut World, call: &Call, plan: &Plan) -> Result<Reply, Refusal> {
    let body = object(call)?;
    let content = check_content(world, body)?;
    let recipients = body.get("recipients").and_then(Value::as_array);
    // Lists of Campaigns are not simulated: a `recipient_list_id` is a list with nobody in it.
    let recipients = recipients.ok_or((NO_VALID_RECIPIENT, "None of the recipients is valid"))?;
    if recipients.len() > world.settings.recipients_limit {
        return Err((TOO_MANY_RECIPIENTS, "The number of recipients exceeds the limit"));
    }
    let accepted: Vec<Value> = recipients
        .iter()
        .enumerate()
        .filter(|(index, recipient)| is_sendable(world, recipient) && plan.error_for(recipient, *index).is_none())
        .map(|(_, recipient)| recipient.clone())
        .collect();
    if accepted.is_empty() {
        return Err((NO_VALID_RECIPIENT, "None of the recipients is valid"));
    }
    let transmission = Transmission {
        id: world.new_id(),
        name: text(body, "transmission_name").unwrap_or_default().to_owned(),
        content,
        sent_time: world.now.timestamp_millis(),
        recipients: accepted,
    };
    let reply = Reply::ok(json!({
        "rejected_recipients": recipients.len() - transmission.recipients.len(),
        "accepted_recipients": transmission.recipients.len(),
        "response": { "code": 200_001, "message": "Your transmission has been scheduled successfully" },
        "transmission_id": transmission.id,
    }));
    if world.campaigns.webhook.as_ref().is_some_and(|webhook| webhook.automatic) {
        let order = receipts::Receipt::plain(Action::EmailDelivered);
        let deliveries = receipts::make(world, &transmission, &order);
        world.outbox.extend(deliveries);
    }
    world.campaigns.transmissions.push(transmission);
    Ok(reply)
}

fn check_content(world: &World, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let content = body.get("content").filter(|content| content.is_object());
    let content = content.ok_or((MALFORMED, "The content of the transmission is missing"))?;
    let sender = content.pointer("/from/address").and_then(Value::as_str);
    if !sender.is_some_and(is_email) {
        return Err((BAD_SENDER, "The from address is not valid"));
    }
    if content.get("html").is_some_and(Value::is_string) {
        return Ok(content.clone());
    }
    let template = content.get("template_id").and_then(Value::as_str);
    let template = template.ok_or((MALFORMED, "The transmission has neither html nor a template_id"))?;
    if world.settings.template_ids.iter().any(|known| known == template) {
        Ok(content.clone())
    } else {
        Err((UNKNOWN_TEMPLATE, "The template does not exist"))
    }
}

fn is_sendable(world: &World, recipient: &Value) -> bool {
    let address = recipient.get("address").and_then(Value::as_str);
    address.is_some_and(|text| is_email(text) && !world.campaigns.suppressed.contains(&text.to_lowercase()))
}

fn details(world: &World, call: &Call) -> Result<Reply, Refusal> {
    let wanted = call.id.as_deref().unwrap_or_default();
    let found = world.campaigns.transmissions.iter().find(|transmission| transmission.id == wanted);
    let transmission = found.ok_or((UNKNOWN_TRANSMISSION, "There is no such transmission"))?;
    Ok(Reply::ok(json!({
        "transmission_details": {
            "subject": transmission.content.get("subject"),
            "transmission_name": transmission.name,
            "status": "Reviewed",
            "sent_time": transmission.sent_time,
        },
        "response": { "code": 200_004, "message": "Transmission details fetched successfully" },
    })))
}

/// `GET`, `POST` and `DELETE` of `{"recipients":[{"address":"…"}]}`.
fn suppression(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let suppressed = &mut world.campaigns.suppressed;
    if call.method == axum::http::Method::GET {
        let listed: Vec<_> = suppressed.iter().map(|address| json!({ "address": address })).collect();
        let response = json!({ "code": 200_005, "message": "Suppressed recipients fetched successfully" });
        return Ok(Reply::ok(json!({ "recipients": listed, "response": response })));
    }
    let body = object(call)?;
    let recipients = body.get("recipients").and_then(Value::as_array);
    let recipients = recipients.ok_or((MALFORMED, "The recipients are missing"))?;
    for address in recipients.iter().filter_map(|recipient| recipient.get("address")?.as_str()) {
        if call.method == axum::http::Method::DELETE {
            suppressed.remove(&address.to_lowercase());
        } else {
            suppressed.insert(address.to_lowercase());
        }
    }
    Ok(Reply::ok(json!({ "response": { "code": 200_006, "message": "Suppression list updated successfully" } })))
}

/// `POST /emailapi/v1/settings/webhook`: where receipts go. It takes the place of the one before.
fn register_webhook(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let body = object(call)?;
    let url = text(body, "webhook_url").and_then(|text| text.parse().ok());
    let url = url.ok_or((MALFORMED, "webhook_url is missing or no URL"))?;
    let id = world.new_id();
    world.campaigns.webhook = Some(Webhook {
        id: id.clone(),
        name: text(body, "webhook_name").unwrap_or("webhook").to_owned(),
        url,
        header: text(body, "auth_header").unwrap_or("Authorization").to_owned(),
        token: text(body, "auth_token").unwrap_or_default().to_owned(),
        automatic: world.campaigns.webhook.as_ref().is_some_and(|webhook| webhook.automatic),
    });
    let response = json!({ "code": 200_007, "message": "Webhook added successfully" });
    Ok(Reply::ok(json!({ "webhook_id": id, "response": response })))
}

fn object(call: &Call) -> Result<&Map<String, Value>, Refusal> {
    call.json().and_then(Value::as_object).ok_or((MALFORMED, "The body is not a JSON object"))
}

fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str().filter(|text| !text.is_empty())
}
