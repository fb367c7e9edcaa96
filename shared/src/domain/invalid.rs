//! Why a value is not accepted: a code for programs and a message for people.

use std::borrow::Cow;
use std::convert::Infallible;

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What is wrong with a field, in a word that stays: a front end translates by it. `docs/openapi.yaml` lists the same
        /// codes, and in kebab-case they stand in JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum FieldCode {
            $($(#[$doc])* $name),+
        }

        impl FieldCode {
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

codes! {
    Required,
    UnknownField,
    // JSON of another type.
    NotAnObject,
    NotAList,
    NotText,
    NotABoolean,
    NotAWholeNumber,
    // Too little, too much, or not among what is known.
    Empty,
    TooLong,
    TooMany,
    TooLarge,
    OutOfRange,
    UnknownValue,
    ControlCharacters,
    SeveralValues,
    // Text that cannot be read as what it should be. `WrongFormat` where no program would treat it apart.
    WrongFormat,
    NotADate,
    NotATime,
    NotAnId,
    NotACode,
    NotACursor,
    NotAnEmail,
    NotAPhoneNumber,
    PhoneExtension,
    NoSuchPhoneNumber,
    NotAUrl,
    NotALink,
    NotAZipCode,
    NotACountry,
    NotATaxId,
    // Readable, and still not accepted.
    UnknownCode,
    NotYours,
    Contradiction,
    Fixed,
    NotRemovable,
    AlreadyCredited,
    TooLate,
}

/// The error of every checked type. There is no way from a text alone to it, so that no code is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    pub code: FieldCode,
    /// What to do, to be read behind the name of the field. It never quotes the value: that may say something about a
    /// person.
    pub message: Cow<'static, str>,
}

impl Invalid {
    pub fn new(code: FieldCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// One that several places share.
    pub const fn constant(code: FieldCode, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    /// For a closed list.
    pub fn not_one_of(labels: &[&str]) -> Self {
        Self::new(FieldCode::UnknownValue, format!("must be one of: {}", labels.join(", ")))
    }
}

/// Text that takes any value.
impl From<Infallible> for Invalid {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/openapi.yaml");

    /// The lines of the schema `FieldCode`.
    fn schema() -> Vec<&'static str> {
        let (_, schema) = DOCUMENT.split_once("\n    FieldCode:\n").unwrap();
        schema.lines().take_while(|line| line.is_empty() || line.starts_with("      ")).collect()
    }

    fn in_code() -> Vec<String> {
        FieldCode::ALL.iter().filter_map(|code| json!(code).as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn the_document_lists_the_codes_in_their_order() {
        let listed = schema().into_iter().skip_while(|line| line.trim() != "enum:").skip(1);
        let listed: Vec<&str> = listed.flat_map(|line| line.split([',', '[', ']'])).map(str::trim).collect();

        let listed: Vec<&str> = listed.into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(listed, in_code());
    }

    #[test]
    fn the_document_says_what_each_code_means() {
        let described = schema().into_iter().filter_map(|line| line.trim().strip_prefix("- `")?.split_once("`: "));
        let described: Vec<&str> = described.map(|(code, _)| code).collect();

        assert_eq!(described, in_code());
    }
}
