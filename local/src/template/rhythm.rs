//! When a schedule fires: `rate(…)` or `cron(…)`, as `EventBridge` writes them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};

/// A `ScheduleExpression`.
#[derive(Clone, Debug, PartialEq)]
pub enum Rhythm {
    Every(Duration),
    Cron(Cron),
}

/// A checked `cron(minutes hours day-of-month month day-of-week year)`, in UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron(Box<croner::Cron>);

impl Rhythm {
    /// How long to wait, from `now` on, for the next time; `None` when there is none left.
    pub fn pause_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        match self {
            Self::Every(period) => Some(*period),
            Self::Cron(Cron(cron)) => {
                cron.find_next_occurrence(&now, false).ok()?.signed_duration_since(now).to_std().ok()
            }
        }
    }

    /// Parses the expression; the error is a sentence.
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let argument = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = argument("rate") {
            period(rate)
                .map(Self::Every)
                .ok_or_else(|| format!("`{expression}` is not a rate: write `rate(5 minutes)`"))
        } else if let Some(cron) = argument("cron") {
            parse_cron(cron).map(Self::Cron).map_err(|reason| format!("`{expression}` is not a cron: {reason}"))
        } else {
            Err(format!("`{expression}` is neither `rate(…)` nor `cron(…)`, the two that the local stack runs"))
        }
    }
}

fn period(rate: &str) -> Option<Duration> {
    let (number, unit) = rate.split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn parse_cron(expression: &str) -> Result<Cron, String> {
    if expression.split_whitespace().count() != 6 {
        return Err("it needs six fields: minutes hours day-of-month month day-of-week year".to_owned());
    }
    // AWS counts weekdays from 1 = Sunday, and its expressions have a year but no seconds.
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .build()
        .parse(&format!("0 {expression}"))
        .map(|cron| Cron(Box::new(cron)))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_a_number_of_minutes_hours_or_days() {
        assert_eq!(Rhythm::parse("rate(1 minute)"), Ok(Rhythm::Every(Duration::from_mins(1))));
        assert_eq!(Rhythm::parse("rate(15 minutes)"), Ok(Rhythm::Every(Duration::from_mins(15))));
        assert_eq!(Rhythm::parse("rate(12 hours)"), Ok(Rhythm::Every(Duration::from_hours(12))));
        for wrong in
            ["rate(0 minutes)", "rate(5)", "rate(five minutes)", "rate(5 fortnights)", "every minute", "rate(1 day"]
        {
            assert!(Rhythm::parse(wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn a_cron_counts_weekdays_from_sunday_as_aws_does() {
        let mondays_at_eight = Rhythm::parse("cron(0 8 ? * 2 *)").unwrap();

        let pause = mondays_at_eight.pause_after(at("2026-11-22T16:00:00Z")); // a Sunday

        assert_eq!(pause, Some(Duration::from_hours(16)));
    }

    #[test]
    fn a_cron_whose_year_is_over_never_fires_again() {
        let once = Rhythm::parse("cron(30 6 1 1 ? 2027)").unwrap();

        assert_eq!(once.pause_after(at("2027-01-01T06:29:00Z")), Some(Duration::from_mins(1)));
        assert_eq!(once.pause_after(at("2027-01-01T06:30:00Z")), None);
    }

    #[test]
    fn a_cron_with_five_fields_is_refused() {
        let refused = Rhythm::parse("cron(0 8 * * *)");

        assert!(refused.unwrap_err().contains("six fields"));
    }
}
