//! "Who is logged in?", as one sentence for a plugin: "Sheree, Parent of Jordan, Soccer Player".

use serde::{Deserialize, Serialize};

use super::labels::{CertificationLevel, OrgType};
use super::text::{self, Sport};

/// The most characters of a typed text that a plugin is given.
const MOST: usize = 80;

/// A text that a user typed, fit to stand in a prompt: one line without control characters, bidirectional controls or
/// anything else that cannot be seen, at most 80 characters. Empty if it shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Plain(String);

impl Plain {
    pub fn of(text: &str) -> Self {
        Self(text::shortened(text, MOST))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(redacted)")
    }
}

/// A person as the sentence needs her.
#[derive(Clone, Debug)]
pub enum Person {
    Admin,
    /// An athlete's name is empty where it is hidden.
    Parent {
        first_name: Plain,
        athletes: Vec<(Plain, Option<Sport>)>,
    },
    Org {
        first_name: Plain,
        org_name: Plain,
        org_type: OrgType,
    },
    Photographer {
        first_name: Plain,
        level: CertificationLevel,
        business_name: Plain,
    },
}

/// The sentence. An admin has no profile and so no name; a name that shows nothing is left out.
pub fn summary(person: &Person) -> String {
    match person {
        Person::Admin => "Admin of ISO Photo XP".to_owned(),
        Person::Parent { first_name, athletes } => {
            let athletes: Vec<String> = athletes.iter().map(described).collect();
            let of = if athletes.is_empty() { String::new() } else { format!(" of {}", enumerated(&athletes)) };
            joined(&[first_name.as_str(), &format!("Parent{of}")])
        }
        Person::Org { first_name, org_name, org_type } if org_name.is_empty() => {
            joined(&[first_name.as_str(), &format!("Admin of a {org_type}")])
        }
        Person::Org { first_name, org_name, org_type } => {
            joined(&[first_name.as_str(), &format!("Admin of {} ({org_type})", org_name.as_str())])
        }
        Person::Photographer { first_name, level, business_name } => {
            let at = if business_name.is_empty() { String::new() } else { format!(" at {}", business_name.as_str()) };
            joined(&[first_name.as_str(), &format!("{level} Photographer{at}")])
        }
    }
}

/// "Jordan, Soccer Player"; "a Soccer Player" without a name, "an athlete" without anything.
fn described((first_name, sport): &(Plain, Option<Sport>)) -> String {
    let noun = sport.as_ref().map(|sport| Plain::of(&super::sport::noun(sport)));
    let noun = noun.as_ref().map_or("", Plain::as_str);
    match (first_name.is_empty(), noun.is_empty()) {
        (false, _) => joined(&[first_name.as_str(), noun]),
        (true, false) => format!("{} {noun}", article(noun)),
        (true, true) => "an athlete".to_owned(),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn joined(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Each athlete carries a comma of his own, so the comma stays before "and".
fn enumerated(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheree(athletes: &[(&str, Option<&str>)]) -> String {
        let athletes = athletes.iter().map(|(name, sport)| (Plain::of(name), sport.map(|s| s.parse().unwrap())));
        summary(&Person::Parent { first_name: Plain::of("Sheree"), athletes: athletes.collect() })
    }

    #[test]
    fn a_parent_is_told_by_her_athletes() {
        assert_eq!(sheree(&[("Jordan", Some("Soccer"))]), "Sheree, Parent of Jordan, Soccer Player");
        assert_eq!(
            sheree(&[("Jordan", Some("Soccer")), ("Sam", Some("Swimming"))]),
            "Sheree, Parent of Jordan, Soccer Player, and Sam, Swimmer"
        );
        assert_eq!(sheree(&[("Jordan", None)]), "Sheree, Parent of Jordan");
        assert_eq!(sheree(&[]), "Sheree, Parent");
    }

    #[test]
    fn an_organisation_and_a_photographer_are_told_by_their_business() {
        let cathy = Person::Org {
            first_name: Plain::of("Cathy"),
            org_name: Plain::of("Lincoln High"),
            org_type: OrgType::School,
        };
        let frank = Person::Photographer {
            first_name: Plain::of("Frank"),
            level: CertificationLevel::Level1,
            business_name: Plain::of("Frank Shoots LLC"),
        };

        assert_eq!(summary(&cathy), "Cathy, Admin of Lincoln High (School)");
        assert_eq!(summary(&frank), "Frank, Level 1 Photographer at Frank Shoots LLC");
    }

    #[test]
    fn a_typed_text_is_one_short_line_that_can_be_seen() {
        let title = format!("\u{202e}Fall\nSoccer\u{7} {}", "x".repeat(120));

        let plain = Plain::of(&title);

        assert_eq!(plain.as_str(), format!("Fall Soccer {}…", "x".repeat(67)));
        assert_eq!(plain.as_str().chars().count(), 80);
        assert_eq!(serde_json::from_value::<Plain>(title.into()).unwrap(), plain, "the database's texts come in so");
    }

    #[test]
    fn a_name_that_shows_nothing_leaves_no_gap() {
        let blank = || Plain::of("\u{200b}");
        let parent = |athletes| summary(&Person::Parent { first_name: blank(), athletes });
        let org = Person::Org { first_name: blank(), org_name: blank(), org_type: OrgType::School };
        let level = CertificationLevel::Level1;
        let photographer = Person::Photographer { first_name: blank(), level, business_name: blank() };

        assert_eq!(parent(vec![]), "Parent");
        assert_eq!(parent(vec![(blank(), "Soccer".parse().ok())]), "Parent of a Soccer Player");
        let three = vec![(blank(), "Archery".parse().ok()), (blank(), "Swimming".parse().ok()), (blank(), None)];
        assert_eq!(parent(three), "Parent of an Archer, a Swimmer, and an athlete");
        assert_eq!(summary(&org), "Admin of a School");
        assert_eq!(summary(&photographer), "Level 1 Photographer");
    }
}
