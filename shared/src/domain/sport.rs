//! What somebody who does a sport is called.

use super::text::Sport;

/// "Soccer" → "Soccer Player", "Swimming" → "Swimmer".
pub fn noun(sport: &Sport) -> String {
    let own = match sport.as_str().to_lowercase().as_str() {
        "swimming" | "swim" => "Swimmer",
        "gymnastics" => "Gymnast",
        "wrestling" => "Wrestler",
        "running" | "cross country" => "Runner",
        "track" | "track and field" | "track & field" => "Track Athlete",
        "diving" => "Diver",
        "dance" | "dancing" => "Dancer",
        "cheer" | "cheerleading" => "Cheerleader",
        "rowing" | "crew" => "Rower",
        "cycling" => "Cyclist",
        "fencing" => "Fencer",
        "skiing" => "Skier",
        "skating" | "figure skating" => "Skater",
        "boxing" => "Boxer",
        "archery" => "Archer",
        "golf" => "Golfer",
        "sailing" => "Sailor",
        "surfing" => "Surfer",
        "climbing" => "Climber",
        _ => return format!("{} Player", sport.as_str()),
    };
    own.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sport_is_played_unless_it_has_a_noun_of_its_own() {
        let noun = |sport: &str| noun(&sport.parse().unwrap());

        assert_eq!(noun("Soccer"), "Soccer Player");
        assert_eq!(noun("swimming"), "Swimmer");
        assert_eq!(noun("Cross Country"), "Runner");
    }
}
