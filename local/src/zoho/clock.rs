//! The simulator's only look at the real time, and how Zoho writes times.

use std::time::SystemTime;

use chrono::{DateTime, FixedOffset, SecondsFormat, SubsecRound, Utc};

/// The real time. The world's time is this plus the setting `clock_offset_seconds`.
#[expect(clippy::disallowed_methods, reason = "the one place where the simulator reads a clock")]
pub(super) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// A time as the CRM shows it: whole seconds, with the organisation's numeric offset, never `Z`.
pub(super) fn written(time: DateTime<Utc>, offset: FixedOffset) -> String {
    time.with_timezone(&offset).trunc_subsecs(0).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// A time as a client may write it.
pub(super) fn read(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}
