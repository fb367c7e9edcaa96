//! Why something at Zoho did not succeed, by what has to be done about it.

use std::time::Duration;

use shared::tasks::Failure;
use shared::zoho::{RecordError, ZohoError};

/// Why something did not succeed.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// It goes on by itself, after the usual backoff or after this long.
    Later(Option<Duration>, Failure),
    /// Nobody's work can go on before this long is over: the whole kind pauses.
    Pause(Duration, Failure),
    /// Only a person can mend it.
    Never(Failure),
}

/// How long the kind pauses when Zoho asks to slow down without saying for how long.
const SLOW_DOWN: Duration = Duration::from_mins(1);
/// How long it pauses when Zoho refuses our access: until somebody mends the secret, looking now and then.
const REFUSED: Duration = Duration::from_mins(10);

impl From<&ZohoError> for Problem {
    fn from(error: &ZohoError) -> Self {
        match error {
            ZohoError::BadRequest { .. } => Self::Never(error.failure()),
            ZohoError::Throttled { retry_after, .. } => Self::Pause(retry_after.unwrap_or(SLOW_DOWN), error.failure()),
            ZohoError::Refused { .. } => Self::Pause(REFUSED, error.failure()),
            ZohoError::Unreachable(_)
            | ZohoError::NoAnswer(_)
            | ZohoError::Broken { .. }
            | ZohoError::InvalidToken
            | ZohoError::Ours(_) => Self::Later(None, error.failure()),
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        if error.is_transient() { Self::Later(None, error.failure()) } else { Self::Never(error.failure()) }
    }
}

pub(crate) fn belongs_to_another() -> Failure {
    Failure::new(
        "contact-belongs-to-another",
        "The Contact with this e-mail address carries the id of another user of ours, so it is not written. Find out whose it \
         is in the CRM, correct the id or the address there, and replay the task.",
    )
}
