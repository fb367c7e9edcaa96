//! Zoho Campaigns' receipts: what became of each e-mail of a transmission (Campaigns Email API, "Webhooks").

use serde_json::Value;
use uuid::Uuid;

use super::refusal::malformed;
use crate::domain::alert::{Receipt, ReceiptAction};
use crate::domain::event::EmailHash;
use crate::domain::{AlertBatchId, AlertId};
use crate::error::Error;

/// The most receipts that one request may carry.
const MOST: usize = 5000;

/// Reads `{action, data: [{rcpt_additional_data: {alert}, transmission_name, contact_email,
/// bounce_type}]}`. Elements that name
/// nothing of ours are left out: the same account may send other mail.
pub(super) fn read(body: &Value) -> Result<Vec<Receipt>, Error> {
    let action = body["action"].as_str().ok_or_else(|| malformed("action is required."))?;
    let data = body["data"].as_array().ok_or_else(|| malformed("data must be a list."))?;
    if data.len() > MOST {
        return Err(malformed(format!("data must have at most {MOST} entries.")));
    }
    let receipts = data.iter().map(|element| Receipt {
        alert: id(&additional_data(element)["alert"]).map(AlertId),
        batch: id(&element["transmission_name"]).map(AlertBatchId),
        address: element["contact_email"].as_str().and_then(|text| text.parse().ok()).as_ref().map(EmailHash::of),
        action: meaning(action, element),
    });
    Ok(receipts.filter(|receipt| receipt.alert.is_some() || receipt.batch.is_some()).collect())
}

fn meaning(action: &str, element: &Value) -> ReceiptAction {
    match action {
        "email_delivered" => ReceiptAction::Delivered,
        // Only what is certain: a suppressed address never hears of its photos again.
        "bounce" if element["bounce_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("hard")) => {
            ReceiptAction::HardBounce
        }
        "bounce" => ReceiptAction::SoftBounce,
        "spam" => ReceiptAction::Spam,
        "unsubscribed" | "unsubscribe" => ReceiptAction::Unsubscribed,
        _ => ReceiptAction::Other,
    }
}

/// What the transmission sent along comes back as it was, or as text that holds it.
fn additional_data(element: &Value) -> Value {
    match &element["rcpt_additional_data"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    }
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|text| Uuid::try_parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_became_of_an_e_mail_is_told_by_its_action() {
        let action = |action: &str, bounce: &str| {
            let element = json!({"transmission_name": Uuid::from_u128(2), "bounce_type": bounce});
            let receipts = read(&json!({"action": action, "data": [element]})).unwrap();
            receipts[0].action
        };

        for (name, bounce, expected) in [
            ("email_delivered", "", ReceiptAction::Delivered),
            ("bounce", "hard", ReceiptAction::HardBounce),
            ("bounce", "Hard", ReceiptAction::HardBounce),
            ("bounce", "soft", ReceiptAction::SoftBounce),
            ("bounce", "", ReceiptAction::SoftBounce),
            ("spam", "hard", ReceiptAction::Spam),
            ("unsubscribed", "", ReceiptAction::Unsubscribed),
            ("unsubscribe", "", ReceiptAction::Unsubscribed),
            ("email_open", "hard", ReceiptAction::Other),
        ] {
            assert_eq!(action(name, bounce), expected, "{name} {bounce}");
        }
    }

    #[test]
    fn what_was_sent_along_comes_back_as_it_was_or_as_text() {
        let alert = Uuid::from_u128(1);
        let read_alert = |sent: Value| {
            let element = json!({"transmission_name": Uuid::from_u128(2), "rcpt_additional_data": sent});
            read(&json!({"action": "spam", "data": [element]})).unwrap()[0].alert
        };

        assert_eq!(read_alert(json!({ "alert": alert })), Some(AlertId(alert)));
        assert_eq!(read_alert(json!(json!({ "alert": alert }).to_string())), Some(AlertId(alert)));
        assert_eq!(read_alert(json!("not JSON")), None);
    }

    #[test]
    fn a_request_has_an_action_and_at_most_five_thousand_receipts() {
        let of = |count: usize| read(&json!({"action": "spam", "data": vec![json!({}); count]})).is_ok();

        assert!(of(0) && of(MOST) && !of(MOST + 1));
        assert!(read(&json!({"data": []})).is_err() && read(&json!({"action": "spam"})).is_err());
    }

    #[test]
    fn a_receipt_names_its_alert_its_batch_and_the_address() {
        let (alert, batch) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let body = json!({"action": "bounce", "data": [
            {"transmission_name": batch, "rcpt_additional_data": {"alert": alert}, "bounce_type": "hard", "contact_email": "X@example.com"},
            {"transmission_name": "spring sale", "contact_email": "x@example.com"},
        ]});

        let receipts = read(&body).unwrap();

        assert_eq!(
            receipts,
            [Receipt {
                alert: Some(AlertId(alert)),
                batch: Some(AlertBatchId(batch)),
                address: Some(EmailHash::of(&"x@example.com".parse().unwrap())),
                action: ReceiptAction::HardBounce
            }]
        );
    }
}
