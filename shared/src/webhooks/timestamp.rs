//! The time that a sender signs along with a body, so that a copy of the request is of no use later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

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

/// When an event happened: RFC 3339, or seconds or milliseconds since 1970, as a number or as text, with or without a
/// fraction. A time without its offset from UTC is none: it would be hours off.
pub(super) fn of_event(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => moment(number),
            None => decimal(number.as_f64()?),
        },
        Value::String(text) => {
            let text = text.trim();
            let number = || seconds_or_milliseconds(text.as_bytes());
            let fraction = || decimal(text.parse().ok().filter(|_| text.bytes().all(is_decimal))?);
            written(text).or_else(number).or_else(fraction)
        }
        _ => None,
    }
}

fn is_decimal(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

/// RFC 3339, and ISO 8601's shorter offsets.
fn written(text: &str) -> Option<DateTime<Utc>> {
    let shorter = || ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"].into_iter();
    let read = DateTime::parse_from_rfc3339(text).ok();
    let read = read.or_else(|| shorter().find_map(|format| DateTime::parse_from_str(text, format).ok()));
    read.map(|moment| moment.to_utc())
}

#[expect(clippy::cast_precision_loss, reason = "it is 10^11, which a float holds")]
fn decimal(number: f64) -> Option<DateTime<Utc>> {
    let seconds = if number < FIRST_MILLISECONDS as f64 { number } else { number / 1000.0 };
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?;
    DateTime::UNIX_EPOCH.checked_add_signed(since)
}

fn digits(text: &[u8]) -> Option<i64> {
    // `parse` alone would take a sign as well.
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn the_time_of_an_event_is_written_in_many_ways() {
        let at = |milliseconds| DateTime::from_timestamp_millis(milliseconds).unwrap();
        for (value, expected) in [
            (json!("2026-09-21T14:13:20Z"), 1_790_000_000_000),
            (json!(" 2026-09-21T14:13:20Z\n"), 1_790_000_000_000),
            (json!("2026-09-21t14:13:20z"), 1_790_000_000_000),
            (json!("2026-09-21 14:13:20Z"), 1_790_000_000_000),
            (json!("2026-09-21T16:13:20+02:00"), 1_790_000_000_000),
            (json!("2026-09-21T16:13:20+0200"), 1_790_000_000_000),
            (json!("2026-09-21T16:13:20+02"), 1_790_000_000_000),
            (json!("2026-09-21T09:13:20-05:00"), 1_790_000_000_000),
            (json!("2026-09-21T14:13:20.25Z"), 1_790_000_000_250),
            (json!("2026-09-21T14:13:20.250000000+00:00"), 1_790_000_000_250),
            (json!(1_790_000_000), 1_790_000_000_000),
            (json!(1_790_000_000_250_u64), 1_790_000_000_250),
            (json!(1_790_000_000.25), 1_790_000_000_250),
            (json!(1_790_000_000_250.0), 1_790_000_000_250),
            (json!("1790000000"), 1_790_000_000_000),
            (json!("1790000000250"), 1_790_000_000_250),
            (json!("1790000000.25"), 1_790_000_000_250),
        ] {
            assert_eq!(of_event(&value), Some(at(expected)), "{value}");
        }
        for wrong in [
            json!(null),
            json!(true),
            json!({}),
            json!([1_790_000_000]),
            json!(""),
            json!("yesterday"),
            json!("2026-09-21"),
            json!("2026-09-21T14:13:20"),
            json!("2026-13-21T14:13:20Z"),
            json!("1e9"),
            json!("inf"),
            json!("NaN"),
            json!("1.2.3"),
            json!(u64::MAX),
            json!(-1.5),
            json!(1e300),
        ] {
            assert_eq!(of_event(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_large_number_counts_milliseconds() {
        assert_eq!(seconds_or_milliseconds(b"1649367553000"), seconds(b"1649367553"));
        assert_eq!(seconds_or_milliseconds(b"1649367553"), seconds(b"1649367553"));
        assert_eq!(seconds_or_milliseconds(b"9223372036854775807"), None);
        assert_eq!(moment(i64::MIN), None);
        for (number, seconds) in [
            (99_999_999_999, 99_999_999_999),
            (100_000_000_000, 100_000_000),
            (-100_000_000_000, -100_000_000_000),
            (-100_000_000_001_000, -100_000_000_001),
        ] {
            assert_eq!(moment(number), DateTime::from_timestamp(seconds, 0), "{number}");
        }
    }
}
