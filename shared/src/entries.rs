//! Secrets that list others by name. Each entry is read by itself: one that is wrong is left out and named, and its
//! neighbours serve.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// What stands in such a secret, in its order; a name that stands there twice is there twice. It prints the names alone.
pub struct Entries(Vec<(String, Value)>);

/// What is in force, and what is not.
#[derive(Debug)]
pub struct Checked<T> {
    pub right: BTreeMap<String, T>,
    pub wrong: Vec<WrongEntry>,
}

/// An entry that is left out. It is shown with its name and what is wrong, and never with a key.
#[derive(Clone, PartialEq, Eq)]
pub struct WrongEntry {
    name: String,
    problem: String,
}

impl Entries {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, settings)| (&**name, settings))
    }

    /// Reads each by itself. `secret` is what the log calls the secret. What `read` returns as a problem must not quote
    /// the entry.
    pub fn read<T>(&self, secret: &str, read: impl Fn(&str, &Value) -> Result<T, String>) -> Checked<T> {
        let mut entries: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (name, settings) in self.iter() {
            entries.entry(name).or_default().push(settings);
        }
        let mut checked = Checked { right: BTreeMap::new(), wrong: Vec::new() };
        for (name, settings) in entries {
            let entry = match &*settings {
                [settings] => read(name, settings),
                _ => Err("its name is there twice: keep one of the entries".to_owned()),
            };
            match entry {
                Ok(entry) => drop(checked.right.insert(name.to_owned(), entry)),
                Err(problem) => checked.wrong.push(WrongEntry { name: name.to_owned(), problem: redacted(&problem) }),
            }
        }
        for wrong in &checked.wrong {
            tracing::error!(
                secret,
                entry = &*wrong.shown_name(),
                problem = wrong.problem,
                "an entry of a secret is wrong and left out; the others are in force"
            );
        }
        checked
    }
}

impl WrongEntry {
    /// As it stands in the secret: to compare, not to show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong, in a sentence that has no key in it.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    pub fn shown_name(&self) -> String {
        shown_name(&self.name)
    }
}

/// A text that cannot be a name may be anything, a key in the wrong place for example: only its beginning is shown.
pub fn shown_name(name: &str) -> String {
    let beginning: String = name.chars().filter(|c| !c.is_control()).take(SHOWN_OF_A_NAME).collect();
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name == beginning || name.len() <= LONGEST_NAME && name.bytes().all(is_name) {
        return redacted(name);
    }
    format!("{}…", redacted(&beginning).trim_end_matches('…'))
}

/// How much is shown of a name that is none.
const SHOWN_OF_A_NAME: usize = 8;
const LONGEST_NAME: usize = 40;

/// How keys begin, as the secrets write them.
const KEYS: [&str; 5] = ["whsec_", "whsk_", "whpk_", "hex:", "base64:"];

/// The names of fields stand in problems as they are in the secret; where one of them is a key, it is cut off.
fn redacted(text: &str) -> String {
    let hidden = |word: &str| {
        let begins = KEYS.iter().filter_map(|key| word.find(key).map(|place| (place, place + key.len()))).min();
        match begins {
            Some((_, end)) if word[end..].starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                format!("{}…", &word[..end])
            }
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(hidden).collect::<Vec<_>>().join(" ")
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries({})", self.0.len())
    }
}

impl fmt::Debug for WrongEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for WrongEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.shown_name(), self.problem)
    }
}

/// A JSON object, whose fields a map would keep only the last of where two have one name.
impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an entry for each name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = fields.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str) -> Checked<u64> {
        let entries: Entries = serde_json::from_str(secret).unwrap();
        entries.read("a-secret", |_, settings| settings.as_u64().ok_or_else(|| "must be a number".to_owned()))
    }

    #[test]
    fn an_entry_that_is_wrong_is_named_and_its_neighbours_are_in_force() {
        let checked = read(r#"{"a":1,"b":"x","c":3,"d":{"e":[]},"f":null}"#);

        assert_eq!(checked.right, BTreeMap::from([("a".to_owned(), 1), ("c".to_owned(), 3)]));
        let told: Vec<String> = checked.wrong.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["b: must be a number", "d: must be a number", "f: must be a number"]);
    }

    #[test]
    fn of_two_entries_with_one_name_neither_is_in_force() {
        let checked = read(r#"{"a":1,"b":2,"a":3}"#);

        assert_eq!(checked.right, BTreeMap::from([("b".to_owned(), 2)]));
        assert_eq!(checked.wrong[0].to_string(), "a: its name is there twice: keep one of the entries");
    }

    #[test]
    fn what_is_no_object_is_wrong_as_a_whole() {
        for wrong in ["", "[]", "null", "7", "\"{}\"", "{\"a\":1", "{'a':1}"] {
            assert!(serde_json::from_str::<Entries>(wrong).is_err(), "{wrong}");
        }
        assert!(read("{}").wrong.is_empty());
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_shown() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for (name, shown) in [
            ("photoday", "photoday"),
            ("a-name-of-thirty-characters-00", "a-name-of-thirty-characters-00"),
            ("PhotoDay", "PhotoDay"),
            ("PhotoDay of the North", "PhotoDay…"),
            (key, "whsec_…"),
            ("A3f8Qz0pLm4sV7x1", "A3f8Qz0p…"),
            ("a\nb", "ab…"),
            ("", ""),
        ] {
            let wrong = WrongEntry { name: name.to_owned(), problem: "is wrong".to_owned() };

            assert_eq!(wrong.shown_name(), shown, "{name}");
            assert_eq!(format!("{wrong:?}"), format!("{shown}: is wrong"));
        }
        for (problem, shown) in [
            (format!("/{key} is not a field of this request"), "/whsec_… is not a field of this request"),
            ("a key must be whsec_ and 24 bytes".to_owned(), "a key must be whsec_ and 24 bytes"),
            ("at least 16 bytes as hex:… or base64:…".to_owned(), "at least 16 bytes as hex:… or base64:…"),
        ] {
            assert_eq!(redacted(&problem), shown);
        }
    }
}
