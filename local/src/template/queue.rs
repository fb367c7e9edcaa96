//! `AWS::SQS::Queue` and `AWS::SecretsManager::Secret`.

use std::collections::BTreeMap;

use super::{Queue, Redrive, Secret, properties::Properties};

/// Properties that SQS itself knows as attributes, under the same name except for the message size.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("VisibilityTimeout", "VisibilityTimeout"),
    ("MessageRetentionPeriod", "MessageRetentionPeriod"),
    ("DelaySeconds", "DelaySeconds"),
    ("MaximumMessageSize", "MaximumMessageSize"),
    ("ReceiveMessageWaitTimeSeconds", "ReceiveMessageWaitTimeSeconds"),
];

const QUEUE: &[&str] = &[
    "QueueName",
    "RedrivePolicy",
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "MaximumMessageSize",
    "ReceiveMessageWaitTimeSeconds",
];

const QUEUE_CLOUD_ONLY: &[&str] =
    &["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "RedriveAllowPolicy", "Tags"];

const SECRET: &[&str] =
    &["Name", "Description", "SecretString", "GenerateSecretString", "KmsKeyId", "ReplicaRegions", "Tags", "Type"];

pub(super) fn read(id: &str, line: usize, resource: Properties<'_>) -> Option<Queue> {
    let plain = || Queue { logical_id: id.into(), name: id.into(), attributes: BTreeMap::new(), redrive: None, line };
    if resource.node("Properties").is_none() {
        return Some(plain());
    }
    let properties = resource.section("Properties", "a queue", &[QUEUE, QUEUE_CLOUD_ONLY])?;
    let mut queue = plain();
    queue.name = properties.text("QueueName").unwrap_or(queue.name);
    for (property, attribute) in ATTRIBUTES {
        if let Some(value) = properties.number::<u32>(property) {
            queue.attributes.insert((*attribute).to_owned(), value.to_string());
        }
    }
    let redrive =
        properties.section("RedrivePolicy", "a RedrivePolicy", &[&["deadLetterTargetArn", "maxReceiveCount"]]);
    queue.redrive = redrive.and_then(|redrive| {
        redrive.required("maxReceiveCount", "a RedrivePolicy");
        let dead_letter = redrive.resource("deadLetterTargetArn", Some("Arn"))?;
        Some(Redrive { dead_letter, max_receive_count: redrive.number("maxReceiveCount")? })
    });
    Some(queue)
}

/// Only its name matters here: its content is the stack's.
pub(super) fn read_secret(id: &str, resource: Properties<'_>) -> Secret {
    let name = resource.section("Properties", "a secret", &[SECRET]).and_then(|properties| properties.text("Name"));
    Secret { logical_id: id.to_owned(), name: name.unwrap_or_else(|| id.to_owned()) }
}
