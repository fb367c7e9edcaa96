//! Who brought a user here, and until when the user may correct it.

use chrono::{DateTime, TimeDelta, Utc};

use super::invalid::{FieldCode, Invalid};

/// How long after the sign-up a code may be corrected.
const CORRECTABLE: TimeDelta = TimeDelta::days(30);

/// Whether the code that a user signed up with may still be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    Open,
    /// A photographer has been credited for the sign-up.
    Credited,
    /// The sign-up is too long ago.
    TooLate,
}

impl Correction {
    pub fn of(credited: bool, signed_up: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        if credited {
            Self::Credited
        } else if now.signed_duration_since(signed_up) > CORRECTABLE {
            Self::TooLate
        } else {
            Self::Open
        }
    }

    /// Why it may not.
    pub const fn refusal(self) -> Option<Invalid> {
        let (code, message) = match self {
            Self::Open => return None,
            Self::Credited => (FieldCode::AlreadyCredited, "has been credited to its photographer and stays as it is"),
            Self::TooLate => {
                (FieldCode::TooLate, "can be corrected for 30 days after the sign-up, and stays as it is since then")
            }
        };
        Some(Invalid::constant(code, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_corrected_for_thirty_days_unless_it_was_credited() {
        let signed_up = DateTime::from_timestamp(1_795_356_000, 0).unwrap();
        let day = |days: i64| signed_up + TimeDelta::days(days);
        let cases = [
            (false, day(0), Correction::Open),
            (false, day(30), Correction::Open),
            (false, day(30) + TimeDelta::milliseconds(1), Correction::TooLate),
            (true, day(0), Correction::Credited),
            (true, day(31), Correction::Credited),
            // The database's clock may be a little ahead.
            (false, day(0) - TimeDelta::seconds(1), Correction::Open),
        ];

        for (credited, now, expected) in cases {
            assert_eq!(Correction::of(credited, signed_up, now), expected, "{credited} {now}");
        }
    }
}
