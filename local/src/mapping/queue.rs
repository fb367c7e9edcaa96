//! The three calls to SQS that a mapping makes.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    error::DisplayErrorContext,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
    },
};

/// The most messages that one call of SQS takes or gives.
const PER_CALL: usize = 10;

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) sqs: Client,
    pub(super) url: String,
    pub(super) arn: String,
}

impl Queue {
    /// Up to `count` messages, for the queue's own visibility timeout. `wait` counts in whole seconds.
    pub(super) async fn receive(&self, count: usize, wait: Duration) -> Result<Vec<Message>, String> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(whole(count.min(PER_CALL)))
            .wait_time_seconds(whole(wait.as_secs()))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| DisplayErrorContext(error).to_string())?;
        Ok(received.messages.unwrap_or_default())
    }

    /// What cannot be deleted comes again, as in Lambda; the function has to bear that.
    pub(super) async fn delete(&self, messages: &[&Message]) {
        for chunk in messages.chunks(PER_CALL) {
            let entries = chunk.iter().enumerate().map(|(index, message)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .build()
            });
            let Ok(entries) = entries.collect::<Result<Vec<_>, _>>() else { continue };
            match self.sqs.delete_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
                Ok(done) if done.failed().is_empty() => {}
                Ok(done) => tracing::warn!(failed = done.failed().len(), queue = self.arn, "messages were not deleted"),
                Err(error) => {
                    tracing::warn!(error = %DisplayErrorContext(error), queue = self.arn, "messages were not deleted");
                }
            }
        }
    }

    /// Makes the messages visible at once.
    pub(super) async fn give_back(&self, messages: &[Message]) {
        for chunk in messages.chunks(PER_CALL) {
            let entries = chunk.iter().enumerate().map(|(index, message)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .visibility_timeout(0)
                    .build()
            });
            let Ok(entries) = entries.collect::<Result<Vec<_>, _>>() else { continue };
            let call = self.sqs.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Err(error) = call.send().await {
                tracing::warn!(error = %DisplayErrorContext(error), queue = self.arn, "messages were not given back");
            }
        }
    }
}

fn whole(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
