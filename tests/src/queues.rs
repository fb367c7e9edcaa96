//! Queues and what waits in them.

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::json;
use uuid::Uuid;

use crate::system::{System, eventually};

/// The queues that wake workers, by their logical ids.
const QUEUES: [&str; 5] =
    ["SyncZohoQueue", "PullZohoQueue", "FanOutGalleryQueue", "SendAlertsQueue", "DeliverWebhookQueue"];

impl System {
    /// Puts a message on a queue; a second copy of one that was sent is what SQS itself delivers now and then.
    pub async fn put_message(&self, queue: &str, body: &str) {
        let url = self.queue(queue);
        self.stack().sqs().send_message().queue_url(url).message_body(body).send().await.expect("the queue takes it");
    }

    /// The messages that wait in a queue, ten at most; they stay there.
    pub async fn messages(&self, queue: &str) -> Vec<Message> {
        let receive = self.stack().sqs().receive_message().queue_url(self.queue(queue)).max_number_of_messages(10);
        let received = receive.visibility_timeout(0).message_attribute_names("All").send().await;
        received.expect("the queue answers").messages.unwrap_or_default()
    }

    /// Waits until every message that wakes a worker has been worked on.
    pub async fn woken(&self) {
        for queue in QUEUES {
            eventually("the queues are empty", || async { (self.depth(queue).await == 0).then_some(()) }).await;
        }
    }

    /// Wakes a worker for these tasks, as its queue would, and returns when it has finished.
    pub async fn wake(&self, kind: &str, keys: &[Uuid]) {
        let body = json!({ "kind": kind, "keys": keys }).to_string();
        let event = json!({ "Records": [{ "messageId": "by-hand", "body": body }] });
        // One worker has two kinds.
        let worker = if kind == "deliver-user-webhook" { "deliver-webhook" } else { kind };
        let answer = self.invoke(worker, &event).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{kind} did not take the message");
    }

    /// How many messages wait in a queue or are worked on.
    async fn depth(&self, queue: &str) -> u32 {
        let [waiting, taken] = self.messages_in(queue).await;
        waiting + taken
    }

    /// How many messages wait in a queue, and how many somebody has taken: to work on them, or to die over them.
    pub(crate) async fn messages_in(&self, queue: &str) -> [u32; 2] {
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.stack().sqs().get_queue_attributes().queue_url(self.queue(queue));
        let answer = request.set_attribute_names(Some(wanted.to_vec())).send().await.expect("the queue answers");
        let attributes = answer.attributes.unwrap_or_default();
        wanted.map(|name| attributes.get(&name).map_or(0, |count| count.parse().expect("a count is a number")))
    }

    fn queue(&self, logical_id: &str) -> &str {
        self.stack().queue_url(logical_id).unwrap_or_else(|| panic!("the template has no queue {logical_id}"))
    }
}
