//! Follow-up work: which kinds there are, and how long to wait after a failure. The rows are
//! [`db::tasks`](crate::db::tasks)'s.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{CrmId, Invalid};

/// A kind of task: one queue and one worker each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Make the records of the CRM match a user; the key is the user's id.
    SyncZoho,
    /// Make one alert for every parent of a live gallery; the key is the gallery's id.
    FanOutGallery,
    /// Send one batch of alerts; the key is the batch's id.
    SendAlerts,
    /// Tell one endpoint of one event; the key is the delivery's id.
    DeliverWebhook,
    /// The same for events about people, which wait while `ENABLE_ZOHO_SYNC` is off.
    DeliverUserWebhook,
    /// Take over what has changed in the CRM; the key is [`CrmRecord::key`](crate::domain::event::CrmRecord::key).
    PullZoho,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::SyncZoho,
        Self::FanOutGallery,
        Self::SendAlerts,
        Self::DeliverWebhook,
        Self::DeliverUserWebhook,
        Self::PullZoho,
    ];

    /// As it stands in `tasks.kind` and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SyncZoho => "sync-zoho",
            Self::FanOutGallery => "fan-out-gallery",
            Self::SendAlerts => "send-alerts",
            Self::DeliverWebhook => "deliver-webhook",
            Self::DeliverUserWebhook => "deliver-user-webhook",
            Self::PullZoho => "pull-zoho",
        }
    }

    /// Its queue and its worker.
    pub const fn worker(self) -> &'static str {
        match self {
            Self::DeliverUserWebhook => Self::DeliverWebhook.as_str(),
            Self::SyncZoho | Self::FanOutGallery | Self::SendAlerts | Self::DeliverWebhook | Self::PullZoho => {
                self.as_str()
            }
        }
    }

    /// The flag without which tasks of this kind wait; they are written either way.
    pub const fn flag(self) -> Option<&'static str> {
        match self {
            Self::SyncZoho | Self::DeliverUserWebhook | Self::PullZoho => Some("ENABLE_ZOHO_SYNC"),
            // ENABLE_EMAIL_ALERTS pauses nothing: while it is off, alerts are made and held.
            Self::FanOutGallery | Self::SendAlerts | Self::DeliverWebhook => None,
        }
    }

    /// How many tasks one invocation takes, and so how many keys one message names.
    pub const fn batch_size(self) -> usize {
        match self {
            // What Zoho takes in one call.
            Self::SyncZoho | Self::PullZoho => 100,
            // Calls that one invocation makes at the same time.
            Self::DeliverWebhook | Self::DeliverUserWebhook => 20,
            // One statement, or one transmission.
            Self::FanOutGallery | Self::SendAlerts => 1,
        }
    }

    /// How many messages are worth sending at once: more would only wait in the queue.
    pub const fn concurrency(self) -> usize {
        match self {
            Self::SyncZoho | Self::FanOutGallery | Self::PullZoho => 2,
            Self::SendAlerts | Self::DeliverWebhook | Self::DeliverUserWebhook => 5,
        }
    }
}

/// Who goes first among the tasks of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it.
    Now,
    /// It has waited anyway, or nobody would notice: what was written while its flag was off, and what is looked for by
    /// the clock. While credits are short, only the others go on.
    Backfill,
}

impl Priority {
    pub const ALL: [Self; 2] = [Self::Now, Self::Backfill];

    /// Of a task that is written while its flag is on or off.
    pub const fn of_flag(enabled: bool) -> Self {
        if enabled { Self::Now } else { Self::Backfill }
    }

    /// As it stands in `tasks.priority`.
    pub const fn as_i16(self) -> i16 {
        match self {
            Self::Now => 0,
            Self::Backfill => 1,
        }
    }
}

impl FromStr for Kind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or_else(|| Invalid::not_one_of(&Self::ALL.map(Self::as_str)))
    }
}

/// Tasks that a transaction has asked for: whom to wake once it has committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "workers are woken after the commit"]
pub struct FollowUp(BTreeMap<Kind, Vec<Uuid>>);

impl FollowUp {
    pub fn of(kind: Kind, keys: &[Uuid]) -> Self {
        let mut follow_up = Self::default();
        if !keys.is_empty() {
            follow_up.0.insert(kind, keys.to_vec());
        }
        follow_up
    }

    pub fn and(&mut self, other: Self) {
        for (kind, keys) in other.0 {
            self.0.entry(kind).or_default().extend(keys);
        }
    }

    /// Those of one kind.
    pub fn keys(&self, kind: Kind) -> &[Uuid] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
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
    /// The other side's record that stands in the way, where there is one: a change of it may end the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// The code of a task that is done again because the other side had changed what it was about meanwhile.
pub const CHANGED_MEANWHILE: &str = "changed-meanwhile";
/// The code of one that is done again because somebody on our side had.
pub const OVERTAKEN: &str = "overtaken";

impl Failure {
    /// The message is cut to what the column takes.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: bounded(&code.into(), 100), message: bounded(&message.into(), 400), field: None, record: None }
    }

    #[must_use]
    pub fn in_field(mut self, field: Option<impl Into<String>>) -> Self {
        self.field = field.map(|field| bounded(&field.into(), 100));
        self
    }

    #[must_use]
    pub fn because_of(mut self, record: Option<&CrmId>) -> Self {
        self.record = record.map(|record| record.as_str().to_owned());
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
    fn every_kind_has_its_name_its_worker_its_flag_and_its_sizes() {
        let zoho = Some("ENABLE_ZOHO_SYNC");
        let expected = [
            (Kind::SyncZoho, "sync-zoho", "sync-zoho", zoho, 100, 2),
            (Kind::FanOutGallery, "fan-out-gallery", "fan-out-gallery", None, 1, 2),
            (Kind::SendAlerts, "send-alerts", "send-alerts", None, 1, 5),
            (Kind::DeliverWebhook, "deliver-webhook", "deliver-webhook", None, 20, 5),
            (Kind::DeliverUserWebhook, "deliver-user-webhook", "deliver-webhook", zoho, 20, 5),
            (Kind::PullZoho, "pull-zoho", "pull-zoho", zoho, 100, 2),
        ];

        let found = Kind::ALL
            .map(|kind| (kind, kind.as_str(), kind.worker(), kind.flag(), kind.batch_size(), kind.concurrency()));

        assert_eq!(found, expected);
        for (kind, name, ..) in expected {
            assert_eq!(name.parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
        assert!("sync".parse::<Kind>().unwrap_err().message.contains("sync-zoho, fan-out-gallery"));
    }

    #[test]
    fn what_somebody_waits_for_comes_before_what_has_waited_anyway() {
        assert_eq!(Priority::ALL.map(Priority::as_i16), [0, 1]);
        assert_eq!([true, false].map(Priority::of_flag), [Priority::Now, Priority::Backfill]);
    }

    #[test]
    fn whom_to_wake_is_kept_by_kind_and_added_up() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let mut follow_up = FollowUp::of(Kind::SyncZoho, &[one]);

        follow_up.and(FollowUp::of(Kind::SyncZoho, &[two]));
        follow_up.and(FollowUp::of(Kind::PullZoho, &[three]));

        assert_eq!(follow_up.keys(Kind::SyncZoho), [one, two]);
        assert_eq!(follow_up.keys(Kind::PullZoho), [three]);
        assert!(follow_up.keys(Kind::SendAlerts).is_empty());
        assert_eq!(FollowUp::of(Kind::SyncZoho, &[]), FollowUp::default());
    }

    #[test]
    fn a_failure_is_cut_to_its_column_and_keeps_what_is_to_blame() {
        let record: CrmId = "17".parse().unwrap();

        let failure = Failure::new("c".repeat(101), "m\u{0}".repeat(401))
            .in_field(Some("f".repeat(101)))
            .because_of(Some(&record));

        assert_eq!((failure.code.len(), failure.message.len()), (100, 400));
        assert!(!failure.message.contains('\u{0}'));
        assert_eq!(failure.field.map(|field| field.len()), Some(100));
        assert_eq!(failure.record.as_deref(), Some("17"));
        let bare = Failure::new("code", "message").in_field(None::<String>).because_of(None);
        assert_eq!((bare.field, bare.record), (None, None));
    }

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
