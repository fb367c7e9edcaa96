//! The tags that we set on a Contact: from a closed vocabulary, because Zoho allows 20 to 200 tags in a
//! module (by edition) and 25 characters in each, and ten on one record.

use std::collections::BTreeSet;

use super::text::Sport;

/// The most tags that Zoho keeps on one record (Professional edition and above).
const MOST: usize = 10;

/// Sports that marketing has content for. Another sport is tagged [`OTHER`]; her profile keeps its name.
const SPORTS: [&str; 44] = [
    "Archery",
    "Badminton",
    "Baseball",
    "Basketball",
    "Bowling",
    "Boxing",
    "Cheerleading",
    "Climbing",
    "Cricket",
    "Cross Country",
    "Cycling",
    "Dance",
    "Diving",
    "Equestrian",
    "Fencing",
    "Field Hockey",
    "Figure Skating",
    "Flag Football",
    "Football",
    "Golf",
    "Gymnastics",
    "Hockey",
    "Ice Hockey",
    "Judo",
    "Karate",
    "Lacrosse",
    "Martial Arts",
    "Rowing",
    "Rugby",
    "Running",
    "Sailing",
    "Skiing",
    "Snowboarding",
    "Soccer",
    "Softball",
    "Squash",
    "Surfing",
    "Swimming",
    "Table Tennis",
    "Tennis",
    "Track and Field",
    "Volleyball",
    "Water Polo",
    "Wrestling",
];

const OTHER: &str = "Other Sport";

/// The tags for these sports, sorted, each once.
pub fn for_sports<'a>(sports: impl IntoIterator<Item = &'a Sport>) -> Vec<&'static str> {
    let tags: BTreeSet<_> = sports.into_iter().map(tag).collect();
    tags.into_iter().take(MOST).collect()
}

fn tag(sport: &Sport) -> &'static str {
    SPORTS.into_iter().find(|known| known.eq_ignore_ascii_case(sport.as_str())).unwrap_or(OTHER)
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
    fn every_tag_fits_into_zohos_twenty_five_characters() {
        assert!(SPORTS.iter().chain([&OTHER]).all(|tag| tag.len() <= 25));
    }
}
