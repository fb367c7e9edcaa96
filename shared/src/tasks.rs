//! Follow-up work: which kinds there are, and how long to wait after a failure. The rows are
//! [`db::tasks`](crate::db::tasks)'s.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A kind of task: one queue and one worker each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Make Zoho's Contact match a user; the key is the user's id.
    SyncZoho,
    /// Make one alert for every parent of a live gallery; the key is the gallery's id.
    FanOutGallery,
    /// Send one batch of alerts; the key is the batch's id.
    SendAlerts,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::SyncZoho, Self::FanOutGallery, Self::SendAlerts];

    /// As it stands in `tasks.kind`, in messages and in the name of its worker.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SyncZoho => "sync-zoho",
            Self::FanOutGallery => "fan-out-gallery",
            Self::SendAlerts => "send-alerts",
        }
    }

    /// The flag without which tasks of this kind wait; they are written either way.
    pub const fn flag(self) -> Option<&'static str> {
        match self {
            Self::SyncZoho => Some("ENABLE_ZOHO_SYNC"),
            // ENABLE_EMAIL_ALERTS pauses nothing: while it is off, alerts are made and held.
            Self::FanOutGallery | Self::SendAlerts => None,
        }
    }

    /// How many tasks one invocation takes, and so how many keys one message names.
    pub const fn batch_size(self) -> usize {
        match self {
            // What Zoho takes in one call.
            Self::SyncZoho => 100,
            // One statement, or one transmission.
            Self::FanOutGallery | Self::SendAlerts => 1,
        }
    }

    /// How many messages are worth sending at once: more would only wait in the queue.
    pub const fn concurrency(self) -> usize {
        match self {
            Self::SyncZoho | Self::FanOutGallery => 2,
            Self::SendAlerts => 5,
        }
    }
}

/// Why a task did not succeed, for an operator to read and act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable; the other side's own code where it has one.
    pub code: String,
    pub message: String,
    /// The other side's field, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Failure {
    /// The message is cut to what the column takes.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: bounded(&code.into(), 100), message: bounded(&message.into(), 400), field: None }
    }

    #[must_use]
    pub fn in_field(mut self, field: Option<impl Into<String>>) -> Self {
        self.field = field.map(|field| bounded(&field.into(), 100));
        self
    }
}

/// Somebody else's text: cut, and without control characters, which jsonb does not take.
fn bounded(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// The longest that a task waits between two attempts.
const LONGEST: Duration = Duration::from_hours(1);

/// How long to wait after the `attempts`-th attempt: 10 s, 20 s, 40 s … an hour, of which a random half is
/// taken off, so that what failed together does not come back together. `random` lies in `0.0..1.0`.
pub fn backoff(attempts: u32, random: f64) -> Duration {
    let full = Duration::from_secs(10).saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST);
    full.mul_f64(1.0 - random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 3, 9, 10, 4_000_000].map(|attempt| backoff(attempt, 0.0).as_secs()).into();

        assert_eq!(waits, [10, 10, 20, 40, 2560, 3600, 3600]);
    }

    #[test]
    fn at_most_half_of_the_wait_is_taken_off() {
        assert_eq!(backoff(2, 0.999_999).as_secs(), 10);
    }
}
