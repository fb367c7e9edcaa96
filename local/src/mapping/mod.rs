//! The local event source mapping: polls a queue and invokes a function with batches of its messages.
//!
//! Like Lambda it deletes what the function handled and leaves the rest to reappear; how often a message may come, and
//! where it goes afterwards, is the queue's own business.

mod event;
mod queue;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::types::Message;
use bytes::Bytes;
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    lambda::{InvokeError, Lambda},
    template::QueueMapping,
};
use queue::Queue;

/// How many batches may be in work where the template sets no `MaximumConcurrency`: Lambda begins with five.
const UNBOUNDED_CONCURRENCY: usize = 5;
/// Lambda polls for 20 seconds; this is how long a stop or a change may take to be noticed here.
const POLL: Duration = Duration::from_secs(1);
/// A batch stops growing here, so that it stays under Lambda's 6 MB whatever one more receive brings.
const BATCH_BYTES: usize = 3 * 1024 * 1024;
/// While a function is throttled its batch waits, for as many of its timeouts as the queue's visibility allows:
/// six are the rule for a queue, and the last belongs to the invocation itself.
const THROTTLED_TIMEOUTS: u32 = 5;

/// Starts polling, if the mapping is enabled.
pub fn start(
    mapping: QueueMapping,
    queue_url: String,
    queue_arn: String,
    sqs: aws_sdk_sqs::Client,
    lambda: Lambda,
    function: String,
    function_timeout: Duration,
) -> MappingHandle {
    let initial = if mapping.enabled { Mode::On } else { Mode::Off };
    let (switch, wishes) = watch::channel(initial);
    let (reached, in_force) = watch::channel(Mode::Off);
    let concurrency = mapping.maximum_concurrency.map_or(UNBOUNDED_CONCURRENCY, |maximum| maximum as usize);
    let poller = Poller {
        worker: Arc::new(Worker {
            queue: Queue { sqs, url: queue_url, arn: queue_arn },
            reports_failures: mapping.report_batch_item_failures,
            lambda,
            function,
            patience: function_timeout * THROTTLED_TIMEOUTS,
        }),
        mapping,
        permits: Arc::new(Semaphore::new(concurrency)),
        wishes,
        reached,
    };
    MappingHandle { switch, in_force, task: tokio::spawn(poller.run()) }
}

/// A running mapping; dropped, it stops at once and leaves its messages to reappear.
#[derive(Debug)]
pub struct MappingHandle {
    switch: watch::Sender<Mode>,
    in_force: watch::Receiver<Mode>,
    task: JoinHandle<()>,
}

impl MappingHandle {
    /// Returns once it is in force. Disabled, the mapping receives nothing more; batches in work are finished.
    pub async fn set_enabled(&self, enabled: bool) {
        let wish = if enabled { Mode::On } else { Mode::Off };
        self.switch.send_replace(wish);
        // An error would mean that the poller is gone, which no setting can change.
        let mut in_force = self.in_force.clone();
        let _gone = in_force.wait_for(|mode| *mode == wish).await.is_err();
    }

    /// Gives back what was received but not yet handed to the function, and waits for the batches in work. Shut the
    /// Lambda down first if they must not be waited for.
    pub async fn stop(mut self) {
        self.switch.send_replace(Mode::Stopped);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "a queue's poller failed");
        }
    }
}

impl Drop for MappingHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    On,
    Off,
    Stopped,
}

struct Poller {
    worker: Arc<Worker>,
    mapping: QueueMapping,
    permits: Arc<Semaphore>,
    wishes: watch::Receiver<Mode>,
    reached: watch::Sender<Mode>,
}

impl Poller {
    async fn run(mut self) {
        let mut in_work = JoinSet::new();
        loop {
            while in_work.try_join_next().is_some() {}
            let mode = *self.wishes.borrow_and_update();
            self.reached.send_replace(mode);
            match mode {
                Mode::On => {}
                Mode::Off if self.wishes.changed().await.is_ok() => continue,
                Mode::Off | Mode::Stopped => break,
            }
            // A batch is received only when there is room for it: its visibility timeout runs from then on.
            let permit = select! {
                permit = self.permits.clone().acquire_owned() => permit,
                _ = self.wishes.changed() => continue,
            };
            let Ok(permit) = permit else { break };
            let batch = self.collect().await;
            if *self.wishes.borrow() != Mode::On {
                self.worker.queue.give_back(&batch).await;
            } else if !batch.is_empty() {
                in_work.spawn(self.worker.clone().work(batch, permit));
            }
        }
        while in_work.join_next().await.is_some() {}
    }

    /// Receives until the batch is full, its window is over or the mapping is switched; it may be empty.
    async fn collect(&self) -> Vec<Message> {
        let mut batch: Vec<Message> = Vec::new();
        let mut window_ends = None;
        loop {
            let missing = (self.mapping.batch_size as usize).saturating_sub(batch.len());
            let bytes: usize = batch.iter().map(|message| message.body().map_or(0, str::len)).sum();
            let left = window_ends.map_or(POLL, |end: Instant| end.saturating_duration_since(Instant::now()));
            if missing == 0 || bytes > BATCH_BYTES || left.is_zero() || *self.wishes.borrow() != Mode::On {
                return batch;
            }
            // SQS waits for whole seconds only; the last part of a window is slept through in small pieces.
            let wait = if left >= POLL { POLL } else { Duration::ZERO };
            match self.worker.queue.receive(missing, wait).await {
                Ok(messages) if messages.is_empty() && batch.is_empty() => return batch,
                Ok(messages) if messages.is_empty() && wait.is_zero() => sleep(left.min(POLL / 20)).await,
                Ok(messages) => {
                    window_ends = window_ends.or_else(|| Some(Instant::now() + self.mapping.window));
                    batch.extend(messages);
                }
                Err(error) => {
                    tracing::warn!(error, queue = self.worker.queue.arn, "a queue cannot be read");
                    sleep(POLL).await;
                    return batch;
                }
            }
        }
    }
}

struct Worker {
    queue: Queue,
    reports_failures: bool,
    lambda: Lambda,
    function: String,
    patience: Duration,
}

impl Worker {
    /// One batch, from the invocation to the deletion.
    async fn work(self: Arc<Self>, batch: Vec<Message>, _permit: OwnedSemaphorePermit) {
        match self.invoke(event::build(&batch, &self.queue.arn)).await {
            Ok(answer) if self.reports_failures => match event::succeeded(&answer, &batch) {
                Ok(succeeded) => self.queue.delete(&succeeded).await,
                Err(reason) => {
                    tracing::warn!(function = self.function, reason, "a batch's report is unusable: all of it failed");
                }
            },
            Ok(_) => self.queue.delete(&batch.iter().collect::<Vec<_>>()).await,
            Err(InvokeError::Stopped | InvokeError::Throttled | InvokeError::NotFound(_)) => {
                self.queue.give_back(&batch).await;
            }
            Err(error) => tracing::warn!(function = self.function, %error, "a batch failed as a whole"),
        }
    }

    async fn invoke(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            match self.lambda.invoke(&self.function, event.clone()).await {
                Err(InvokeError::Throttled) if begun.elapsed() < self.patience => {
                    sleep(pause).await;
                    pause = (pause * 2).min(POLL);
                }
                outcome => return outcome,
            }
        }
    }
}
