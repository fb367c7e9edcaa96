//! One call to the CRM as it will be sent, and what it costs.

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Zoho counts one credit for a call, and one for every ten records of a write (v8, "API limits").
const RECORDS_PER_CREDIT: usize = 10;

/// A call below `/crm/v8`.
#[derive(Clone)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// How many records it writes.
    written: usize,
}

/// Without query and body: they say something about people.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.path)
    }
}

impl Request {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: None, written: 0 }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).body(body)
    }

    #[must_use]
    pub(super) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    #[must_use]
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// An insert, update or upsert of so many records.
    #[must_use]
    pub(super) fn writing(self, records: usize) -> Self {
        Self { written: records, ..self }
    }

    /// Records that somebody has changed since then are refused (`ALREADY_MODIFIED`).
    #[must_use]
    pub(super) fn unmodified_since(self, since: Option<DateTime<Utc>>) -> Self {
        self.at("if-unmodified-since", since)
    }

    /// A header with a time, like `if-modified-since`. Zoho writes times with a numeric offset and without fractions, and
    /// reads them so.
    #[must_use]
    pub(super) fn at(mut self, header: &'static str, time: Option<DateTime<Utc>>) -> Self {
        self.headers.extend(time.map(|time| (header, time.to_rfc3339_opts(SecondsFormat::Secs, false))));
        self
    }

    pub(super) fn credits(&self) -> i32 {
        i32::try_from(self.written.div_ceil(RECORDS_PER_CREDIT).max(1)).unwrap_or(i32::MAX)
    }

    /// The same with the client that will send it.
    pub(super) fn built(&self, client: &reqwest::Client, base: &str) -> RequestBuilder {
        let mut request = client.request(self.method.clone(), format!("{base}/crm/v8{}", self.path));
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_costs_a_credit_for_every_ten_records_and_all_else_one() {
        let credits = |records| Request::post("/Contacts", Value::Null).writing(records).credits();

        assert_eq!([0, 1, 10, 11, 100].map(credits), [1, 1, 1, 2, 10]);
    }

    #[test]
    fn a_time_goes_out_as_zoho_writes_it() {
        let since = "2026-11-22T14:00:00.25Z".parse().ok();

        let request = Request::get("/Contacts").unmodified_since(since).at("if-modified-since", None);

        assert_eq!(request.headers, [("if-unmodified-since", "2026-11-22T14:00:00+00:00".to_owned())]);
    }
}
