//! The time that a sender signs along with a body, so that a copy of the request is of no use later.

use chrono::{DateTime, TimeDelta, Utc};

use super::refusal::stale_timestamp;
use crate::error::Error;

/// How far the sender's clock may be off, either way (the tolerance of the Standard Webhooks libraries).
pub(super) const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// From here on a number counts milliseconds: as seconds it is the year 5138, as milliseconds 1973.
pub(super) const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// # Errors
/// `stale-timestamp` (401), also for what is no time.
pub(super) fn fresh(sent: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Error> {
    if sent.is_some_and(|sent| (now - sent).abs() <= TOLERANCE) { Ok(()) } else { Err(stale_timestamp()) }
}

/// Seconds since 1970, in digits alone.
pub(super) fn seconds(text: &[u8]) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(digits(text)?, 0)
}

/// Seconds since 1970, or milliseconds where the number is that large.
pub(super) fn seconds_or_milliseconds(text: &[u8]) -> Option<DateTime<Utc>> {
    moment(digits(text)?)
}

/// A number as [`seconds_or_milliseconds`] reads it.
pub(super) fn moment(number: i64) -> Option<DateTime<Utc>> {
    // Not by `abs`, which the least of all numbers does not have.
    if (-FIRST_MILLISECONDS..FIRST_MILLISECONDS).contains(&number) {
        DateTime::from_timestamp(number, 0)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    // `parse` alone would take a sign as well.
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_digits_alone() {
        assert_eq!(seconds(b"1649367553"), DateTime::from_timestamp(1_649_367_553, 0));
        for wrong in
            ["", "+1649367553", "-1", "1649367553.5", " 1649367553", "99999999999999999999", "9999999999999999"]
        {
            assert_eq!(seconds(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_large_number_counts_milliseconds() {
        assert_eq!(seconds_or_milliseconds(b"1649367553000"), seconds(b"1649367553"));
        assert_eq!(seconds_or_milliseconds(b"1649367553"), seconds(b"1649367553"));
        assert_eq!(seconds_or_milliseconds(b"9223372036854775807"), None);
        assert_eq!(moment(i64::MIN), None);
    }
}
