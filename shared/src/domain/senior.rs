//! The last year at school: whom marketing's "Senior Year" loop speaks to, and when.

use chrono::{Datelike, NaiveDate};

/// The month in which a school year begins.
const SEPTEMBER: u32 = 9;

/// A year in which somebody leaves school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraduationYear(i32);

impl GraduationYear {
    /// The year in which somebody who was born on that day is 18 by the 31st of August.
    pub fn of(born: NaiveDate) -> Self {
        Self(born.year() + 18 + i32::from(born.month() >= SEPTEMBER))
    }

    /// Who leaves school in the school year that `today` lies in: from the 1st of September to the 31st of August.
    pub fn current(today: NaiveDate) -> Self {
        Self(today.year() + i32::from(today.month() >= SEPTEMBER))
    }

    /// The first and the last day on which those were born who leave school in that year.
    pub fn born(self) -> (NaiveDate, NaiveDate) {
        // Both days exist in every year that a date can have.
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        (day(self.0 - 19, SEPTEMBER, 1), day(self.0 - 18, SEPTEMBER - 1, 31))
    }

    /// The tag of those who leave school in that year.
    pub fn tag(self) -> String {
        format!("Senior {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_eighteen_by_the_end_of_august_leaves_that_summer() {
        assert_eq!(GraduationYear::of(day("2009-08-31")), GraduationYear(2027));
        assert_eq!(GraduationYear::of(day("2009-09-01")), GraduationYear(2028));
        assert_eq!(GraduationYear::of(day("2008-02-29")), GraduationYear(2026));
    }

    #[test]
    fn a_senior_year_lasts_from_september_to_august() {
        let jordan = GraduationYear::of(day("2009-05-14"));

        let senior_on = |today: &str| GraduationYear::current(day(today)) == jordan;

        assert_eq!(["2026-08-31", "2026-09-01", "2027-08-31", "2027-09-01"].map(senior_on), [false, true, true, false]);
        assert_eq!(jordan.tag(), "Senior 2027");
    }

    /// One rule, whether one asks for the year of a day or for the days of a year.
    #[test]
    fn those_who_leave_in_a_year_were_born_between_two_days() {
        let mut born = day("1990-01-01");
        while born < day("2030-01-01") {
            for year in 2007..=2050 {
                let (first, last) = GraduationYear(year).born();
                assert_eq!(
                    GraduationYear::of(born) == GraduationYear(year),
                    first <= born && born <= last,
                    "{born} {year}"
                );
            }
            born = born.succ_opt().unwrap();
        }
    }
}
