//! SQS: wakes workers. A message only names tasks; losing it costs a minute.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bounds;
use crate::config::{ConfigError, Environment};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// The most keys that one message may name.
pub const MOST_KEYS: usize = 100;

/// `{"kind":"sync-zoho","keys":["0197…"]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub kind: Kind,
    pub keys: Vec<Uuid>,
}

/// The queues of the kinds that a function may ask for and whose flag is on.
#[derive(Clone, Debug, Default)]
pub struct Queues(Vec<Queue>);

impl Queues {
    pub fn new(queues: Vec<Queue>) -> Self {
        Self(queues)
    }

    /// After a commit: wakes the workers of what was asked for. Tasks whose flag is off wait.
    pub async fn wake(&self, follow_up: &FollowUp) {
        let asked = self.0.iter().map(|queue| (queue, follow_up.keys(queue.kind))).filter(|(_, keys)| !keys.is_empty());
        // At once: what bounds one bounds all.
        join_all(asked.map(|(queue, keys)| queue.wake(keys))).await;
    }

    /// Says that more of a kind is due; see [`Queue::nudge`].
    pub async fn nudge(&self, kind: Kind) -> Result<(), Error> {
        match self.0.iter().find(|queue| queue.kind == kind) {
            Some(queue) => queue.nudge().await,
            None => Ok(()),
        }
    }

    pub fn as_slice(&self) -> &[Queue] {
        &self.0
    }
}

/// The queue of one kind of task.
#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    kind: Kind,
    url: String,
}

impl Queue {
    /// The URL stands in `<WORKER>_QUEUE_URL`, like `SYNC_ZOHO_QUEUE_URL`.
    pub fn read(client: aws_sdk_sqs::Client, environment: &Environment, kind: Kind) -> Result<Self, ConfigError> {
        let name = format!("{}_QUEUE_URL", kind.worker().to_uppercase().replace('-', "_"));
        let url = environment.required(&name)?.to_owned();
        Ok(Self { client, kind, url })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// After a commit: wakes as many workers as can run at once. What cannot be sent, or not within [`bounds::WAKE`], is
    /// logged and not an error, since the sweep sends it again.
    pub async fn wake(&self, keys: &[Uuid]) {
        let worth_sending = self.kind.batch_size() * self.kind.concurrency();
        let messages = keys.iter().copied().take(worth_sending).collect::<Vec<_>>();
        let sent = tokio::time::timeout(bounds::WAKE, self.send(&messages, &[])).await;
        let error = match sent {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.chain(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(kind = self.kind.as_str(), error, "no message was sent; the sweep will send one");
    }

    /// Says that more is due, without saying what: the worker takes whatever comes first.
    pub async fn nudge(&self) -> Result<(), Error> {
        self.send_batches(&[&[]]).await.map(drop)
    }

    /// Sends messages for these tasks, a worker's batch in each, and one message for each group that must run
    /// apart; ten messages a call. Returns how many messages were sent.
    pub async fn send(&self, together: &[Uuid], apart: &[Vec<Uuid>]) -> Result<usize, Error> {
        let together = together.chunks(self.kind.batch_size().min(MOST_KEYS));
        let batches: Vec<&[Uuid]> = together.chain(apart.iter().map(Vec::as_slice)).collect();
        self.send_batches(&batches).await
    }

    async fn send_batches(&self, batches: &[&[Uuid]]) -> Result<usize, Error> {
        let bodies: Vec<String> = batches
            .iter()
            .map(|keys| serde_json::to_string(&Message { kind: self.kind, keys: keys.to_vec() }))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::internal("a message cannot be written", error))?;
        for ten in bodies.chunks(10) {
            self.send_ten(ten).await?;
        }
        Ok(bodies.len())
    }

    async fn send_ten(&self, bodies: &[String]) -> Result<(), Error> {
        let entries = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| {
                SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::internal("a message cannot be built", error))?;
        let reply = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let reply = reply.map_err(|error| Error::unavailable("the queue", error.into_service_error()))?;
        match reply.failed().first() {
            Some(failed) => Err(Error::unavailable("the queue", failed.code().to_owned())),
            None => Ok(()),
        }
    }
}
