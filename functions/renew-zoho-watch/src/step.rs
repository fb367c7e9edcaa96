//! What has to be done about the channel, decided before anything is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::zoho::Watch;

/// For how long Zoho is asked: less than its week, since whoever asks for more than that is given an hour.
pub(crate) const ASKED: TimeDelta = TimeDelta::days(6);

/// Zoho was not given to understand what was meant if it gives less than that.
pub(crate) const LEAST_GIVEN: TimeDelta = TimeDelta::days(5);

/// With less than that left, it is asked again: that leaves four days of runs which may fail.
const RENEWED_BELOW: TimeDelta = TimeDelta::days(4);

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// The flag is off, or the route is another.
    Nothing,
    /// The channel is there and lasts.
    Kept,
    /// There was none, or its time was over.
    Opened,
    /// There was none, although Zoho had given it more time.
    Reopened,
    /// Its time was running out.
    Renewed,
    /// Its token, address or events were others.
    Changed,
}

impl Step {
    /// `same`: token and address are those that were asked for last; Zoho may not show the token.
    pub(crate) fn of(there: Option<&Watch>, same: bool, known_until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match there.filter(|watch| watch.expires_at > now) {
            None if known_until > now => Self::Reopened,
            None => Self::Opened,
            Some(watch) if !watch.as_wished || !same => Self::Changed,
            Some(watch) if watch.expires_at < now + RENEWED_BELOW => Self::Renewed,
            Some(_) => Self::Kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + hour * 3600, 0).unwrap()
    }

    fn until(hour: i64) -> Watch {
        Watch { expires_at: at(hour), as_wished: true }
    }

    #[test]
    fn a_channel_that_lasts_is_left_alone_and_one_that_runs_out_is_renewed() {
        assert_eq!(Step::of(Some(&until(96)), true, at(96), at(0)), Step::Kept);
        assert_eq!(Step::of(Some(&until(95)), true, at(95), at(0)), Step::Renewed);
    }

    #[test]
    fn a_channel_that_zoho_gave_and_does_not_have_was_lost() {
        assert_eq!(Step::of(None, true, at(1), at(0)), Step::Reopened);
        assert_eq!(Step::of(None, true, at(0), at(0)), Step::Opened, "never given, or over");
        assert_eq!(Step::of(Some(&until(0)), true, at(0), at(0)), Step::Opened, "listed although it is over");
    }

    #[test]
    fn what_is_not_as_wished_is_changed_also_where_zoho_does_not_show_it() {
        let other = Watch { as_wished: false, ..until(140) };

        assert_eq!(Step::of(Some(&other), true, at(140), at(0)), Step::Changed);
        assert_eq!(Step::of(Some(&until(140)), false, at(140), at(0)), Step::Changed);
    }
}
