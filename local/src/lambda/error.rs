//! What an invocation can come to, other than an answer, in Lambda's own words.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::PAYLOAD_LIMIT;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    #[error("there is no function `{0}` in the template")]
    NotFound(String),
    /// As many events are in work as the function may have (Lambda's 429 `TooManyRequestsException`).
    #[error("Rate Exceeded.")]
    Throttled,
    #[error("the event has {bytes} bytes, more than the {PAYLOAD_LIMIT} that Lambda takes")]
    RequestTooLarge { bytes: usize },
    /// The function answered with an error, crashed, or ran out of time. `payload` is the JSON that a caller of the
    /// Invoke API gets: `{"errorType": …, "errorMessage": …}`.
    #[error("{error_type}: {message}")]
    FunctionError { error_type: String, message: String, payload: Bytes },
    #[error("the local stack is stopping")]
    Stopped,
}

impl InvokeError {
    /// What the function itself reported through the Runtime API.
    pub(super) fn reported(body: Bytes) -> Self {
        let error: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |key: &str, otherwise: &str| error[key].as_str().unwrap_or(otherwise).to_owned();
        Self::FunctionError {
            error_type: text("errorType", "Runtime.Unknown"),
            message: text("errorMessage", "The function reported an error without a message."),
            payload: body,
        }
    }

    /// The process ended on its own, or was killed.
    pub(super) fn exited(request_id: &str, status: ExitStatus) -> Self {
        let reason = match (status.code(), status.signal()) {
            (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
            (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
            (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
            (None, signal) => format!("Runtime exited with error: signal: {}", signal.unwrap_or_default()),
        };
        Self::of(request_id, "Runtime.ExitError", &format!("Error: {reason}"))
    }

    pub(super) fn timed_out(request_id: &str, timeout: Duration) -> Self {
        let message = format!("Error: Task timed out after {:.2} seconds", timeout.as_secs_f64());
        Self::of(request_id, "Sandbox.Timedout", &message)
    }

    pub(super) fn response_too_large(request_id: &str) -> Self {
        let message = format!("Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes).");
        Self::of(request_id, "Function.ResponseSizeTooLarge", &message)
    }

    /// The binary could not even be started.
    pub(super) fn invalid_entrypoint(request_id: &str, reason: &std::io::Error) -> Self {
        Self::of(request_id, "Runtime.InvalidEntrypoint", &format!("Error: {reason}"))
    }

    fn of(request_id: &str, error_type: &str, message: &str) -> Self {
        let message = format!("RequestId: {request_id} {message}");
        let payload = json!({ "errorType": error_type, "errorMessage": message }).to_string().into();
        Self::FunctionError { error_type: error_type.to_owned(), message, payload }
    }
}
