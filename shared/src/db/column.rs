//! Reading columns into checked types, the same door as for HTTP, and rows of which one may hold what its type refuses.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::error::Error;
use crate::tasks::Failure;

/// A stored value that its type refuses: the database holds something that this code would not have written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{column} {problem}")]
struct InvalidColumn {
    column: &'static str,
    /// What the type says of it, which never quotes the value.
    problem: String,
}

/// A checked type out of a text column: the same door as for HTTP.
///
/// # Errors
/// A value that the type refuses.
pub(super) fn stored<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<T, Error> {
    parsed(row.get(column), column)
}

/// As [`stored`], for a column that may be null.
pub(super) fn stored_optional<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<Option<T>, Error> {
    row.get::<_, Option<&str>>(column).map(|text| parsed(text, column)).transpose()
}

/// As [`stored`], for each element of an array of texts.
pub(super) fn stored_list<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<Vec<T>, Error> {
    row.get::<_, Vec<&str>>(column).into_iter().map(|text| parsed(text, column)).collect()
}

/// A type out of a jsonb column that may be null.
///
/// # Errors
/// JSON of another shape.
pub(super) fn stored_json<T: DeserializeOwned>(
    row: &Row,
    name: &str,
    column: &'static str,
) -> Result<Option<T>, Error> {
    // The decoder's own message may quote the value.
    let value = row.try_get::<_, Option<Json<T>>>(name).map_err(|_| invalid(column, "has another shape"))?;
    Ok(value.map(|Json(value)| value))
}

fn parsed<T: FromStr<Err: Display>>(text: &str, column: &'static str) -> Result<T, Error> {
    text.parse().map_err(|problem: T::Err| invalid(column, problem))
}

pub(super) fn invalid(column: &'static str, problem: impl Display) -> Error {
    Error::internal("a stored value is not valid", InvalidColumn { column, problem: problem.to_string() })
}

/// What a statement found, each row read by itself.
#[derive(Debug)]
pub struct Loaded<T> {
    pub rows: Vec<T>,
    pub unreadable: Vec<Unreadable>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), unreadable: Vec::new() }
    }
}

/// A row that could not be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Of the row.
    pub key: Uuid,
    problem: Option<InvalidColumn>,
}

impl Unreadable {
    /// For the task that the row is about; `what` names it: `user 0197…`.
    pub fn failure(&self, what: impl Display) -> Failure {
        let (column, problem) = match &self.problem {
            Some(InvalidColumn { column, problem }) => (Some(*column), problem.as_str()),
            None => (None, "cannot be read"),
        };
        let field = column.unwrap_or("a value");
        let message = format!(
            "The database holds a value that this version cannot read, of {what}: {field} {problem}. Correct it there, then replay this task."
        );
        Failure::new("unreadable", message).in_field(column)
    }
}

/// Reads each of these rows by itself: one that cannot be read is logged and named by its key, and hides none of its
/// neighbours.
pub(super) fn each<T>(rows: &[Row], key: &str, read: impl Fn(&Row) -> Result<T, Error>) -> Loaded<T> {
    let mut loaded = Loaded { rows: Vec::with_capacity(rows.len()), unreadable: Vec::new() };
    for row in rows {
        match read(row) {
            Ok(value) => loaded.rows.push(value),
            Err(error) => {
                let key: Uuid = row.get(key);
                tracing::error!(%key, error = error.chain(), "a stored row cannot be read");
                loaded.unreadable.push(Unreadable { key, problem: problem(&error) });
            }
        }
    }
    loaded
}

fn problem(error: &Error) -> Option<InvalidColumn> {
    let Error::Internal { source, .. } = error else { return None };
    source.downcast_ref::<InvalidColumn>().cloned()
}
