//! The local `EventBridge` scheduler: invokes a function at the rhythm of its `ScheduleV2` event.

use bytes::Bytes;
use serde_json::json;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    lambda::{Lambda, host},
    template::{Rhythm, Schedule},
};

/// Starts the schedule, unless its state is `DISABLED`. A rate's first invocation comes at once, as in the cloud (without
/// a `StartDate`): who starts a stack with a flag on does not wait for twelve hours.
///
/// A failure is logged and not repeated: the next time comes anyway. A function that takes longer than its period is
/// invoked beside itself, as in the cloud.
pub fn start(schedule: Schedule, lambda: Lambda, function: String) -> ScheduleHandle {
    let enabled = schedule.enabled;
    let firing = Firing { schedule, lambda, function };
    ScheduleHandle { task: enabled.then(|| tokio::spawn(firing.run())) }
}

/// A running schedule; dropped, it fires no more. An invocation in work goes on.
#[derive(Debug)]
pub struct ScheduleHandle {
    task: Option<JoinHandle<()>>,
}

impl ScheduleHandle {
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for ScheduleHandle {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Firing {
    schedule: Schedule,
    lambda: Lambda,
    function: String,
}

impl Firing {
    async fn run(self) {
        match &self.schedule.rhythm {
            Rhythm::Every(period) => {
                let mut ticks = interval(*period);
                // A laptop that slept does not catch up.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
                loop {
                    ticks.tick().await;
                    self.fire();
                }
            }
            cron @ Rhythm::Cron(_) => {
                while let Some(pause) = cron.pause_after(host::now()) {
                    sleep(pause).await;
                    self.fire();
                }
            }
        }
    }

    fn fire(&self) {
        let (lambda, function, payload) = (self.lambda.clone(), self.function.clone(), self.payload());
        tokio::spawn(async move {
            if let Err(error) = lambda.invoke(&function, payload).await {
                tracing::warn!(function, %error, "a scheduled invocation failed");
            }
        });
    }

    /// The template's `Input`, or the notification that `EventBridge` sends in its place.
    fn payload(&self) -> Bytes {
        let default = || {
            let now = host::now();
            json!({
                "version": "0",
                "id": host::request_id(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": "000000000000",
                "time": now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "region": "us-east-1",
                "resources": [format!("arn:aws:scheduler:us-east-1:000000000000:schedule/default/{}", self.schedule.name)],
                "detail": "{}",
            })
        };
        self.schedule.input.clone().unwrap_or_else(default).to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use serde_json::Value;

    use super::*;
    use crate::lambda::test_function;

    /// The events that the function got within a few periods of 50 ms.
    async fn events(input: Option<Value>, enabled: bool) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let spec = test_function::spec(folder.path(), "sweep", "echo");
        let log = spec.log.clone();
        let lambda = Lambda::start(vec![spec]).await.unwrap();
        let rhythm = Rhythm::Every(Duration::from_millis(50));
        let schedule = Schedule { name: "Minute".into(), rhythm, enabled, input };
        let read = || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let events = text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("event ")?).ok());
            events.collect::<Vec<Value>>()
        };

        let running = start(schedule, lambda.clone(), "sweep".into());
        let patience = Duration::from_millis(if enabled { 5_000 } else { 200 });
        let twice = tokio::time::timeout(patience, async {
            while read().len() < 2 {
                sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(twice.await.is_ok(), enabled);
        running.stop();
        lambda.shutdown().await;
        read()
    }

    #[tokio::test]
    async fn a_schedule_fires_again_and_again_with_its_input() {
        let events = events(Some(json!({ "limit": 5 })), true).await;

        assert!(events.iter().all(|event| *event == json!({ "limit": 5 })), "{events:?}");
    }

    #[tokio::test]
    async fn without_an_input_the_schedulers_own_notification_is_sent() {
        let events = events(None, true).await;

        assert_eq!(events[0]["source"], "aws.scheduler");
        assert_eq!(events[0]["detail-type"], "Scheduled Event");
    }

    #[tokio::test]
    async fn a_disabled_schedule_never_fires() {
        assert_eq!(events(Some(json!({})), false).await, Vec::<Value>::new());
    }
}
