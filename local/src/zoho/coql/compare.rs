//! Compares a column's value with what a query says, by the column's type.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::query::{Literal, Test};
use crate::zoho::{clock, fields::Kind, reply::Reply};

/// Refuses an operator that the type does not have, or a value that is none of the type.
pub(super) fn check(kind: Kind, column: &str, test: &Test) -> Result<(), Reply> {
    let (operator, literals) = parts(test);
    let is_ordering = matches!(operator, "<" | "<=" | ">" | ">=" | "between");
    let is_like = matches!(operator, "like" | "not like");
    let has_operator = match kind {
        Kind::Text(_) | Kind::Email(_) | Kind::Formula | Kind::Tags => !is_ordering,
        Kind::Boolean => matches!(operator, "=" | "!="),
        Kind::Lookup(_) | Kind::Person => !is_ordering && !is_like,
        Kind::Id | Kind::Integer | Kind::Time | Kind::Date => !is_like,
    };
    if !has_operator {
        let details = json!({ "reason": "invalid operator found", "column_name": column, "operator": operator });
        return Err(Reply::bad_request("INVALID_QUERY", "Invalid query formed", details));
    }
    if literals.iter().all(|literal| is_of(kind, literal)) {
        return Ok(());
    }
    let message = "value given seems to be invalid for the column";
    Err(Reply::bad_request("INVALID_QUERY", message, json!({ "column_name": column })))
}

/// Whether a value passes a test that [`check`] let through. Null passes `is null` alone.
pub(super) fn holds(kind: Kind, value: &Value, test: &Test) -> bool {
    let against = |literal: &Literal| compare(kind, value, literal);
    let is_null = value.is_null();
    match test {
        Test::IsNull => is_null,
        Test::IsNotNull => !is_null,
        _ if is_null => false,
        Test::Equal(literal) => against(literal) == Some(Ordering::Equal),
        Test::NotEqual(literal) => against(literal) != Some(Ordering::Equal),
        Test::Less(literal) => against(literal) == Some(Ordering::Less),
        Test::LessOrEqual(literal) => against(literal).is_some_and(Ordering::is_le),
        Test::Greater(literal) => against(literal) == Some(Ordering::Greater),
        Test::GreaterOrEqual(literal) => against(literal).is_some_and(Ordering::is_ge),
        Test::Between(low, high) => {
            against(low).is_some_and(Ordering::is_ge) && against(high).is_some_and(Ordering::is_le)
        }
        Test::Like(pattern) => is_like(value, pattern),
        Test::NotLike(pattern) => !is_like(value, pattern),
        Test::In(literals) => literals.iter().any(|literal| against(literal) == Some(Ordering::Equal)),
        Test::NotIn(literals) => literals.iter().all(|literal| against(literal) != Some(Ordering::Equal)),
    }
}

/// The order of two values of a column; null comes first.
pub(super) fn order(kind: Kind, left: &Value, right: &Value) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (false, false) => compare(kind, left, &Literal::Text(plain(right))).unwrap_or(Ordering::Equal),
        (left, right) => right.cmp(&left),
    }
}

fn compare(kind: Kind, value: &Value, literal: &Literal) -> Option<Ordering> {
    let (value, wanted) = (plain(value), literal.text());
    match kind {
        Kind::Time => Some(clock::read(&value)?.cmp(&clock::read(wanted)?)),
        Kind::Integer | Kind::Id => match (value.parse::<i64>(), wanted.parse::<i64>()) {
            (Ok(value), Ok(wanted)) => Some(value.cmp(&wanted)),
            _ => Some(value.to_lowercase().cmp(&wanted.to_lowercase())),
        },
        // Text is compared without regard to case; dates as `YYYY-MM-DD` sort as text.
        _ => Some(value.to_lowercase().cmp(&wanted.to_lowercase())),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_of(kind: Kind, literal: &Literal) -> bool {
    match (kind, literal) {
        (Kind::Boolean, literal) => matches!(literal, Literal::Boolean(_)),
        (Kind::Time, literal) => clock::read(literal.text()).is_some(),
        (Kind::Date, literal) => chrono::NaiveDate::parse_from_str(literal.text(), "%Y-%m-%d").is_ok(),
        (Kind::Integer, literal) => literal.text().parse::<i64>().is_ok(),
        (_, Literal::Boolean(_)) => false,
        _ => true,
    }
}

/// `%` stands for any text, and there may be one at either end.
fn is_like(value: &Value, pattern: &str) -> bool {
    let (text, pattern) = (plain(value).to_lowercase(), pattern.to_lowercase());
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
