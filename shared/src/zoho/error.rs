//! What can go wrong at Zoho, named by what the caller does next.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use super::values;
use crate::domain::CrmId;
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
    /// Ask a person to mend the request: it is refused as a whole, because of this field if there is one.
    #[error("Zoho does not take the request: {code}")]
    BadRequest { code: String, field: Option<String>, message: String },
    /// Ask for less at once, to find what Zoho does not take: it refuses the request as a whole without a word.
    #[error("Zoho does not take the request: {status}")]
    Unexplained { status: u16 },
    /// Our own side failed meanwhile.
    #[error(transparent)]
    Ours(#[from] Error),
}

impl ZohoError {
    /// A token that was made a moment ago is refused as well: it is not the token that is wrong.
    pub(super) fn not_the_token(self) -> Self {
        match self {
            Self::InvalidToken => refusal::fresh_token(),
            other => other,
        }
    }

    pub(super) fn bad_request(code: &str, field: Option<&str>, message: &str) -> Self {
        let message = format!(
            "Zoho refuses the request as a whole. {} {GOES_ON} Zoho says: {message}",
            advice(code, field, None)
        );
        Self::BadRequest { code: code.to_owned(), field: field.map(str::to_owned), message }
    }

    /// Of a call that tags records: it is refused for none of them.
    pub fn is_about_the_tag(&self) -> bool {
        matches!(self, Self::BadRequest { field, .. } if field.as_deref() != Some("ids"))
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
            Self::Refused { code, message } => Failure::new(code, message),
            Self::BadRequest { code, field, message } => Failure::new(code, message).in_field(field.clone()),
            Self::Unexplained { status } => {
                Failure::new(format!("http-{status}"), "Zoho refuses the request as a whole, and does not say why.")
            }
            Self::Ours(error) => Failure::new("internal", error.to_string()),
        }
    }
}

/// For who has no task that could tell it: what Zoho said stands in the log.
impl From<ZohoError> for Error {
    fn from(error: ZohoError) -> Self {
        match error {
            ZohoError::Ours(error) => error,
            other => {
                let Failure { code, message, .. } = other.failure();
                Self::unavailable("Zoho", format!("{code}: {message}"))
            }
        }
    }
}

/// Zoho's code where somebody has changed a record since a time that was named.
pub(super) const STALE: &str = "ALREADY_MODIFIED";

/// One record of a call that was refused; its neighbours went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    pub code: String,
    pub message: String,
    /// Zoho's name of the field to blame.
    pub field: Option<String>,
    /// The record that has the same value in a unique field already, or that somebody has changed.
    pub duplicate_of: Option<CrmId>,
}

impl RecordError {
    /// Nothing that a person could change: Zoho was busy with this record.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code.as_str(),
            "RECORD_LOCKED"
                | "DEPENDENT_SERVICE_ERROR"
                | "INTERNAL_ERROR"
                | "INTERNAL_SERVER_ERROR"
                | "SERVICE_UNAVAILABLE"
                | "TOO_MANY_REQUESTS"
        )
    }

    /// Somebody has changed the record since it was read: read it again.
    pub fn is_stale(&self) -> bool {
        self.code == STALE
    }

    /// The record itself does not exist any more. A value that names another record which does not is told apart by its
    /// field.
    pub fn is_gone(&self) -> bool {
        let of_the_record = self.field.as_deref().is_none_or(|field| matches!(field, "id" | "ids"));
        match self.code.as_str() {
            "INVALID_DATA" => of_the_record && self.message.contains("the id given seems to be invalid"),
            "NOT_FOUND" | "NO_RECORDS_FOUND" => of_the_record,
            _ => false,
        }
    }

    /// Another record has the same value in a unique field.
    pub fn is_duplicate(&self) -> bool {
        self.code == "DUPLICATE_DATA"
    }

    /// An upsert has found the record that is named, by whichever unique field, and left it as it is. What Zoho says of it
    /// would puzzle an operator: that it has changed since the time before which no record was made.
    pub(super) fn there_already(self) -> Self {
        Self {
            code: "DUPLICATE_DATA".to_owned(),
            message: "the record is there already".to_owned(),
            field: None,
            ..self
        }
    }

    /// The Contact that has the same address already, where addresses are unique.
    pub fn address_of(&self) -> Option<&CrmId> {
        self.duplicate_of.as_ref().filter(|_| self.field.as_deref() == Some("Email"))
    }

    pub fn failure(&self) -> Failure {
        let advice = advice(&self.code, self.field.as_deref(), self.duplicate_of.as_ref());
        let message = format!("{advice} {GOES_ON} Zoho says: {}", self.message);
        Failure::new(&self.code, message).in_field(self.field.clone()).because_of(self.duplicate_of.as_ref())
    }
}

const GOES_ON: &str = "A change of the profile, or of the record in the CRM, tries this again by itself; after any other \
                       change (of a layout, a right, the edition), replay the task.";

/// What a person can do about a code of Zoho's.
fn advice(code: &str, field: Option<&str>, duplicate_of: Option<&CrmId>) -> String {
    let advice = match code {
        "MANDATORY_NOT_FOUND" | "EXPECTED_FIELD_MISSING" | "REQUIRED_DATA_NOT_FOUND" => {
            "Zoho wants a value in this field. Fill it in, or make the field optional in the CRM's layout."
        }
        "INVALID_DATA" | "PATTERN_NOT_MATCHED" | "UNABLE_TO_PARSE_DATA_TYPE" => {
            "Zoho does not take the value of this field. Correct it, or the field's type or length in the CRM."
        }
        "DUPLICATE_DATA" => {
            let who =
                duplicate_of.map_or_else(|| "Another record".to_owned(), |id| format!("The record {}", id.as_str()));
            let what = if field.is_some() {
                "this value in a unique field"
            } else {
                "one of these values in a unique field, and Zoho does not say in which"
            };
            return format!("{who} has {what}. Merge the two in the CRM, or change one of the values.");
        }
        "LICENSE_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED" | "STORAGE_SPACE_EXCEEDED" => {
            "The CRM's edition allows no more of these. Take out what nobody needs (tags, records), or change the edition."
        }
        "DEPENDENT_FIELD_MISSING" | "DEPENDENT_MISMATCH" | "MAPPING_MISMATCH" => {
            "A rule in the CRM ties this field to another one. Make the two fit, or loosen the rule in the CRM's layout."
        }
        "AUTHORIZATION_FAILED" | "NO_PERMISSION" | "NOT_ALLOWED" | "CANNOT_PERFORM_ACTION" | "CANNOT_DELETE" => {
            "The CRM user whose refresh token this is may not do this to this record. Share the record with him, or give his \
             profile the right."
        }
        "RECORD_IN_BLUEPRINT" | "NOT_APPROVED" | "CANNOT_PROCESS" => {
            "A process in the CRM (a blueprint, an approval) holds this record. Finish it there, or free the field from it."
        }
        _ => "Zoho refused this record. Look the code up in its documents and mend the cause.",
    };
    advice.to_owned()
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
        // Several errors at once: one is told, the others come up when it is mended. First a duplicate, which may be
        // mended without a person.
        let errors = body.details["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told = errors.iter().find(|error| error["code"] == "DUPLICATE_DATA").or_else(|| errors.first());
        let Self { code, message, .. } = told.map_or_else(
            || Self { code: body.code.clone(), message: body.message.clone(), field: None, duplicate_of: None },
            |told| Self { code: text(&told["code"]), message: text(&told["message"]), field: None, duplicate_of: None },
        );
        let details = told.map_or(&body.details, |told| &told["details"]);
        let duplicate = [&details["duplicate_record"]["id"], &details["id"]].into_iter().find_map(values::id);
        Self {
            field: details["api_name"].as_str().map(str::to_owned),
            duplicate_of: duplicate.filter(|_| matches!(&*code, "DUPLICATE_DATA" | "ALREADY_MODIFIED")),
            code,
            message,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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

    fn error(body: &Value) -> RecordError {
        serde_json::from_value::<ErrorBody>(body.clone()).unwrap().into()
    }

    #[test]
    fn a_duplicate_is_told_before_other_errors_and_with_the_record_it_duplicates() {
        let body = json!({"code": "MULTIPLE_OR_MULTI_ERRORS", "message": "Multiple errors in the request", "details": {"errors": [
            {"code": "INVALID_DATA", "message": "invalid data", "details": {"api_name": "Phone"}},
            {"code": "DUPLICATE_DATA", "message": "duplicate data", "details": {"api_name": "Email", "duplicate_record": {"id": "7"}, "id": "7"}},
        ]}});

        let error = error(&body);

        assert_eq!(
            (error.field.as_deref(), error.duplicate_of.as_ref().map(CrmId::as_str)),
            (Some("Email"), Some("7"))
        );
        assert!(error.failure().message.starts_with("The record 7 has this value"), "{:?}", error.failure());
    }

    #[test]
    fn a_record_that_is_gone_is_told_from_a_value_that_names_another_one() {
        let invalid = |details: Value| {
            error(&json!({"code": "INVALID_DATA", "message": "the id given seems to be invalid", "details": details}))
        };

        assert!(invalid(json!({"api_name": "id", "json_path": "$.data[0].id"})).is_gone());
        assert!(invalid(json!({"id": "7"})).is_gone());
        assert!(!invalid(json!({"api_name": "Account_Name"})).is_gone());
        assert!(
            !error(&json!({"code": "INVALID_DATA", "message": "invalid data", "details": {"api_name": "id"}}))
                .is_gone()
        );
        assert_eq!(invalid(json!({"id": "7"})).duplicate_of, None, "an id of a duplicate only");
    }

    #[test]
    fn what_is_said_of_the_ids_of_a_call_is_not_about_its_tag() {
        let refused = |field| ZohoError::bad_request("INVALID_DATA", field, "invalid data").is_about_the_tag();

        assert_eq!([None, Some("tags"), Some("ids")].map(refused), [true, true, false]);
    }

    #[test]
    fn what_a_person_has_to_mend_is_told_from_what_passes() {
        let permanent = [
            "MANDATORY_NOT_FOUND",
            "INVALID_DATA",
            "DUPLICATE_DATA",
            "LICENSE_LIMIT_EXCEEDED",
            "LIMIT_EXCEEDED",
            "DEPENDENT_FIELD_MISSING",
            "DEPENDENT_MISMATCH",
            "EXPECTED_FIELD_MISSING",
            "AUTHORIZATION_FAILED",
            "RECORD_IN_BLUEPRINT",
        ];
        for code in permanent {
            let failure = error(&json!({"code": code, "message": "as Zoho says"})).failure();
            assert!(!error(&json!({ "code": code })).is_transient(), "{code}");
            assert!(failure.message.contains("by itself") && failure.message.ends_with("as Zoho says"), "{failure:?}");
            assert!(!failure.message.contains("Look the code up"), "{code} has no advice of its own");
        }
        for code in ["RECORD_LOCKED", "DEPENDENT_SERVICE_ERROR", "INTERNAL_ERROR"] {
            assert!(error(&json!({ "code": code })).is_transient(), "{code}");
        }
        assert!(error(&json!({"code": "ALREADY_MODIFIED"})).is_stale());
    }
}
