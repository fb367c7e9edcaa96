//! The fields of an event's `data`, as they come in or out of the inbox. A field that is null or not there is missing.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Number, Value};

use super::readable::Readable;
use super::refusal::malformed;
use crate::error::Error;

#[derive(Clone, Copy)]
pub(super) struct Data<'v> {
    fields: &'v Value,
    /// What they came in; none where they are our own.
    body: Option<&'v Readable<'v>>,
}

impl<'v> Data<'v> {
    pub(super) fn sent(fields: &'v Value, body: &'v Readable<'v>) -> Self {
        Self { fields, body: Some(body) }
    }

    pub(super) fn kept(fields: &'v Value) -> Self {
        Self { fields, body: None }
    }

    /// Text that must be there.
    pub(super) fn required<T: FromStr<Err: Display>>(self, field: &str) -> Result<T, Error> {
        let text = self.text(field)?.ok_or_else(|| missing(field))?;
        parsed(field, text)
    }

    /// Text that may be missing, or be blank, which says the same.
    pub(super) fn optional<T: FromStr<Err: Display>>(self, field: &str) -> Result<Option<T>, Error> {
        let text = self.text(field)?.filter(|text| !text.trim().is_empty());
        text.map(|text| parsed(field, text)).transpose()
    }

    /// An id that must be there, as text or as a number.
    pub(super) fn id<T: FromStr<Err: Display>>(self, field: &str) -> Result<T, Error> {
        match &self.fields[field] {
            Value::Number(number) => {
                let digits = digits(number);
                let digits =
                    digits.ok_or_else(|| malformed(format!("data.{field} must be text or a whole number.")))?;
                parsed(field, &digits)
            }
            _ => self.required(field),
        }
    }

    fn text(self, field: &str) -> Result<Option<&'v str>, Error> {
        match &self.fields[field] {
            Value::Null => Ok(None),
            Value::String(text) if self.body.is_none_or(|body| body.is_whole(text)) => Ok(Some(text)),
            Value::String(_) => Err(malformed(format!(
                "data.{field} has half of a character in it: send whole characters, in UTF-8 or as two \\u escapes."
            ))),
            _ => Err(malformed(format!("data.{field} must be text."))),
        }
    }
}

/// From here on a number that has gone through a float may be another one: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number as it is written without a fraction. `None`: it is none, or has lost digits on its way here.
pub(super) fn digits(number: &Number) -> Option<String> {
    if !number.is_f64() {
        return Some(number.to_string());
    }
    let number = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < FIRST_INEXACT)?;
    Some(format!("{number:.0}"))
}

fn missing(field: &str) -> Error {
    malformed(format!("data.{field} is required."))
}

fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|problem| malformed(format!("data.{field} {problem}.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{ExternalId, GalleryUrl};

    fn told<T>(result: Result<T, Error>) -> Result<T, String> {
        result.map_err(|error| error.to_string().replace("malformed: data.id ", ""))
    }

    fn id(value: &Value) -> Result<String, String> {
        told(Data::kept(&json!({ "id": value })).id::<ExternalId>("id")).map(|id| id.as_str().to_owned())
    }

    #[test]
    fn an_id_is_text_or_a_whole_number() {
        for (value, expected) in [
            (json!("PD-1"), "PD-1"),
            (json!(" PD-1 "), "PD-1"),
            (json!(20931), "20931"),
            (json!(0), "0"),
            (json!(-7), "-7"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(20931.0), "20931"),
            (json!(9_007_199_254_740_991.0), "9007199254740991"),
        ] {
            assert_eq!(id(&value), Ok(expected.to_owned()), "{value}");
        }
        for (value, problem) in [
            (json!(1.5), "must be text or a whole number."),
            (json!(9_007_199_254_740_992.0), "must be text or a whole number."),
            (json!(1e40), "must be text or a whole number."),
            (json!(true), "must be text."),
            (json!({}), "must be text."),
            (json!(["PD-1"]), "must be text."),
            (json!(null), "is required."),
            (json!(""), "must not be empty."),
            (json!("PD\u{0}1"), "must not contain control characters."),
        ] {
            assert_eq!(id(&value), Err(problem.to_owned()), "{value}");
        }
    }

    #[test]
    fn what_is_blank_is_missing_where_it_may_be() {
        let link = |value: &Value| told(Data::kept(&json!({ "id": value })).optional::<GalleryUrl>("id"));

        for blank in [json!(null), json!(""), json!("  \t\n")] {
            assert_eq!(link(&blank), Ok(None));
        }
        assert_eq!(told(Data::kept(&json!({})).optional::<GalleryUrl>("id")), Ok(None));
        assert!(link(&json!("https://photos.example/1")).unwrap().is_some());
        for wrong in [json!("javascript:alert(1)"), json!(7), json!({})] {
            assert!(link(&wrong).is_err());
        }
    }

    #[test]
    fn half_a_character_in_what_is_needed_is_refused() {
        let body = Readable::of(br#"{"id":"PD-\ud83d"}"#);
        let fields = body.value().unwrap();
        let data = Data::sent(&fields, &body);

        for refused in [told(data.id::<ExternalId>("id")), told(data.required("id"))] {
            assert!(refused.unwrap_err().starts_with("has half of a character in it"));
        }
        assert!(data.optional::<ExternalId>("id").is_err());
    }
}
