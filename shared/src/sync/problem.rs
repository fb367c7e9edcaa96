//! Why something at Zoho did not succeed, by what has to be done about it.

use std::time::Duration;

use crate::db::Unreadable;
use crate::db::tasks::{ClaimedTask, Outcome};
use crate::domain::CrmId;
use crate::tasks::{CHANGED_MEANWHILE, Failure, OVERTAKEN, backoff};
use crate::zoho::{RecordError, ZohoError};

/// Why something did not succeed.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// What was read is no longer so: read again, at once.
    Stale(Failure),
    /// It goes on by itself, after the usual backoff or after this long.
    Later(Option<Duration>, Failure),
    /// Zoho fails on this one alone and takes others: a few times it may be chance.
    Suspect(Failure),
    /// Nobody's work can go on before this long is over.
    Pause(Duration, Failure),
    /// Zoho refuses our access: nobody's work can go on before a person has mended it.
    Refused(Failure),
    /// Only a person can mend it.
    Never(Failure),
}

/// How long everybody pauses when Zoho asks to slow down without saying for how long.
const SLOW_DOWN: Duration = Duration::from_mins(1);
/// How often Zoho may fail on one alone before a person has to look.
const MOST_SUSPECT: u32 = 10;
/// How often something is read again at once before it waits like everything else.
const MOST_STALE: u32 = 3;

impl Problem {
    pub(super) fn stale(message: &str) -> Self {
        Self::Stale(Failure::new(CHANGED_MEANWHILE, message))
    }

    pub(super) fn overtaken(message: &str) -> Self {
        Self::Stale(Failure::new(OVERTAKEN, message))
    }

    /// The same, with the record that is to blame: once it has changed, this is tried again.
    pub(super) fn because_of(self, record: &CrmId) -> Self {
        match self {
            Self::Never(failure) => Self::Never(failure.because_of(Some(record))),
            Self::Suspect(failure) => Self::Suspect(failure.because_of(Some(record))),
            other => other,
        }
    }

    /// Zoho fails on others as well: it is not this one.
    pub(super) fn acquit(&mut self) {
        if let Self::Suspect(failure) = self {
            *self = Self::Later(None, failure.clone());
        }
    }

    /// Whether no call can do any better now.
    pub(super) fn concerns_all(&self) -> bool {
        matches!(self, Self::Pause(..) | Self::Refused(_))
    }

    /// Of several problems of one task the first by rank counts: what can go on goes on before it ends with what cannot.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Refused(_) => 0,
            Self::Pause(..) => 1,
            Self::Stale(_) => 2,
            Self::Later(..) => 3,
            Self::Suspect(_) => 4,
            Self::Never(_) => 5,
        }
    }

    /// What it means for the task. `random` lies in `0.0..1.0`.
    pub(super) fn outcome(&self, task: &ClaimedTask, random: f64) -> Outcome {
        let usual = backoff(task.attempts, random);
        match self {
            Self::Never(failure) => Outcome::Fail(failure.clone()),
            Self::Suspect(failure) if task.attempts >= MOST_SUSPECT => Outcome::Fail(failure.clone()),
            Self::Suspect(failure) => Outcome::Retry(usual, failure.clone()),
            Self::Stale(failure) if task.was_overtaken && task.attempts > MOST_STALE => {
                Outcome::Retry(usual, failure.clone())
            }
            Self::Stale(failure) | Self::Refused(failure) => Outcome::Retry(Duration::ZERO, failure.clone()),
            Self::Later(wait, failure) => Outcome::Retry(wait.unwrap_or(usual), failure.clone()),
            Self::Pause(wait, failure) => Outcome::Retry(*wait, failure.clone()),
        }
    }
}

impl From<&ZohoError> for Problem {
    fn from(error: &ZohoError) -> Self {
        match error {
            ZohoError::BadRequest { .. } | ZohoError::Unexplained { .. } => Self::Never(error.failure()),
            ZohoError::Throttled { retry_after, .. } => Self::Pause(retry_after.unwrap_or(SLOW_DOWN), error.failure()),
            ZohoError::Refused { .. } => Self::Refused(error.failure()),
            ZohoError::Unreachable(_)
            | ZohoError::NoAnswer(_)
            | ZohoError::Broken { .. }
            | ZohoError::InvalidToken
            | ZohoError::Ours(_) => Self::Later(None, error.failure()),
        }
    }
}

impl From<&RecordError> for Problem {
    fn from(error: &RecordError) -> Self {
        if error.is_stale() || error.is_gone() {
            Self::stale("The record was changed in the CRM while it was worked on; it is read again.")
        } else if error.is_transient() {
            Self::Later(None, error.failure())
        } else {
            Self::Never(error.failure())
        }
    }
}

/// A row of ours holds what this version cannot read: only a person can mend it.
pub(super) fn unreadable_row(what: &str, row: &Unreadable) -> Problem {
    Problem::Never(row.failure(format_args!("{what} {}", row.key)))
}

/// `record` is the one that carries the other user's id, or is linked to him.
pub(super) fn belongs_to_another(record: Option<&CrmId>) -> Failure {
    Failure::new(
        "contact-belongs-to-another",
        "The record in the CRM that would be hers carries the id of another user, so it is not written. Find out whose it is, \
         and correct the id or the address there: that tries it again by itself.",
    )
    .because_of(record)
}

/// A user who has just been erased had this address.
pub(super) fn waits_for_erasure() -> Problem {
    Problem::Later(
        None,
        Failure::new(
            "waits-for-erasure",
            "The Contact with this address, or the id on hers, is of a user who was erased; that is cleared away first, by itself.",
        ),
    )
}

/// A rule in the CRM says otherwise each time.
pub(super) fn overruled(wait: Duration) -> Problem {
    Problem::Later(
        Some(wait),
        Failure::new(
            "overruled",
            "Somebody or something in the CRM, most likely a workflow, keeps changing what is ours to say (the conflicts show \
             the field). It is put right again in an hour at most; end the workflow.",
        ),
    )
}
