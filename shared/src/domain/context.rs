//! "Who is logged in?", as one sentence for a plugin: "Sheree, Parent of Jordan, Soccer Player".

use super::labels::{CertificationLevel, OrgType};
use super::text::{OrgName, PersonName, Sport};

/// A person as the sentence needs her.
#[derive(Clone, Debug)]
pub enum Person {
    Admin,
    Parent { first_name: PersonName, athletes: Vec<(PersonName, Option<Sport>)> },
    Org { first_name: PersonName, org_name: OrgName, org_type: OrgType },
    Photographer { first_name: PersonName, level: CertificationLevel, business_name: OrgName },
}

/// The sentence. An admin has no profile and so no name.
pub fn summary(person: &Person) -> String {
    match person {
        Person::Admin => "Admin of ISO Photo XP".to_owned(),
        Person::Parent { first_name, athletes } if athletes.is_empty() => format!("{}, Parent", first_name.as_str()),
        Person::Parent { first_name, athletes } => {
            let athletes: Vec<String> = athletes.iter().map(described).collect();
            format!("{}, Parent of {}", first_name.as_str(), enumerated(&athletes))
        }
        Person::Org { first_name, org_name, org_type } => {
            format!("{}, Admin of {} ({org_type})", first_name.as_str(), org_name.as_str())
        }
        Person::Photographer { first_name, level, business_name } => {
            format!("{}, {level} Photographer at {}", first_name.as_str(), business_name.as_str())
        }
    }
}

fn described((first_name, sport): &(PersonName, Option<Sport>)) -> String {
    match sport {
        Some(sport) => format!("{}, {}", first_name.as_str(), super::sport::noun(sport)),
        None => first_name.as_str().to_owned(),
    }
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
        let athletes = athletes.iter().map(|(name, sport)| (name.parse().unwrap(), sport.map(|s| s.parse().unwrap())));
        summary(&Person::Parent { first_name: "Sheree".parse().unwrap(), athletes: athletes.collect() })
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
            first_name: "Cathy".parse().unwrap(),
            org_name: "Lincoln High".parse().unwrap(),
            org_type: OrgType::School,
        };
        let frank = Person::Photographer {
            first_name: "Frank".parse().unwrap(),
            level: CertificationLevel::Level1,
            business_name: "Frank Shoots LLC".parse().unwrap(),
        };

        assert_eq!(summary(&cathy), "Cathy, Admin of Lincoln High (School)");
        assert_eq!(summary(&frank), "Frank, Level 1 Photographer at Frank Shoots LLC");
    }
}
