//! What can go wrong at Zoho, named by what the caller does next.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::tasks::Failure;

/// A whole call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ZohoError {
    /// Wait: too many calls, or too many tokens asked for.
    #[error("Zoho asks to slow down ({code})")]
    Throttled { code: String, retry_after: Option<Duration> },
    /// Try again: the request never left.
    #[error("Zoho cannot be reached: {0}")]
    Unreachable(&'static str),
    /// Nobody knows whether it was done: no answer came. Harmless where doing it twice is.
    #[error("no answer from Zoho: {0}")]
    NoAnswer(&'static str),
    /// Try again: their side failed.
    #[error("Zoho answered {status}")]
    Broken { status: u16 },
    /// Get another token.
    #[error("Zoho does not take the access token")]
    InvalidToken,
    /// Ask a person to mend our access: client, refresh token, scope, permission.
    #[error("Zoho refuses us: {code}")]
    Refused { code: String, message: String },
    /// Ask a person to mend the request: it is refused as a whole.
    #[error("Zoho does not take the request: {code}")]
    BadRequest { code: String, message: String },
    /// Our own side failed meanwhile.
    #[error(transparent)]
    Ours(#[from] Error),
}

impl ZohoError {
    /// A token that was made a moment ago is refused as well: it is not the token that is wrong. Asking for more
    /// of them would lock us out (ten in ten minutes).
    pub(super) fn not_the_token(self) -> Self {
        match self {
            Self::InvalidToken => Self::Refused {
                code: "INVALID_TOKEN".to_owned(),
                message: "Zoho takes none of our access tokens here. Check the data centre in the secret isoxp/<stage>/zoho, and \
                          the scopes of its refresh token."
                    .to_owned(),
            },
            other => other,
        }
    }

    /// For an operator to read in `tasks.failure`.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Throttled { code, .. } => Failure::new(code, "Zoho asks to slow down; the work goes on by itself."),
            Self::Unreachable(how) => {
                Failure::new("unreachable", format!("Zoho cannot be reached ({how}); tried again."))
            }
            Self::NoAnswer(how) => Failure::new("no-answer", format!("No answer came from Zoho ({how}); tried again.")),
            Self::Broken { status } => Failure::new(format!("http-{status}"), "Zoho failed; tried again."),
            Self::InvalidToken => {
                Failure::new("INVALID_TOKEN", "Zoho did not take the access token; a new one is asked for.")
            }
            Self::Refused { code, message } | Self::BadRequest { code, message } => Failure::new(code, message),
            Self::Ours(error) => Failure::new("internal", error.to_string()),
        }
    }
}

/// One record of a call that was refused; its neighbours went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    pub code: String,
    pub message: String,
    /// Zoho's name of the field to blame.
    pub field: Option<String>,
}

impl RecordError {
    /// Nothing that a person could change: Zoho was busy with this record.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code.as_str(),
            "RECORD_LOCKED" | "DEPENDENT_SERVICE_ERROR" | "INTERNAL_ERROR" | "TOO_MANY_REQUESTS"
        )
    }

    pub fn failure(&self) -> Failure {
        let advice = match self.code.as_str() {
            "MANDATORY_NOT_FOUND" => {
                "Zoho wants a value in this field. Fill it in here, or make the field optional in the CRM's layout."
            }
            "INVALID_DATA" => {
                "Zoho does not take the value of this field. Correct it here, or the field's type in the CRM."
            }
            "DUPLICATE_DATA" => "Another Contact has this value in a unique field. Merge the two Contacts in the CRM.",
            _ => "Zoho refused this Contact.",
        };
        Failure::new(&self.code, format!("{advice} Then replay the task. Zoho says: {}", self.message))
            .in_field(self.field.clone())
    }
}

/// Zoho's own shape of an error, bare or inside `data[]`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub details: Value,
}

impl From<ErrorBody> for RecordError {
    fn from(body: ErrorBody) -> Self {
        // Several errors at once: the first is told, the others come up when it is mended.
        let first = body.details["errors"].get(0);
        let details = first.map_or(&body.details, |first| &first["details"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            field: text(&details["api_name"]),
            code: first.and_then(|first| text(&first["code"])).unwrap_or(body.code),
            message: first.and_then(|first| text(&first["message"])).unwrap_or(body.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_several_errors_of_a_record_the_first_is_told() {
        let body = json!({"code": "MULTIPLE_OR_MULTI_ERRORS", "message": "Multiple errors in the request", "status": "error",
            "details": {"errors": [{"code": "DUPLICATE_DATA", "message": "duplicate data", "details": {"api_name": "Email"}}]}});

        let error = RecordError::from(serde_json::from_value::<ErrorBody>(body).unwrap());

        assert_eq!((error.code.as_str(), error.field.as_deref()), ("DUPLICATE_DATA", Some("Email")));
    }
}
