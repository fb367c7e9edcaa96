//! SQS: messages in, tasks to work on out, and what an [`Error`] means for the message.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::MessageAttributeValue;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::start::{Start, StartError};
use crate::config::ConfigError;
use crate::error::Error;
use crate::queue::{MOST_KEYS, Message};
use crate::tasks::Kind;

/// What a worker is asked to look at, and how long it has.
#[derive(Clone, Debug)]
pub struct Wakeup {
    pub kind: Kind,
    pub keys: Vec<Uuid>,
    pub time: TimeLeft,
}

/// Until when this invocation runs. No call to the outside starts unless its timeout and the recording of its
/// outcome still fit in.
#[derive(Clone, Copy, Debug)]
pub struct TimeLeft {
    ends: SystemTime,
}

/// What recording an outcome may take.
const RECORDING: Duration = Duration::from_secs(3);

impl TimeLeft {
    pub fn until(ends: SystemTime) -> Self {
        Self { ends }
    }

    /// Whether a call with this timeout, and the recording of its outcome, still fit in.
    pub fn fits(self, call: Duration) -> bool {
        self.left() > call + RECORDING
    }

    /// How long a lease must be so that it outlives this invocation.
    pub fn lease(self) -> Duration {
        self.left() + Duration::from_secs(10)
    }

    #[expect(clippy::disallowed_methods, reason = "Lambda gives its deadline by this machine's clock")]
    fn left(self) -> Duration {
        self.ends.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
}

/// Works on messages of these kinds with `handle` until the environment ends. A message that cannot be read goes to
/// the dead-letter queue at once, with its reason; those of a kind are handled together. If `handle` fails, its
/// messages come back after the visibility timeout.
pub async fn run<S, H, F>(start: &Start, kinds: &'static [Kind], state: S, handle: H) -> Result<(), StartError>
where
    H: Fn(&'static S, Wakeup) -> F,
    F: Future<Output = Result<(), Error>>,
    S: 'static,
{
    let state: &'static S = Box::leak(Box::new(state));
    let dead_letters = DeadLetters::read(start)?;
    let (handle, dead_letters) = (&handle, &dead_letters);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        let time = TimeLeft::until(event.context.deadline());
        let (readable, unreadable) = sorted(kinds, event.payload.records);
        let mut failed = Vec::new();
        for (record, reason) in unreadable {
            if let Err(error) = dead_letters.put(&record.body, &reason).await {
                tracing::error!(message = record.message_id, error = error.chain(), "a message cannot be put aside");
                failed.push(record.message_id);
            }
        }
        for (kind, messages) in readable {
            let (ids, keys): (Vec<String>, Vec<Vec<Uuid>>) = messages.into_iter().unzip();
            let wakeup = Wakeup { kind, keys: keys.concat(), time };
            // Boxed: the start of a function does not carry all of its work along.
            if let Err(error) = Box::pin(handle(state, wakeup)).await {
                tracing::error!(kind = kind.as_str(), error = error.chain(), "the messages come back later");
                failed.extend(ids);
            }
        }
        let failures: Vec<Value> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        Ok::<_, StartError>(json!({ "batchItemFailures": failures }))
    }))
    .await
}

/// A message's id and the keys that it names.
type Readable = (String, Vec<Uuid>);
/// A message and why it cannot be read.
type Unreadable = (Record, String);

/// The messages of these kinds, and what is none, with the reason.
fn sorted(kinds: &[Kind], records: Vec<Record>) -> (BTreeMap<Kind, Vec<Readable>>, Vec<Unreadable>) {
    let mut readable: BTreeMap<Kind, Vec<Readable>> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for record in records {
        match serde_json::from_str::<Message>(&record.body) {
            Ok(message) if !kinds.contains(&message.kind) => {
                let queue = kinds.first().map_or("nobody", |kind| kind.as_str());
                let reason = format!("a message for {} in the queue of {queue}", message.kind.as_str());
                unreadable.push((record, reason));
            }
            Ok(message) if message.keys.len() <= MOST_KEYS => {
                readable.entry(message.kind).or_default().push((record.message_id, message.keys));
            }
            Ok(message) => {
                let reason = format!("it names {} keys; {MOST_KEYS} are allowed", message.keys.len());
                unreadable.push((record, reason));
            }
            // The category and the place, not serde_json's sentence: that may quote the body.
            Err(error) => {
                let reason =
                    format!("not a message of ours: {:?} error at column {}", error.classify(), error.column());
                unreadable.push((record, reason));
            }
        }
    }
    (readable, unreadable)
}

/// The worker's dead-letter queue, for messages that no retry can mend.
struct DeadLetters {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl DeadLetters {
    fn read(start: &Start) -> Result<Self, ConfigError> {
        let url = start.environment.required("DEAD_LETTER_QUEUE_URL")?.to_owned();
        Ok(Self { client: start.sqs()?, url })
    }

    async fn put(&self, body: &str, reason: &str) -> Result<(), Error> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| Error::internal("a message attribute cannot be built", error))?;
        let sent =
            self.client.send_message().queue_url(&self.url).message_body(body).message_attributes("reason", reason);
        sent.send().await.map_err(|error| Error::unavailable("the dead-letter queue", error.into_service_error()))?;
        tracing::warn!("a message that cannot be read was put aside in the dead-letter queue");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &str) -> Record {
        Record { message_id: "m".to_owned(), body: body.to_owned() }
    }

    #[test]
    fn what_is_no_message_of_ours_is_told_without_quoting_it() {
        let (readable, unreadable) =
            sorted(&[Kind::SyncZoho], vec![record("sheree@example.com"), record(r#"{"kind":"x","keys":[]}"#)]);

        assert!(readable.is_empty());
        assert!(
            unreadable
                .iter()
                .all(|(_, reason)| reason.starts_with("not a message of ours") && !reason.contains("sheree"))
        );
    }

    #[test]
    fn messages_of_one_kind_are_handled_together() {
        let body = r#"{"kind":"sync-zoho","keys":["01970000-0000-7000-8000-000000000001"]}"#;

        let (readable, unreadable) = sorted(&[Kind::SyncZoho], vec![record(body), record(body)]);

        assert!(unreadable.is_empty());
        assert_eq!(readable[&Kind::SyncZoho].len(), 2);
    }
}
