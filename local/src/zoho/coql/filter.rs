//! What a column's value must be to pass a test of a query, by the column's type.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::{Bound, RangeBounds};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::query::{Literal, Test};
use crate::zoho::{clock, fields::Kind, reply::Reply};

/// A test that fits its column. What it says is read once and not for every record: a backfill asks for two hundred
/// values at a time, of all Contacts there are.
pub(super) struct Filter {
    kind: Kind,
    passing: Passing,
}

/// Null passes [`Passing::Null`] alone.
enum Passing {
    Null,
    NotNull,
    Among(HashSet<Key>),
    NotAmong(HashSet<Key>),
    Within((Bound<Key>, Bound<Key>)),
    Like(String),
    NotLike(String),
}

/// What values of a column are compared by.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Time(DateTime<Utc>),
    Number(i64),
    /// In small letters, for text is compared without regard to case. Dates as `YYYY-MM-DD` sort as text.
    Text(String),
}

impl Filter {
    /// Refuses an operator that the type does not have, or a value that is none of the type.
    pub(super) fn new(kind: Kind, column: &str, test: &Test) -> Result<Self, Reply> {
        let (operator, literals) = parts(test);
        if !has_operator(kind, operator) {
            let details = json!({ "reason": "invalid operator found", "column_name": column, "operator": operator });
            return Err(Reply::bad_request("INVALID_QUERY", "Invalid query formed", details));
        }
        let passing = literals.iter().all(|literal| is_of(kind, literal)).then(|| passing(kind, test)).flatten();
        passing.map(|passing| Self { kind, passing }).ok_or_else(|| {
            let message = "value given seems to be invalid for the column";
            Reply::bad_request("INVALID_QUERY", message, json!({ "column_name": column }))
        })
    }

    pub(super) fn passes(&self, value: &Value) -> bool {
        let has_key = |wanted: &dyn Fn(&Key) -> bool| key_of(self.kind, value).is_some_and(|key| wanted(&key));
        match &self.passing {
            Passing::Null => value.is_null(),
            _ if value.is_null() => false,
            Passing::NotNull => true,
            Passing::Among(keys) => has_key(&|key| keys.contains(key)),
            Passing::NotAmong(keys) => !has_key(&|key| keys.contains(key)),
            Passing::Within(range) => has_key(&|key| range.contains(key)),
            Passing::Like(pattern) => is_like(value, pattern),
            Passing::NotLike(pattern) => !is_like(value, pattern),
        }
    }
}

/// The order of two values of a column; null comes first.
pub(super) fn order(kind: Kind, left: &Value, right: &Value) -> Ordering {
    key_of(kind, left).cmp(&key_of(kind, right))
}

/// What passes a test; nothing if a value of it is none of the type.
fn passing(kind: Kind, test: &Test) -> Option<Passing> {
    use Bound::{Excluded, Included, Unbounded};
    let one = |literal: &Literal| key(kind, literal.text());
    let all = |literals: &[Literal]| literals.iter().map(one).collect::<Option<HashSet<Key>>>();
    Some(match test {
        Test::IsNull => Passing::Null,
        Test::IsNotNull => Passing::NotNull,
        Test::Equal(literal) => Passing::Among([one(literal)?].into()),
        Test::NotEqual(literal) => Passing::NotAmong([one(literal)?].into()),
        Test::In(literals) => Passing::Among(all(literals)?),
        Test::NotIn(literals) => Passing::NotAmong(all(literals)?),
        Test::Less(literal) => Passing::Within((Unbounded, Excluded(one(literal)?))),
        Test::LessOrEqual(literal) => Passing::Within((Unbounded, Included(one(literal)?))),
        Test::Greater(literal) => Passing::Within((Excluded(one(literal)?), Unbounded)),
        Test::GreaterOrEqual(literal) => Passing::Within((Included(one(literal)?), Unbounded)),
        Test::Between(low, high) => Passing::Within((Included(one(low)?), Included(one(high)?))),
        Test::Like(pattern) => Passing::Like(pattern.to_lowercase()),
        Test::NotLike(pattern) => Passing::NotLike(pattern.to_lowercase()),
    })
}

fn key_of(kind: Kind, value: &Value) -> Option<Key> {
    match value {
        Value::Null => None,
        Value::String(text) => key(kind, text),
        other => key(kind, &other.to_string()),
    }
}

fn key(kind: Kind, text: &str) -> Option<Key> {
    match kind {
        Kind::Time => clock::read(text).map(Key::Time),
        Kind::Integer | Kind::Id => Some(text.parse().map_or_else(|_| Key::Text(text.to_lowercase()), Key::Number)),
        _ => Some(Key::Text(text.to_lowercase())),
    }
}

fn has_operator(kind: Kind, operator: &str) -> bool {
    let is_ordering = matches!(operator, "<" | "<=" | ">" | ">=" | "between");
    let is_like = matches!(operator, "like" | "not like");
    match kind {
        Kind::Text(_) | Kind::Email(_) | Kind::Formula | Kind::Tags => !is_ordering,
        Kind::Boolean => matches!(operator, "=" | "!="),
        Kind::Lookup(_) | Kind::Person => !is_ordering && !is_like,
        Kind::Id | Kind::Integer | Kind::Time | Kind::Date => !is_like,
    }
}

fn is_of(kind: Kind, literal: &Literal) -> bool {
    match (kind, literal) {
        (Kind::Boolean, literal) => matches!(literal, Literal::Boolean(_)),
        (Kind::Time, literal) => clock::read(literal.text()).is_some(),
        (Kind::Date, literal) => NaiveDate::parse_from_str(literal.text(), "%Y-%m-%d").is_ok(),
        (Kind::Integer, literal) => literal.text().parse::<i64>().is_ok(),
        (_, Literal::Boolean(_)) => false,
        _ => true,
    }
}

/// `%` stands for any text, and there may be one at either end.
fn is_like(value: &Value, pattern: &str) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
    match (pattern.strip_prefix('%'), pattern.strip_suffix('%')) {
        (Some(rest), Some(_)) => text.contains(rest.strip_suffix('%').unwrap_or(rest)),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == pattern,
    }
}

/// A test's operator as it is written, and its values.
fn parts(test: &Test) -> (&'static str, Vec<&Literal>) {
    match test {
        Test::Equal(literal) => ("=", vec![literal]),
        Test::NotEqual(literal) => ("!=", vec![literal]),
        Test::Less(literal) => ("<", vec![literal]),
        Test::LessOrEqual(literal) => ("<=", vec![literal]),
        Test::Greater(literal) => (">", vec![literal]),
        Test::GreaterOrEqual(literal) => (">=", vec![literal]),
        Test::Between(low, high) => ("between", vec![low, high]),
        Test::Like(_) => ("like", Vec::new()),
        Test::NotLike(_) => ("not like", Vec::new()),
        Test::In(literals) => ("in", literals.iter().collect()),
        Test::NotIn(literals) => ("not in", literals.iter().collect()),
        Test::IsNull => ("is null", Vec::new()),
        Test::IsNotNull => ("is not null", Vec::new()),
    }
}
