//! Faults that a test arms by `POST /_control/faults`: which request they hit, how often, and what they do to it.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{call::Call, operation::Operation, reply::item_error};

/// The armed faults, in the order in which they were armed.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    /// `None` hits every operation.
    operation: Option<Operation>,
    fault: Fault,
    /// `None` never runs out.
    left: Option<u64>,
    /// As it was posted, to be listed.
    order: Order,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Status {
        status: StatusCode,
        /// Seconds.
        retry_after: Option<u64>,
    },
    Html500,
    InvalidCode,
    Throttle,
    InvalidToken,
    /// Holds the request and does nothing; once released, it is handled as if it had just come, if somebody still waits.
    HangBefore(Option<Duration>),
    /// Does the work, then holds the answer.
    HangAfter(Option<Duration>),
    Reset,
    ResetAfter,
    Latency(Duration),
    RecordError(RecordError),
}

/// One record of a request fails, its neighbours go through.
#[derive(Clone, Debug)]
pub(super) struct RecordError {
    matching: String,
    code: String,
    message: String,
    details: Value,
}

/// The faults that hit one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) fault: Option<Fault>,
    pub(super) record_errors: Vec<RecordError>,
}

/// A fault as it is posted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    operation: String,
    fault: String,
    /// How many requests it hits; -1 is all of them.
    #[serde(default = "once")]
    times: i64,
    /// Until when a held request is held at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Of `latency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    /// Seconds, of `status-NNN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Of `record-error`: a string that occurs in the record's JSON.
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

impl Faults {
    /// Arms a fault; the error is a sentence for whoever posted it.
    pub(super) fn arm(&mut self, order: Order) -> Result<(), String> {
        let operation = if order.operation == "*" { None } else { Some(order.operation.parse()?) };
        let left = match order.times {
            -1 => None,
            times => match u64::try_from(times) {
                Ok(times) if times > 0 => Some(times),
                _ => return Err(format!("times is a positive number, or -1 for always, not {times}.")),
            },
        };
        let fault = order.fault()?;
        self.0.push(Armed { operation, fault, left, order });
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The armed faults with the times that are left.
    pub(super) fn listed(&self) -> Vec<Order> {
        let left = |armed: &Armed| armed.left.map_or(-1, |left| i64::try_from(left).unwrap_or(i64::MAX));
        self.0.iter().map(|armed| Order { times: left(armed), ..armed.order.clone() }).collect()
    }

    /// Takes what hits this call: the oldest fault for its operation, and every record error with a record in it.
    pub(super) fn take(&mut self, call: &Call) -> Plan {
        let mut plan = Plan::default();
        if self.0.is_empty() {
            return plan;
        }
        let records = records_of(call);
        for armed in &mut self.0 {
            if armed.operation.is_some_and(|operation| operation != call.operation) {
                continue;
            }
            match &armed.fault {
                Fault::RecordError(error) if records.iter().any(|record| error.hits(record)) => {
                    plan.record_errors.push(error.clone());
                }
                Fault::RecordError(_) => continue,
                fault if plan.fault.is_none() => plan.fault = Some(fault.clone()),
                _ => continue,
            }
            armed.left = armed.left.map(|left| left - 1);
        }
        self.0.retain(|armed| armed.left != Some(0));
        plan
    }
}

impl Plan {
    /// The error that was ordered for this record, if any.
    pub(super) fn error_for(&self, record: &Value, index: usize) -> Option<Value> {
        let error = self.record_errors.iter().find(|error| error.hits(record))?;
        let mut details = error.details.clone();
        if let Some(details) = details.as_object_mut() {
            details.entry("json_path").or_insert_with(|| format!("$.data[{index}]").into());
        }
        Some(item_error(&error.code, &error.message, details))
    }
}

impl RecordError {
    fn hits(&self, record: &Value) -> bool {
        record.to_string().contains(&self.matching)
    }
}

impl Order {
    fn fault(&self) -> Result<Fault, String> {
        let limit = self.seconds.map(Duration::try_from_secs_f64).transpose();
        let limit = limit.map_err(|error| format!("seconds cannot be used: {error}."))?;
        let fault = match self.fault.as_str() {
            "html-500" => Fault::Html500,
            "invalid-code" => Fault::InvalidCode,
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
                "{name:?} is no fault. Use status-NNN, html-500, invalid-code, throttle, invalid-token, hang-before, \
             hang-after, reset, reset-after, record-error or latency."
            )
        },
    )
}

/// What a call is about, record by record: the items of `data`, or its ids, or its recipients.
fn records_of(call: &Call) -> Vec<Value> {
    let body = call.json();
    let lists = ["data", "recipients", "ids"];
    let listed = lists.iter().find_map(|key| body?.get(key)?.as_array().cloned());
    let from_query = || call.list("ids").map(|ids| ids.into_iter().map(Value::from).collect());
    let from_path = || call.id.clone().map(|id| vec![Value::from(id)]);
    listed.or_else(from_query).or_else(from_path).unwrap_or_default()
}
