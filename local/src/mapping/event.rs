//! A batch as the event that Lambda makes of it, and the function's report on it.
//! Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source".

use std::collections::HashSet;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

pub(super) fn build(batch: &[Message], queue_arn: &str) -> Bytes {
    let region = queue_arn.split(':').nth(3);
    let record = |message: &Message| {
        let attributes: Map<_, _> = message
            .attributes
            .iter()
            .flatten()
            .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
            .collect();
        let message_attributes: Map<_, _> = message
            .message_attributes
            .iter()
            .flatten()
            .map(|(name, value)| (name.clone(), message_attribute(value)))
            .collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": message_attributes,
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": region,
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() }).to_string().into()
}

/// The messages that the report does not call failed. The error says why nothing of the report can be believed, and
/// all of the batch counts as failed.
pub(super) fn succeeded<'a>(report: &[u8], batch: &'a [Message]) -> Result<Vec<&'a Message>, &'static str> {
    let failed = failures(report)?;
    let known: HashSet<_> = batch.iter().filter_map(Message::message_id).collect();
    if failed.iter().any(|id| !known.contains(id.as_str())) {
        return Err("it names a message that is not of the batch");
    }
    let handled = |message: &&Message| message.message_id().is_none_or(|id| !failed.contains(id));
    Ok(batch.iter().filter(handled).collect())
}

fn failures(report: &[u8]) -> Result<HashSet<String>, &'static str> {
    if report.is_empty() {
        return Ok(HashSet::new());
    }
    let report: Value = serde_json::from_slice(report).map_err(|_| "it is not JSON")?;
    let items = match &report {
        Value::Null => return Ok(HashSet::new()),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Ok(HashSet::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err("batchItemFailures is not a list"),
        },
        _ => return Err("it is not an object"),
    };
    let id = |item: &Value| item["itemIdentifier"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    items.iter().map(id).collect::<Option<_>>().ok_or("an itemIdentifier is missing or empty")
}

fn message_attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({ "stringListValues": [], "binaryListValues": [], "dataType": value.data_type });
    if let Some(text) = &value.string_value {
        attribute["stringValue"] = text.as_str().into();
    }
    if let Some(binary) = &value.binary_value {
        attribute["binaryValue"] = STANDARD.encode(binary).into();
    }
    attribute
}
