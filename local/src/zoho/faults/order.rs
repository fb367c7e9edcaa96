//! A fault as a test posts it, and what it means.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, Poison, RecordError};

/// A fault as it is posted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::zoho) struct Order {
    pub(super) operation: String,
    fault: String,
    /// How many requests it hits; -1 is all of them.
    #[serde(default = "once")]
    pub(super) times: i64,
    /// Until when a held request is held at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Of `latency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    /// Seconds, of `status-NNN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Of `poison`: 500 or 400.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Of `poison`: answered with a page and no code, as by what stands before the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<bool>,
    /// Of `record-error` and `poison`: a string that occurs in the record's JSON.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matching: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

fn once() -> i64 {
    1
}

impl Order {
    pub(super) fn with_times(&self, times: i64) -> Self {
        Self { times, ..self.clone() }
    }

    pub(super) fn fault(&self) -> Result<Fault, String> {
        let limit = self.seconds.map(Duration::try_from_secs_f64).transpose();
        let limit = limit.map_err(|error| format!("seconds cannot be used: {error}."))?;
        let fault = match self.fault.as_str() {
            "html-500" => Fault::Html(StatusCode::INTERNAL_SERVER_ERROR),
            "html-200" => Fault::Html(StatusCode::OK),
            "truncated-json" => Fault::TornJson,
            "invalid-code" => Fault::InvalidCode,
            "invalid-client" => Fault::InvalidClient,
            "scope-mismatch" => Fault::ScopeMismatch,
            "no-permission" => Fault::Status { status: StatusCode::FORBIDDEN, retry_after: None },
            "poison" => Fault::Poison(self.poison()?),
            "throttle" => Fault::Throttle,
            "invalid-token" => Fault::InvalidToken,
            "hang-before" => Fault::HangBefore(limit),
            "hang-after" => Fault::HangAfter(limit),
            "reset" => Fault::Reset,
            "reset-after" => Fault::ResetAfter,
            "latency" => Fault::Latency(Duration::from_millis(
                self.milliseconds.ok_or("latency needs its \"milliseconds\".".to_owned())?,
            )),
            "record-error" => Fault::RecordError(self.record_error()?),
            name => Fault::Status { status: status_of(name)?, retry_after: self.retry_after },
        };
        Ok(fault)
    }

    fn poison(&self) -> Result<Poison, String> {
        let status = match self.status.unwrap_or(500) {
            500 => StatusCode::INTERNAL_SERVER_ERROR,
            400 => StatusCode::BAD_REQUEST,
            other => return Err(format!("A poison's status is 500 or 400, not {other}.")),
        };
        let matching = self.matching.clone().filter(|text| !text.is_empty());
        let matching = matching.ok_or("poison needs \"match\": a string of the record's JSON.")?;
        Ok(Poison { matching, status, is_html: self.html.unwrap_or_default() })
    }

    fn record_error(&self) -> Result<RecordError, String> {
        let matching = self.matching.clone().filter(|text| !text.is_empty());
        let code = self.code.clone().unwrap_or_else(|| "INVALID_DATA".to_owned());
        Ok(RecordError {
            matching: matching.ok_or("record-error needs \"match\": a string of the record's JSON.")?,
            message: self.message.clone().unwrap_or_else(|| code.to_lowercase().replace('_', " ")),
            code,
            details: self.details.clone().unwrap_or_else(|| json!({})),
        })
    }
}

fn status_of(name: &str) -> Result<StatusCode, String> {
    let number = name.strip_prefix("status-").and_then(|digits| digits.parse().ok());
    number.and_then(|number| StatusCode::from_u16(number).ok()).filter(|status| status.as_u16() >= 200).ok_or_else(
        || {
            format!(
                "{name:?} is no fault. Use status-NNN, html-500, html-200, truncated-json, invalid-code, \
                 invalid-client, throttle, invalid-token, scope-mismatch, no-permission, hang-before, hang-after, \
                 reset, reset-after, record-error, poison or latency."
            )
        },
    )
}
