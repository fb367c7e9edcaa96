//! COQL, Zoho's query language, which sees what was just written, unlike search: who carries our id or an address.

use serde_json::{Value, json};

use super::error::ZohoError;
use super::request::Request;
use crate::domain::event::CrmModule;

/// How many values COQL takes in one `in (…)`: 50 in the oldest documents, 100 in the newest.
const IN_LIST: usize = 50;
/// How many rows a page of COQL holds at least.
const PAGE: usize = 200;

/// Rows of a module whose columns have one of these values; and some more, where a value has a quote in it.
pub(super) struct Query {
    select: String,
}

impl Query {
    /// `None`: no values, so no rows. Column names must be such ([`FieldNames::checked`](super::fields::FieldNames)).
    pub(super) fn any_of(module: CrmModule, columns: &[&str], wanted: &[(&str, Vec<&str>)]) -> Option<Self> {
        let conditions: Vec<String> = wanted.iter().flat_map(|(column, values)| any_of(column, values)).collect();
        let select = format!("select {} from {} where {}", columns.join(", "), name(module), nested(&conditions)?);
        Some(Self { select })
    }

    /// The page that follows on so many rows.
    pub(super) fn page(&self, offset: usize) -> Request {
        let query = format!("{} order by id asc limit {offset}, {PAGE}", self.select);
        Request::post("/coql", json!({ "select_query": query }))
    }
}

/// Whether another page follows on one with these rows.
pub(super) fn has_more(body: &Value, rows: usize) -> bool {
    rows > 0 && body["info"]["more_records"] == json!(true)
}

/// A module as paths and queries name it.
pub(super) fn name(module: CrmModule) -> &'static str {
    match module {
        CrmModule::Contacts => "Contacts",
        CrmModule::Accounts => "Accounts",
    }
}

/// Anything but rows or a clear "none" must not read as "nobody": a second record would be made, or one that is there
/// would be taken for deleted.
pub(super) fn rows(answer: &super::http::Answer) -> Result<&[Value], ZohoError> {
    match answer.body["data"].as_array() {
        _ if answer.status.as_u16() == 204 => Ok(&[]),
        Some(rows) if answer.status.is_success() => Ok(rows),
        _ => Err(ZohoError::Broken { status: answer.status.as_u16() }),
    }
}

fn any_of(column: &str, values: &[&str]) -> Vec<String> {
    let (plain, awkward): (Vec<&str>, Vec<&str>) = values.iter().partition(|value| !value.contains(needs_escape));
    let lists = plain.chunks(IN_LIST).map(|values| {
        let list: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
        format!("{column} in ({})", list.join(", "))
    });
    lists.chain(awkward.into_iter().map(|value| around(column, value))).collect()
}

fn needs_escape(c: char) -> bool {
    matches!(c, '\'' | '\\')
}

/// How COQL wants a quote escaped is not certain: by a second one (Kaizen #171), or by a backslash as elsewhere in Zoho's
/// API. So no value with one is ever written out; what stands before and behind it is asked for, and whoever reads the
/// rows looks for the whole value among them.
fn around(column: &str, value: &str) -> String {
    let start = value.split(needs_escape).next().unwrap_or_default();
    let end = value.rsplit(needs_escape).next().unwrap_or_default();
    match (start, end) {
        ("", end) => format!("{column} like '%{end}'"),
        (start, "") => format!("{column} like '{start}%'"),
        (start, end) => format!("({column} like '{start}%' and {column} like '%{end}')"),
    }
}

/// COQL takes two conditions at a time, so more are put into brackets pair by pair.
fn nested(conditions: &[String]) -> Option<String> {
    Some(match conditions {
        [] => return None,
        [one] => format!("({one})"),
        [rest @ .., last] => format!("({} or {last})", nested(rest)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_bracketed_pair_by_pair() {
        let conditions = ["a", "b", "c"].map(str::to_owned);

        assert_eq!(nested(&conditions).as_deref(), Some("(((a) or b) or c)"));
    }

    #[test]
    fn an_address_with_a_quote_is_asked_for_without_it() {
        let asked = any_of("Email", &["o'hara@example.com", "lane@example.com", "'t@example.com"]);

        let expected = [
            "Email in ('lane@example.com')",
            "(Email like 'o%' and Email like '%hara@example.com')",
            "Email like '%t@example.com'",
        ];
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_hundred_values_are_asked_for_fifty_at_a_time() {
        let values = vec!["x"; 101];

        assert_eq!(any_of("Email", &values).len(), 3);
    }

    #[test]
    fn nobody_to_look_for_is_no_query() {
        assert!(Query::any_of(CrmModule::Contacts, &["id"], &[("Email", Vec::new())]).is_none());
    }
}
