//! The sports that marketing has content for: one table of their tags in the CRM, of how somebody who does one is called,
//! and of what else people write for it.

use super::text::Sport;

struct Known {
    /// Its tag in the CRM, of 25 characters at most: the length of a tag there (Zoho's OpenAPI, `Tag.name.maxLength`).
    tag: &'static str,
    noun: &'static str,
    aliases: &'static [&'static str],
}

const fn known(tag: &'static str, noun: &'static str, aliases: &'static [&'static str]) -> Known {
    Known { tag, noun, aliases }
}

const SPORTS: [Known; 44] = [
    known("Archery", "Archer", &[]),
    known("Badminton", "Badminton Player", &[]),
    known("Baseball", "Baseball Player", &["T-Ball", "Tee Ball"]),
    known("Basketball", "Basketball Player", &["Hoops"]),
    known("Bowling", "Bowler", &["Bowl"]),
    known("Boxing", "Boxer", &[]),
    known("Cheerleading", "Cheerleader", &["Cheer", "Cheering", "Cheerleader", "Competitive Cheer", "Sideline Cheer"]),
    known("Climbing", "Climber", &["Climb", "Rock Climbing", "Sport Climbing", "Bouldering"]),
    known("Cricket", "Cricket Player", &[]),
    known("Cross Country", "Runner", &["XC", "Cross Country Running"]),
    known("Cycling", "Cyclist", &["Biking", "Bicycling", "Mountain Biking", "BMX"]),
    known("Dance", "Dancer", &["Dancing", "Dance Team", "Ballet"]),
    known("Diving", "Diver", &["Dive", "Springboard Diving", "Swim and Dive"]),
    known("Equestrian", "Rider", &["Horse Riding", "Horseback Riding", "Equestrian Sports"]),
    known("Fencing", "Fencer", &["Fence"]),
    known("Field Hockey", "Field Hockey Player", &[]),
    known("Figure Skating", "Skater", &["Skating", "Ice Skating"]),
    known("Flag Football", "Flag Football Player", &[]),
    known("Football", "Football Player", &["American Football", "Tackle Football"]),
    known("Golf", "Golfer", &["Golfing"]),
    known("Gymnastics", "Gymnast", &["Gymnastic", "Gymnast"]),
    known("Hockey", "Hockey Player", &[]),
    known("Ice Hockey", "Ice Hockey Player", &[]),
    known("Judo", "Judoka", &[]),
    known("Karate", "Karateka", &[]),
    known("Lacrosse", "Lacrosse Player", &["Lax"]),
    known("Martial Arts", "Martial Artist", &["Martial Art", "Mixed Martial Arts", "MMA", "Taekwondo", "Jiu Jitsu"]),
    known("Rowing", "Rower", &["Row", "Crew", "Crew Team"]),
    known("Rugby", "Rugby Player", &["Rugby Union", "Rugby League", "Rugby Sevens"]),
    known("Running", "Runner", &["Run", "Distance Running"]),
    known("Sailing", "Sailor", &["Sail"]),
    known("Skiing", "Skier", &["Ski", "Alpine Skiing", "Nordic Skiing", "Cross Country Skiing"]),
    known("Snowboarding", "Snowboarder", &["Snowboard"]),
    known("Soccer", "Soccer Player", &["Futbol", "Association Football"]),
    known("Softball", "Softball Player", &["Fastpitch", "Fastpitch Softball"]),
    known("Squash", "Squash Player", &[]),
    known("Surfing", "Surfer", &["Surf"]),
    known("Swimming", "Swimmer", &["Swim", "Swim Team"]),
    known("Table Tennis", "Table Tennis Player", &["Ping Pong"]),
    known("Tennis", "Tennis Player", &[]),
    known("Track and Field", "Track Athlete", &["Track", "T&F", "TrackAndField", "Track Team", "Athletics"]),
    known("Volleyball", "Volleyball Player", &["Beach Volleyball"]),
    known("Water Polo", "Water Polo Player", &[]),
    known("Wrestling", "Wrestler", &["Wrestle"]),
];

/// Another sport is tagged so; the profile keeps its name.
const OTHER: &str = "Other Sport";

/// "Soccer" → "Soccer Player", "Swim" → "Swimmer".
pub fn noun(sport: &Sport) -> String {
    find(sport).map_or_else(|| format!("{} Player", sport.as_str()), |known| known.noun.to_owned())
}

/// The tag of a sport in the CRM.
pub fn tag(sport: &Sport) -> &'static str {
    find(sport).map_or(OTHER, |known| known.tag)
}

/// One of each sport, as it was written first.
pub fn distinct(sports: Vec<Sport>) -> Vec<Sport> {
    let mut distinct: Vec<Sport> = Vec::new();
    for sport in sports {
        if !distinct.iter().any(|other| is_same(other, &sport)) {
            distinct.push(sport);
        }
    }
    distinct
}

fn is_same(one: &Sport, other: &Sport) -> bool {
    match (find(one), find(other)) {
        (Some(one), Some(other)) => one.tag == other.tag,
        (None, None) => one == other || is_written_alike(one.as_str(), other.as_str()),
        _ => false,
    }
}

fn find(sport: &Sport) -> Option<&'static Known> {
    let is_meant = |name: &str| is_written_alike(name, sport.as_str());
    SPORTS.iter().find(|known| is_meant(known.tag) || known.aliases.iter().any(|alias| is_meant(alias)))
}

/// Without regard to case, accents, blanks, dashes and "and".
fn is_written_alike(one: &str, other: &str) -> bool {
    letters(one).next().is_some() && letters(one).eq(letters(other))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_combining(c));
    let words = words.filter(|word| !["and", "n"].iter().any(|joint| word.eq_ignore_ascii_case(joint)));
    words.flat_map(str::chars).filter(|c| !is_combining(*c)).flat_map(char::to_lowercase).map(plain)
}

/// An accent that stands behind its letter.
fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// A letter without the accent that people leave out.
fn plain(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sport(text: &str) -> Sport {
        text.parse().unwrap()
    }

    #[test]
    fn tag_and_noun_come_from_one_table_however_a_sport_is_written() {
        for (written, expected_tag, expected_noun) in [
            ("Soccer", "Soccer", "Soccer Player"),
            ("fútbol", "Soccer", "Soccer Player"),
            ("fu\u{301}tbol", "Soccer", "Soccer Player"),
            ("swimming", "Swimming", "Swimmer"),
            ("Swim", "Swimming", "Swimmer"),
            ("SWIM TEAM", "Swimming", "Swimmer"),
            ("Track & Field", "Track and Field", "Track Athlete"),
            ("track and field", "Track and Field", "Track Athlete"),
            ("Track/Field", "Track and Field", "Track Athlete"),
            ("Track 'n' Field", "Track and Field", "Track Athlete"),
            ("Track", "Track and Field", "Track Athlete"),
            ("t&f", "Track and Field", "Track Athlete"),
            ("Cheer", "Cheerleading", "Cheerleader"),
            ("Cheer-leading", "Cheerleading", "Cheerleader"),
            ("Crew", "Rowing", "Rower"),
            ("Cross-Country", "Cross Country", "Runner"),
            ("cross\u{2013}country", "Cross Country", "Runner"),
            ("X-C", "Cross Country", "Runner"),
            ("crosscountry", "Cross Country", "Runner"),
            ("Field hockey", "Field Hockey", "Field Hockey Player"),
            ("Ping-Pong", "Table Tennis", "Table Tennis Player"),
            ("Quidditch", "Other Sport", "Quidditch Player"),
            ("And", "Other Sport", "And Player"),
        ] {
            let sport = sport(written);
            assert_eq!((tag(&sport), &*noun(&sport)), (expected_tag, expected_noun), "{written}");
        }
    }

    #[test]
    fn one_sport_in_three_spellings_is_one_interest_and_the_first_spelling_stays() {
        let sports = ["Swim", "Kabaddi", "Swimming", "Swim team", "kabaddi", "Soccer", "⚽", "🏀"].map(sport);

        let distinct = distinct(sports.into());

        assert_eq!(distinct, ["Swim", "Kabaddi", "Soccer", "⚽", "🏀"].map(sport));
    }

    #[test]
    fn every_tag_fits_into_zohos_twenty_five_characters_and_no_spelling_means_two_sports() {
        let names = || SPORTS.iter().flat_map(|known| known.aliases.iter().chain([&known.tag]));
        let keys: BTreeSet<String> = names().map(|name| letters(name).collect()).collect();

        assert!(SPORTS.iter().map(|known| known.tag).chain([OTHER]).all(|tag| tag.len() <= 25));
        assert_eq!(keys.len(), names().count(), "a spelling stands twice");
    }
}
