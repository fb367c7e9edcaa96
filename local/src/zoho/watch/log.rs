//! The notifications that were sent, with their answers, and those that are held.

use std::collections::VecDeque;

use reqwest::Url;
use serde::Serialize;
use serde_json::{Value, json};

/// Older ones are forgotten.
const KEPT: usize = 2_000;

#[derive(Debug, Default)]
pub(in crate::zoho) struct Log {
    held: Vec<Notification>,
    sent: VecDeque<Sent>,
    /// How many were lost on order.
    pub(super) dropped: usize,
    /// How many were sent, forgotten ones included.
    pub(in crate::zoho) count: u64,
    last_number: u64,
}

/// One POST to a client of the CRM.
#[derive(Clone, Debug, Serialize)]
pub(in crate::zoho) struct Notification {
    pub(in crate::zoho) number: u64,
    #[serde(skip)]
    pub(in crate::zoho) url: Url,
    pub(in crate::zoho) body: Value,
}

#[derive(Debug, Serialize)]
struct Sent {
    #[serde(flatten)]
    notification: Notification,
    attempts: u32,
    /// The status of the last answer; `null` while there is none.
    status: Option<u16>,
    /// Why there was no answer.
    error: Option<String>,
}

impl Log {
    /// A notification that is sent now.
    pub(in crate::zoho) fn due(&mut self, url: Url, body: Value) -> Notification {
        let notification = self.number(url, body);
        if self.sent.len() == KEPT {
            self.sent.pop_front();
        }
        self.count += 1;
        self.sent.push_back(Sent { notification: notification.clone(), attempts: 0, status: None, error: None });
        notification
    }

    /// Keeps a notification back.
    pub(super) fn hold(&mut self, url: Url, body: Value) {
        let notification = self.number(url, body);
        self.held.push(notification);
    }

    /// What is held, oldest first, at most so many; the rest stays.
    pub(in crate::zoho) fn take_held(&mut self, most: usize) -> Vec<Notification> {
        let most = most.min(self.held.len());
        self.held.drain(..most).collect()
    }

    pub(in crate::zoho) fn drop_held(&mut self) -> usize {
        let held = std::mem::take(&mut self.held).len();
        self.dropped += held;
        held
    }

    /// Notes how an attempt ended.
    pub(in crate::zoho) fn answered(&mut self, number: u64, answer: &Result<u16, String>) {
        // From the end, since it is among the last ones.
        if let Some(sent) = self.sent.iter_mut().rev().find(|sent| sent.notification.number == number) {
            sent.attempts += 1;
            sent.status = answer.as_ref().ok().copied();
            sent.error = answer.as_ref().err().cloned();
        }
    }

    /// An empty log that gives no number twice, since some may be under way.
    pub(in crate::zoho) fn forget(self) -> Self {
        Self { last_number: self.last_number, ..Self::default() }
    }

    pub(in crate::zoho) fn listed(&self) -> Value {
        json!({ "held": self.held, "sent": self.sent, "dropped": self.dropped, "count": self.count })
    }

    fn number(&mut self, url: Url, body: Value) -> Notification {
        self.last_number += 1;
        Notification { number: self.last_number, url, body }
    }
}
