//! Where something stands in a JSON body (RFC 6901), like `/job/id`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::data::digits;
use super::readable::Readable;
use crate::domain::{FieldCode, Invalid};

/// As deep as any sender's bodies are.
const DEEPEST: usize = 16;

/// A place in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    steps: Vec<String>,
}

impl Pointer {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands there; null is the same as nothing.
    pub(super) fn of<'v>(&self, body: &'v Value) -> Option<&'v Value> {
        body.pointer(&self.text).filter(|value| !value.is_null())
    }

    /// The text or whole number that stands there, found without reading anything else: what does not lie on the way
    /// is skipped without memory for it and without recursion, so that a stranger's body costs no more than its
    /// length. None, too, where the body is no JSON, or the text has half of a character in it.
    pub(super) fn text_in(&self, body: &Readable<'_>) -> Option<String> {
        let mut json = serde_json::Deserializer::from_str(body.as_str());
        let found = TextAt(&self.steps).deserialize(&mut json).ok()?;
        json.end().ok()?;
        found.filter(|text| body.is_whole(text))
    }
}

impl FromStr for Pointer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('/').filter(|_| text.len() <= 200).ok_or(WRONG)?;
        let steps: Vec<String> = rest.split('/').map(step).collect::<Option<_>>().ok_or(WRONG)?;
        if steps.len() > DEEPEST {
            return Err(Invalid::new(FieldCode::WrongFormat, "must lead at most 16 levels deep"));
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

const WRONG: Invalid = Invalid::constant(FieldCode::WrongFormat, "must be a JSON pointer like /job/id");

/// `~1` stands for a slash and `~0` for a tilde.
fn step(text: &str) -> Option<String> {
    let mut parts = text.split('~');
    let mut step = parts.next()?.to_owned();
    for part in parts {
        step.push(match part.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        step.push_str(&part[1..]);
    }
    Some(step)
}

struct TextAt<'p>(&'p [String]);

impl TextAt<'_> {
    fn here(&self, text: impl FnOnce() -> String) -> Option<String> {
        self.0.is_empty().then(text)
    }
}

impl<'de> DeserializeSeed<'de> for TextAt<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, body: D) -> Result<Self::Value, D::Error> {
        body.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextAt<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.here(|| text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.here(|| number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.here(|| number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let digits = Number::from_f64(number).and_then(|number| digits(&number));
        Ok(digits.and_then(|digits| self.here(|| digits)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// Of several fields of one name the last counts, as it does for whoever reads the whole body.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            match self.0.split_first() {
                Some((step, rest)) if *step == name => found = fields.next_value_seed(TextAt(rest))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (place, rest) = self.0.split_first().map_or((None, self.0), |(step, rest)| (step.parse().ok(), rest));
        let mut found = None;
        for index in 0_usize.. {
            if place == Some(index) {
                match items.next_element_seed(TextAt(rest))? {
                    Some(text) => found = text,
                    None => break,
                }
            } else if items.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    fn text_at(place: &str, body: impl AsRef<[u8]>) -> Option<String> {
        pointer(place).text_in(&Readable::of(body.as_ref()))
    }

    #[test]
    fn a_pointer_leads_through_objects_and_lists() {
        let body = br#"{"a":{"b":[1,{"c/d~":"here"}]},"b":"there","n":7,"x":null}"#;

        assert_eq!(text_at("/a/b/1/c~1d~0", body), Some("here".to_owned()));
        assert_eq!(text_at("/a/b/0", body), Some("1".to_owned()));
        assert_eq!(text_at("/n", body), Some("7".to_owned()));
        for nowhere in ["/a", "/a/b/2", "/a/b/x", "/b/c", "/x", "/y", "/"] {
            assert_eq!(text_at(nowhere, body), None, "{nowhere}");
        }
    }

    #[test]
    fn what_is_known_by_it_is_there_in_full_and_the_rest_may_be_broken() {
        let body = b"\xef\xbb\xbf{\"id\":\"E-1\",\"a\":\"\\ud83d\",\"\\ud83d\":{\"b\":\"\xff\"},\"c\":\"\xff\",\"n\":17.0,\"m\":1.5}";

        assert_eq!(text_at("/id", body), Some("E-1".to_owned()));
        assert_eq!(text_at("/n", body), Some("17".to_owned()));
        for broken in ["/a", "/c", "/m"] {
            assert_eq!(text_at(broken, body), None, "{broken}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for wrong in ["", "a", "/~", "/~2", &"/a".repeat(17), &format!("/{}", "a".repeat(200))] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn endless_nesting_is_skipped_without_recursion() {
        let nested = |open: &str, close: &str| open.repeat(300_000) + &close.repeat(300_000);
        let body = format!(r#"{{"deep":{},"token":"here"}}"#, nested("[", "]"));

        assert_eq!(text_at("/token", &body), Some("here".to_owned()));
        assert_eq!(text_at("/token", nested("[", "")), None);
        assert_eq!(text_at("/token", nested(r#"{"token":"#, "")), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ab~/]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[ab]|~|/", inner, 0..4).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_a_reader_of_the_whole_body_finds(body in json(), path in "(/(a|b|0|1|~0|~1)){1,4}") {
            let whole = match body.pointer(&path) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };

            prop_assert_eq!(text_at(&path, body.to_string()), whole);
        }

        #[test]
        fn it_reads_any_bytes_to_their_end(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            text_at("/a/0", &body);
        }
    }
}
