//! A verified body as it can be read. What is wrong in places that do not matter does not keep what is right in those
//! that do from being read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A body without a byte order mark, and with U+FFFD for what is no character: bytes that are no UTF-8, and half of a
/// surrogate pair (`\ud83d` alone), which senders write that cut a text in the middle of an emoji.
pub(super) struct Readable<'a> {
    text: Cow<'a, str>,
    repaired: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Readable<'a> {
    pub(super) fn of(body: &'a [u8]) -> Self {
        let text = String::from_utf8_lossy(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body));
        let halves = halves(text.as_bytes());
        let repaired = !halves.is_empty() || matches!(text, Cow::Owned(_));
        let text = if halves.is_empty() { text } else { Cow::Owned(with_replacements(&text, &halves)) };
        Self { text, repaired }
    }
}

impl Readable<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text of the body stands there as it was sent. What somebody is known by has to.
    pub(super) fn is_whole(&self, text: &str) -> bool {
        !(self.repaired && text.contains(char::REPLACEMENT_CHARACTER))
    }

    /// All that it says, down to a level below which nobody looks: what lies deeper is null.
    pub(super) fn value(&self) -> Result<Value, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let value = DownTo(DEEPEST).deserialize(&mut json)?;
        json.end()?;
        Ok(value)
    }
}

/// Without the text, which may speak of people.
impl fmt::Debug for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readable({} bytes)", self.text.len())
    }
}

/// The places of escaped surrogates without their other half. JSON has backslashes in texts alone, and what stands
/// behind one belongs to it: `\\ud83d` is a backslash and five letters.
fn halves(json: &[u8]) -> Vec<usize> {
    let mut halves = Vec::new();
    // Hardly any body has one, and then this look is all that it costs.
    if !json.windows(3).any(|bytes| matches!(bytes, [b'\\', b'u', b'd' | b'D'])) {
        return halves;
    }
    let mut next = 0;
    while let Some(place) = json.get(next..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        let place = next + place;
        next = match (code_unit(json, place), code_unit(json, place + UNIT)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => place + 2 * UNIT,
            (Some(0xd800..=0xdfff), _) => {
                halves.push(place);
                place + UNIT
            }
            (Some(_), _) => place + UNIT,
            (None, _) => place + 2,
        };
    }
    halves
}

/// The length of `\uXXXX`.
const UNIT: usize = 6;

fn code_unit(json: &[u8], place: usize) -> Option<u16> {
    let [b'\\', b'u', hex @ ..] = json.get(place..place + UNIT)? else { return None };
    let hex = std::str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(hex, 16).ok()
}

fn with_replacements(json: &str, halves: &[usize]) -> String {
    let mut replaced = String::with_capacity(json.len());
    let mut from = 0;
    for half in halves {
        replaced.push_str(&json[from..*half]);
        replaced.push_str("\\ufffd");
        from = half + UNIT;
    }
    replaced.push_str(&json[from..]);
    replaced
}

/// Deeper than any place that settings can name, and far from what would exhaust the stack.
const DEEPEST: usize = 32;

/// A value with what lies in it so many levels deep. The rest is skipped without recursion.
#[derive(Clone, Copy)]
struct DownTo(usize);

impl<'de> DeserializeSeed<'de> for DownTo {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DownTo {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Some(below) = self.0.checked_sub(1).map(DownTo) else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    /// Of several fields of one name the last counts.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let Some(below) = self.0.checked_sub(1).map(DownTo) else {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            object.insert(name, fields.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(body: impl AsRef<[u8]>) -> Option<Value> {
        Readable::of(body.as_ref()).value().ok()
    }

    #[test]
    fn half_a_character_is_replaced_and_a_whole_one_is_not() {
        for (body, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\uDE00""#, "\u{fffd}"),
            (r#""a\ud83d\ud83db""#, "a\u{fffd}\u{fffd}b"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\uD83D\uDE00""#, "😀"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\\\\ud83d""#, r"\\ud83d"),
            (r#""\"\ud83d\"""#, "\"\u{fffd}\""),
            (r#""\ud7ff\ue000""#, "\u{d7ff}\u{e000}"),
        ] {
            assert_eq!(value(body), Some(json!(expected)), "{body}");
        }
        assert_eq!(value(br#""a\xff\xfe""#.as_slice()), None);
        assert_eq!(value(b"\"a\xffb\""), Some(json!("a\u{fffd}b")));
    }

    #[test]
    fn a_name_may_be_broken_too() {
        assert_eq!(value(r#"{"\ud83d":1,"a":2}"#), Some(json!({"\u{fffd}": 1, "a": 2})));
    }

    #[test]
    fn what_is_no_json_is_none_for_all_that() {
        for body in ["", "\"\\ud83", "\"\\ud83d", "\"\\ud83x\"", "\"\\u+83d\"", "{}x", "[", "\u{feff}\u{feff}{}"] {
            assert_eq!(value(body), None, "{body}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_does_not_count_as_a_repair() {
        let readable = Readable::of("\u{feff}{\"a\":\"\u{fffd}\"}".as_bytes());

        assert_eq!(readable.value().unwrap(), json!({"a": "\u{fffd}"}));
        assert!(readable.is_whole("\u{fffd}"), "it was sent like that");
        assert!(matches!(readable.text, Cow::Borrowed(_)));
    }

    #[test]
    fn only_what_was_replaced_is_not_whole() {
        for body in [&br#""\ud83d""#[..], b"\"\xff\""] {
            let readable = Readable::of(body);

            assert!(!readable.is_whole("PD-1\u{fffd}") && readable.is_whole("PD-1"));
        }
    }

    #[test]
    fn what_lies_too_deep_is_nothing_and_exhausts_no_stack() {
        let nested = |open: &str, close: &str| open.repeat(300_000) + &close.repeat(300_000);
        for deep in [nested("[", "]"), "{\"a\":".repeat(300_000) + "1" + &"}".repeat(300_000)] {
            let body = value(format!(r#"{{"deep":{deep},"here":1}}"#)).unwrap();

            assert_eq!(body["here"], 1);
        }
        assert_eq!(value("[".repeat(300_000)), None);
        let levels = |count: usize| value("[".repeat(count) + "7" + &"]".repeat(count)).unwrap().to_string();
        assert_eq!(levels(DEEPEST), "[".repeat(DEEPEST) + "7" + &"]".repeat(DEEPEST));
        assert_eq!(levels(DEEPEST + 1), "[".repeat(DEEPEST) + "null" + &"]".repeat(DEEPEST));
    }

    #[test]
    fn it_prints_without_what_it_says() {
        assert_eq!(format!("{:?}", Readable::of(b"\"Sheree\"")), "Readable(8 bytes)");
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "(\\PC|[\\\\\"ud8\u{0}\n]){0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 30, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("(\\PC|[\\\\\"ud8]){0,6}", inner, 0..5).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn escapes_are_read_as_utf_16_is(units in proptest::collection::vec(
            prop_oneof![any::<u16>(), 0xd800_u16..0xe000], 0..12), upper in any::<bool>()) {
            let escape = |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            let body = format!("\"{}\"", units.iter().map(escape).collect::<String>());

            prop_assert_eq!(value(body), Some(json!(String::from_utf16_lossy(&units))));
        }

        #[test]
        fn what_is_right_is_read_as_it_is(body in tree()) {
            let text = body.to_string();
            let readable = Readable::of(text.as_bytes());

            prop_assert_eq!(readable.value().unwrap(), serde_json::from_str::<Value>(&text).unwrap());
            prop_assert!(!readable.repaired);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(body in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(&b"\\ud8\"{}[]:,"[..])], 0..100)) {
            value(body);
        }
    }
}
