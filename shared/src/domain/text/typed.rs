//! What a person may type today, where that is less than what may stand in the database.

use std::str::FromStr;

use serde::Serialize;

use super::super::invalid::{FieldCode, Invalid};
use super::phone;
use super::plain::shows_something;
use super::{ExternalId, Line, OrgName, PersonName, PhoneNumber, Sport, Title};

/// A text as it is accepted in a request. The type itself also reads what was stored under wider rules, so that no row
/// becomes unreadable when a rule is narrowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Typed<T>(pub T);

/// What a type asks of a text that is typed today.
pub trait Rule: FromStr<Err = Invalid> {
    /// # Errors
    /// What to type instead.
    fn check(&self) -> Result<(), Invalid>;
}

impl<T: Rule> FromStr for Typed<T> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value: T = text.parse()?;
        value.check()?;
        Ok(Self(value))
    }
}

impl Rule for PhoneNumber {
    fn check(&self) -> Result<(), Invalid> {
        phone::check(self.as_str())
    }
}

macro_rules! seen {
    ($($name:ident),+) => {$(
        impl Rule for $name {
            fn check(&self) -> Result<(), Invalid> {
                if shows_something(self.as_str()) {
                    Ok(())
                } else {
                    let message = "must have at least one character that can be seen: type it as it is written";
                    Err(Invalid::new(FieldCode::Empty, message))
                }
            }
        }
    )+};
}

seen!(PersonName, OrgName, Title, Line, ExternalId, Sport);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_something_and_one_that_was_stored_before_is_still_read() {
        for blank in [
            "\u{200b}",
            "\u{2800}",
            "\u{1d159}",
            "\u{2800} \u{200b}\u{feff}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{202e}",
            "\u{e0041}",
            "\u{301}",
        ] {
            assert!(
                blank.parse::<Typed<PersonName>>().is_err_and(|told| told.message.contains("can be seen")),
                "{blank:?}"
            );
            assert!(blank.parse::<PersonName>().is_ok(), "{blank:?}");
        }
        for name in ["🙂", "李", "X Æ A-12", "👨\u{200d}👩\u{200d}👧"] {
            assert_eq!(name.parse::<Typed<PersonName>>().unwrap().0.as_str(), name);
        }
    }
}
