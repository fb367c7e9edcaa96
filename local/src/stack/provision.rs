//! Makes the queues and secrets that the template declares.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::try_join_all;
use serde_json::json;

use super::secrets::Contents;
use crate::services::aws::Account;
use crate::template::{self, Resource, Resources, Template};

/// Where a queue is.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) url: String,
    pub(super) arn: String,
}

/// What was made, by logical id.
#[derive(Debug)]
pub(super) struct Provisioned {
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) resources: Resources,
}

/// Makes all of them in `account`.
pub(super) async fn provision(
    template: &Template,
    account: &Account,
    contents: &Contents<'_>,
) -> anyhow::Result<Provisioned> {
    let (queues, secrets) =
        tokio::try_join!(make_queues(template, account), make_secrets(template, account, contents))?;
    let queue_resources = template.queues.iter().filter_map(|queue| {
        let made = queues.get(&queue.logical_id)?;
        let attributes = [("Arn", &made.arn), ("QueueName", &queue.name), ("QueueUrl", &made.url)];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.clone())).into();
        Some((queue.logical_id.clone(), Resource { reference: made.url.clone(), attributes }))
    });
    let secret_resources = secrets.into_iter().map(|(logical_id, arn)| {
        let attributes = BTreeMap::from([("Id".to_owned(), arn.clone())]);
        (logical_id, Resource { reference: arn, attributes })
    });
    let resources = Resources(queue_resources.chain(secret_resources).collect());
    Ok(Provisioned { queues, resources })
}

/// Dead letter queues come first: the others' redrive policies name their ARNs.
async fn make_queues(template: &Template, account: &Account) -> anyhow::Result<BTreeMap<String, Queue>> {
    let sqs = account.sqs();
    let (redriven, plain): (Vec<_>, Vec<_>) = template.queues.iter().partition(|queue| queue.redrive.is_some());
    let plain = plain.into_iter().map(|queue| make_queue(&sqs, queue, None));
    let mut made: BTreeMap<_, _> = try_join_all(plain).await?.into_iter().collect();
    let redriven = redriven.into_iter().map(|queue| make_queue(&sqs, queue, Some(&made)));
    let redriven = try_join_all(redriven).await?;
    made.extend(redriven);
    Ok(made)
}

async fn make_queue(
    sqs: &aws_sdk_sqs::Client,
    queue: &template::Queue,
    dead_letters: Option<&BTreeMap<String, Queue>>,
) -> anyhow::Result<(String, Queue)> {
    let mut request = sqs.create_queue().queue_name(&queue.name);
    for (name, value) in &queue.attributes {
        request = request.attributes(QueueAttributeName::from(name.as_str()), value);
    }
    if let Some(redrive) = &queue.redrive {
        let target = dead_letters.and_then(|made| made.get(&redrive.dead_letter)).with_context(|| {
            format!("{}: the dead letter queue {} is missing or has one itself", queue.logical_id, redrive.dead_letter)
        })?;
        let policy = json!({ "deadLetterTargetArn": target.arn, "maxReceiveCount": redrive.max_receive_count });
        request = request.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
    }
    let creating = || format!("creating the queue {}", queue.name);
    let url = request.send().await.with_context(creating)?.queue_url.with_context(creating)?;
    let wanted = QueueAttributeName::QueueArn;
    let attributes = sqs.get_queue_attributes().queue_url(&url).attribute_names(wanted.clone());
    let mut attributes = attributes.send().await.with_context(creating)?.attributes.unwrap_or_default();
    let arn = attributes.remove(&wanted).with_context(creating)?;
    Ok((queue.logical_id.clone(), Queue { url, arn }))
}

/// The ARNs by logical id.
async fn make_secrets(
    template: &Template,
    account: &Account,
    contents: &Contents<'_>,
) -> anyhow::Result<Vec<(String, String)>> {
    let client = account.secrets();
    try_join_all(template.secrets.iter().map(async |secret| {
        let creating = || format!("creating the secret {}", secret.name);
        let content = contents.of(&secret.logical_id)?.to_string();
        let made = client.create_secret().name(&secret.name).secret_string(content).send().await;
        let arn = made.with_context(creating)?.arn.with_context(creating)?;
        Ok((secret.logical_id.clone(), arn))
    }))
    .await
}
