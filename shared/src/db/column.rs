//! Reading columns into checked types: the same door as for HTTP.

use std::fmt::Display;
use std::str::FromStr;

use tokio_postgres::Row;

use crate::error::Error;

/// A checked type out of a text column: the same door as for HTTP.
///
/// # Errors
/// A value that the type refuses: the database holds something that this code would not have written.
pub(super) fn stored<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<T, Error> {
    parsed(row.get(column), column)
}

/// As [`stored`], for a column that may be null.
pub(super) fn stored_optional<T: FromStr<Err: Display>>(row: &Row, column: &'static str) -> Result<Option<T>, Error> {
    row.get::<_, Option<&str>>(column).map(|text| parsed(text, column)).transpose()
}

fn parsed<T: FromStr<Err: Display>>(text: &str, column: &'static str) -> Result<T, Error> {
    text.parse()
        .map_err(|problem: T::Err| Error::internal("a stored value is not valid", format!("{column} {problem}")))
}
