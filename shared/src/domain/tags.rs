//! The tags that we set on a Contact: from a closed vocabulary, because Zoho allows 20 to 200 tags in a
//! module (by edition) and 25 characters in each, and ten on one record.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::senior::GraduationYear;
use super::sport::tag;
use super::text::Sport;

/// The most tags that Zoho keeps on one record (Professional edition and above).
const MOST: usize = 10;

/// The tags of a parent with these interests and athletes who were born on these days, the most important ones first.
pub fn of_parent<'a>(
    sports: impl IntoIterator<Item = &'a Sport>,
    born: impl IntoIterator<Item = NaiveDate>,
    today: NaiveDate,
) -> Vec<String> {
    let current = GraduationYear::current(today);
    let senior = born.into_iter().any(|day| GraduationYear::of(day) == current).then(|| current.tag());
    let sports: BTreeSet<_> = sports.into_iter().map(tag).collect();
    senior.into_iter().chain(sports.into_iter().map(str::to_owned)).take(MOST).collect()
}

/// The tags for these sports, sorted, each once.
pub fn for_sports<'a>(sports: impl IntoIterator<Item = &'a Sport>) -> Vec<&'static str> {
    let tags: BTreeSet<_> = sports.into_iter().map(tag).collect();
    tags.into_iter().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sport_is_tagged_once_however_it_is_written() {
        let sports: Vec<Sport> = ["soccer", "Soccer", "Quidditch"].map(|s| s.parse().unwrap()).into();

        assert_eq!(for_sports(&sports), ["Other Sport", "Soccer"]);
    }

    #[test]
    fn a_seniors_parent_has_that_tag_first_and_ten_at_most() {
        let sports = [
            "Archery",
            "Badminton",
            "Baseball",
            "Basketball",
            "Bowling",
            "Boxing",
            "Cheer",
            "Climbing",
            "Cricket",
            "Golf",
            "Judo",
            "Karate",
        ];
        let sports = sports.map(|sport| sport.parse::<Sport>().unwrap());
        let jordan = "2009-05-14".parse().unwrap();

        let in_her_last_year = of_parent(&sports, [jordan], "2026-11-22".parse().unwrap());
        let before = of_parent(&sports, [jordan], "2026-08-31".parse().unwrap());

        assert_eq!(in_her_last_year[..2], ["Senior 2027", "Archery"]);
        assert_eq!((in_her_last_year.len(), before[0].as_str()), (10, "Archery"));
    }
}
