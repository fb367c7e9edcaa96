//! What can go wrong, named by what the caller does next. It knows no transport: `lambda::http` and
//! `lambda::sqs` translate it, exhaustively, and nobody else does.

use std::error::Error as StdError;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::domain::erasure::Hindrance;
use crate::domain::{FieldError, GalleryId};

type Source = Box<dyn StdError + Send + Sync>;

/// `code` is stable and part of our API; `detail` is a sentence that a person can act on. Neither ever
/// carries what somebody told us about herself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Send something that can be read.
    #[error("malformed: {detail}")]
    Malformed { detail: String },
    /// Send it as JSON.
    #[error("not JSON")]
    UnsupportedMediaType,
    /// Send less.
    #[error("larger than {most_bytes} bytes")]
    TooLarge { most_bytes: usize },
    /// Correct these fields.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<FieldError>),
    /// Prove who you are.
    #[error("unauthenticated: {code}")]
    Unauthenticated { code: &'static str, detail: &'static str },
    /// Ask somebody who may.
    #[error("forbidden: {code}")]
    Forbidden { code: &'static str, detail: &'static str },
    /// Look for something else.
    #[error("not found: {code}")]
    NotFound { code: &'static str, detail: &'static str },
    /// Look at what is there already.
    #[error("conflict: {code}")]
    Conflict { code: &'static str, detail: &'static str },
    /// Try again when that time is over.
    #[error("too many: {code}")]
    TooMany { code: &'static str, detail: &'static str, retry_after: Duration },
    /// This gallery is there already; its id for those who may see it.
    #[error("the gallery exists")]
    GalleryExists(Option<GalleryId>),
    /// Read it again: it has changed since.
    #[error("changed meanwhile")]
    ChangedMeanwhile,
    /// Settle these first.
    #[error("{} things to settle before a user can go", .0.len())]
    CannotBeDeleted(Vec<Hindrance>),
    /// Try again in a while: another system does not answer.
    #[error("{what} is unavailable")]
    Unavailable { what: &'static str, source: Source },
    /// Tell us: this is our fault.
    #[error("{what}")]
    Internal { what: &'static str, source: Source },
}

impl Error {
    pub fn unavailable(what: &'static str, source: impl Into<Source>) -> Self {
        Self::Unavailable { what, source: source.into() }
    }

    pub fn internal(what: &'static str, source: impl Into<Source>) -> Self {
        Self::Internal { what, source: source.into() }
    }

    /// This error and all that caused it, outermost first, for the one log line at the boundary.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&described(cause));
            next = cause.source();
        }
        text
    }
}

/// A database error without the values it complains about: Postgres puts the row's content into `DETAIL` and
/// a bad literal into the message itself. A migration that stops on purpose (`raise exception`) is quoted: its sentence
/// is our own and says what to do.
fn described(cause: &(dyn StdError + 'static)) -> String {
    match cause.downcast_ref::<tokio_postgres::error::DbError>() {
        Some(error) if *error.code() == SqlState::RAISE_EXCEPTION => error.message().to_owned(),
        Some(error) => format!(
            "SQLSTATE {} (table {}, constraint {})",
            error.code().code(),
            error.table().unwrap_or("-"),
            error.constraint().unwrap_or("-")
        ),
        None => cause.to_string(),
    }
}
