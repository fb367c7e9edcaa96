//! What admins ask for when they look for users: something that is known of a user, and what the search is narrowed to.

use std::str::FromStr;

use super::{CertificationLevel, Email, Invalid, Line, Role, Typed, UserId, ZipCode};

/// Which users are wanted.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    pub known: Option<Known>,
    /// `None`: no user can fit, because two filters ask for different roles.
    pub narrowed: Option<Narrowed>,
}

/// What is known of a user.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    Email(Email),
    Id(UserId),
    /// The beginning of a name, a code, or the id of a record in the CRM: only the database can tell.
    Text(Line),
}

/// The users among whom is searched.
#[derive(Debug, PartialEq, Eq)]
pub enum Narrowed {
    ToRole(Option<Role>),
    ToOrganizations {
        verified: bool,
    },
    ToLevel(CertificationLevel),
    /// Photographers who serve it.
    ToZip {
        zip: ZipCode,
        level: Option<CertificationLevel>,
    },
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Newest,
    Oldest,
    Name,
}

impl Search {
    /// All of the filters together.
    pub fn new(
        known: Option<Known>,
        role: Option<Role>,
        verified: Option<bool>,
        zip: Option<ZipCode>,
        level: Option<CertificationLevel>,
    ) -> Self {
        let is_or_any = |wanted| role.is_none_or(|role| role == wanted);
        let narrowed = match (verified, zip, level) {
            (None, None, None) => Some(Narrowed::ToRole(role)),
            (Some(verified), None, None) if is_or_any(Role::Org) => Some(Narrowed::ToOrganizations { verified }),
            (None, Some(zip), level) if is_or_any(Role::Photographer) => Some(Narrowed::ToZip { zip, level }),
            (None, None, Some(level)) if is_or_any(Role::Photographer) => Some(Narrowed::ToLevel(level)),
            _ => None,
        };
        Self { known, narrowed }
    }

    /// The order in which the users are listed: organisations that wait, those first that have waited longest.
    pub fn order(&self) -> Order {
        match (&self.known, &self.narrowed) {
            (Some(_), _) => Order::Name,
            (None, Some(Narrowed::ToOrganizations { verified: false })) => Order::Oldest,
            (None, _) => Order::Newest,
        }
    }
}

impl Narrowed {
    /// The only role that can fit.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::ToRole(role) => *role,
            Self::ToOrganizations { .. } => Some(Role::Org),
            Self::ToLevel(_) | Self::ToZip { .. } => Some(Role::Photographer),
        }
    }

    pub fn verified(&self) -> Option<bool> {
        if let Self::ToOrganizations { verified } = self { Some(*verified) } else { None }
    }

    pub fn zip(&self) -> Option<&ZipCode> {
        if let Self::ToZip { zip, .. } = self { Some(zip) } else { None }
    }

    pub fn level(&self) -> Option<CertificationLevel> {
        match self {
            Self::ToLevel(level) => Some(*level),
            Self::ToZip { level, .. } => *level,
            Self::ToRole(_) | Self::ToOrganizations { .. } => None,
        }
    }
}

impl FromStr for Known {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A business may have an @ in its name.
        if let Ok(email) = text.parse() {
            return Ok(Self::Email(email));
        }
        if let Ok(id) = text.trim().parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(|Typed(text)| Self::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldCode;
    use super::*;

    fn known(text: &str) -> &'static str {
        match text.parse() {
            Ok(Known::Email(_)) => "an address",
            Ok(Known::Id(_)) => "an id",
            Ok(Known::Text(_)) => "a text",
            Err(_) => "nothing",
        }
    }

    #[test]
    fn what_is_known_of_a_user_is_told_apart_by_how_it_looks() {
        for (text, expected) in [
            ("Sheree@Example.com", "an address"),
            (" sheree@example.com\u{200b}", "an address"),
            ("Shots@Home", "a text"),
            ("01978F2E-7b3c-7d10-9a51-3f6f2f1a0c01 ", "an id"),
            ("01978f2e", "a text"),
            ("FRANK2024", "a text"),
            ("5551234000000012345", "a text"),
            ("李", "a text"),
            ("", "nothing"),
            (" \u{200b}", "nothing"),
            ("nul\0", "nothing"),
        ] {
            assert_eq!(known(text), expected, "{text:?}");
        }
        assert_eq!("\u{2800}".parse::<Known>().unwrap_err().code, FieldCode::Empty);
        assert_eq!("x".repeat(121).parse::<Known>().unwrap_err().code, FieldCode::TooLong);
        assert_eq!("  Lincoln \n High".parse(), Ok(Known::Text("Lincoln High".parse().unwrap())));
    }

    #[test]
    fn filters_that_ask_for_different_roles_fit_nobody() {
        let zip = || "60601".parse::<ZipCode>().ok();
        let level = Some(CertificationLevel::Master);
        for (role, verified, zip, level, expected) in [
            (None, None, None, None, Some((None, Order::Newest))),
            (Some(Role::Admin), None, None, None, Some((Some(Role::Admin), Order::Newest))),
            (None, Some(true), None, None, Some((Some(Role::Org), Order::Newest))),
            (Some(Role::Org), Some(false), None, None, Some((Some(Role::Org), Order::Oldest))),
            (None, None, zip(), None, Some((Some(Role::Photographer), Order::Newest))),
            (Some(Role::Photographer), None, zip(), level, Some((Some(Role::Photographer), Order::Newest))),
            (None, None, None, level, Some((Some(Role::Photographer), Order::Newest))),
            (Some(Role::Parent), None, None, level, None),
            (Some(Role::Parent), None, zip(), None, None),
            (Some(Role::Photographer), Some(true), None, None, None),
            (None, Some(false), zip(), None, None),
            (None, Some(true), None, level, None),
        ] {
            let case = format!("{role:?} {verified:?} {zip:?} {level:?}");
            let (has_zip, search) = (zip.is_some(), Search::new(None, role, verified, zip, level));

            let found = search.narrowed.as_ref().map(|narrowed| (narrowed.role(), search.order()));
            assert_eq!(found, expected, "{case}");
            if let Some(narrowed) = &search.narrowed {
                assert_eq!(
                    (narrowed.verified(), narrowed.zip().is_some(), narrowed.level()),
                    (verified, has_zip, level),
                    "{case}"
                );
            }
        }
    }

    #[test]
    fn users_who_are_searched_for_are_listed_by_name() {
        let search = Search::new("Lincoln".parse().ok(), None, Some(false), None, None);

        assert_eq!(search.order(), Order::Name);
    }
}
