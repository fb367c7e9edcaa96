//! Athletes of parents, and what their ages and sports mean for the tags of a Contact.

use chrono::{Datelike, Months, NaiveDate};
use serde_json::{Value, json};

use super::dice::Dice;
use super::model::Person;
use super::words::Words;

/// Who is of age has left school by the next 31st of August.
const OF_AGE: Months = Months::new(18 * 12);

/// A parent's child, as she registers it.
#[derive(Clone, Debug)]
pub(super) struct Athlete {
    name: String,
    born: Born,
    sport: Option<&'static str>,
}

/// When an athlete was born, by the school year and not by the day on which the story is told.
#[derive(Clone, Copy, Debug)]
enum Born {
    Unknown,
    /// Twelve years ago: nowhere near the end of school.
    Child,
    /// Somebody in the last year at school: the oldest, one in the middle, the youngest.
    Oldest,
    Senior,
    Youngest,
    /// A day too early for this year's, and a day too late.
    HasLeft,
    NextYears,
}

const BORN: [(u64, Born); 7] = [
    (2, Born::Unknown),
    (4, Born::Child),
    (1, Born::Oldest),
    (2, Born::Senior),
    (1, Born::Youngest),
    (1, Born::HasLeft),
    (1, Born::NextYears),
];

/// With how many athletes, and with which, a parent registers.
pub(super) fn draw(dice: &mut Dice, words: &mut Words, sports: &[&'static str]) -> Vec<Athlete> {
    let count = dice.weighted(&[(4, 0), (4, 1), (2, 2)]);
    (0..count)
        .map(|_| Athlete {
            name: words.athlete(),
            born: dice.weighted(&BORN),
            sport: dice.percent(70).then(|| dice.pick(sports)),
        })
        .collect()
}

impl Athlete {
    /// In the words of our API.
    pub(super) fn registered(&self, today: NaiveDate) -> Value {
        let leaves = leaves(today);
        let born = match self.born {
            Born::Unknown => None,
            Born::Child => NaiveDate::from_ymd_opt(today.year() - 12, 5, 14),
            Born::Oldest => NaiveDate::from_ymd_opt(leaves - 19, 9, 1),
            Born::Senior => NaiveDate::from_ymd_opt(leaves - 18, 5, 14),
            Born::Youngest => NaiveDate::from_ymd_opt(leaves - 18, 8, 31),
            Born::HasLeft => NaiveDate::from_ymd_opt(leaves - 19, 8, 31),
            Born::NextYears => NaiveDate::from_ymd_opt(leaves - 18, 9, 1),
        };
        let mut athlete = json!({ "first_name": self.name, "last_name": "Brambleford" });
        for (key, value) in
            [("dob", born.map(|born| born.to_string())), ("sport_primary", self.sport.map(str::to_owned))]
        {
            if let Some(value) = value {
                athlete[key] = value.into();
            }
        }
        athlete
    }
}

impl Person {
    /// What her athletes go in for.
    pub(super) fn sports_of_athletes(&self) -> impl Iterator<Item = String> {
        self.athletes().filter_map(|athlete| athlete["sport_primary"].as_str().map(str::to_owned))
    }

    /// The tag of those whose child leaves school in this school year: it comes of age between two last days of August.
    pub(super) fn senior_tag(&self, today: NaiveDate) -> Option<String> {
        let leaves = leaves(today);
        let [last, this] = [leaves - 1, leaves].map(|year| NaiveDate::from_ymd_opt(year, 8, 31));
        let is_senior = |born: NaiveDate| {
            let of_age = born.checked_add_months(OF_AGE);
            last < of_age && of_age <= this
        };
        let born = |athlete: &Value| athlete["dob"].as_str()?.parse().ok();
        self.athletes().filter_map(born).any(is_senior).then(|| format!("Senior {leaves}"))
    }

    fn athletes(&self) -> impl Iterator<Item = &Value> {
        self.body["athletes"].as_array().into_iter().flatten()
    }
}

/// The year in which a school year ends that begins in September.
fn leaves(today: NaiveDate) -> i32 {
    today.year() + i32::from(today.month() >= 9)
}
