//! Metrics: one JSON line in the log, which CloudWatch takes for numbers (its embedded metric format). No call, no
//! client.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::config::{ConfigError, Environment};

/// Where a stage's metrics go: `METRICS_NAMESPACE`.
#[derive(Clone, Debug)]
pub struct Metrics {
    namespace: String,
}

impl Metrics {
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { namespace: environment.required("METRICS_NAMESPACE")?.to_owned() })
    }

    /// Writes these numbers down, once for this kind and once over all kinds.
    #[expect(clippy::print_stdout, reason = "a Lambda's standard output is its log")]
    pub fn put(&self, now: DateTime<Utc>, kind: &str, values: &[(&str, i64)]) {
        println!("{}", self.record(now, kind, values));
    }

    fn record(&self, now: DateTime<Utc>, kind: &str, values: &[(&str, i64)]) -> Value {
        let names: Vec<Value> = values.iter().map(|(name, _)| json!({ "Name": name })).collect();
        let mut record: Map<String, Value> =
            values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        record.insert("Kind".to_owned(), json!(kind));
        record.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.timestamp_millis(),
                "CloudWatchMetrics": [
                    { "Namespace": self.namespace, "Dimensions": [[], ["Kind"]], "Metrics": names },
                ],
            }),
        );
        Value::Object(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_metrics_and_carries_their_values() {
        let metrics = Metrics { namespace: "isoxp/dev".to_owned() };

        let record = metrics.record(DateTime::from_timestamp(1, 0).unwrap(), "sync-zoho", &[("TasksFailed", 2)]);

        let expected = json!({
            "Kind": "sync-zoho",
            "TasksFailed": 2,
            "_aws": {
                "Timestamp": 1000,
                "CloudWatchMetrics": [{
                    "Namespace": "isoxp/dev",
                    "Dimensions": [[], ["Kind"]],
                    "Metrics": [{ "Name": "TasksFailed" }],
                }],
            },
        });
        assert_eq!(record, expected);
    }
}
