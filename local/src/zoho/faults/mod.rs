//! Faults that a test arms by `POST /_control/faults`: which request they hit, how often, and what they do to it.

mod order;

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::{call::Call, operation::Operation, reply::item_error};
pub(super) use order::Order;

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
    /// A page for people where JSON is due.
    Html(StatusCode),
    /// Does the work, then answers half of the JSON.
    TornJson,
    InvalidCode,
    InvalidClient,
    Throttle,
    InvalidToken,
    ScopeMismatch,
    /// Holds the request and does nothing; once released, it is handled as if it had just come, if somebody still waits.
    HangBefore(Option<Duration>),
    /// Does the work, then holds the answer.
    HangAfter(Option<Duration>),
    Reset,
    ResetAfter,
    Latency(Duration),
    RecordError(RecordError),
    Poison(Poison),
}

/// One record that ruins every request with it, which then does nothing at all and does not say why.
#[derive(Clone, Debug)]
pub(super) struct Poison {
    matching: String,
    pub(super) status: StatusCode,
    /// Not even a code.
    pub(super) is_html: bool,
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
        self.0.iter().map(|armed| armed.order.with_times(left(armed))).collect()
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
                Fault::Poison(poison) if !records.iter().any(|record| poison.hits(record)) => continue,
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

impl Poison {
    fn hits(&self, record: &Value) -> bool {
        record.to_string().contains(&self.matching)
    }
}

impl RecordError {
    fn hits(&self, record: &Value) -> bool {
        record.to_string().contains(&self.matching)
    }
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
