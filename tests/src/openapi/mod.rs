//! What the API says, held against `docs/openapi.yaml`: an answer that is not described there fails its test.

mod document;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

pub use document::{Document, Operation, PATH, document, escaped};

/// A request and its answer, as they went over the wire.
#[derive(Debug)]
pub struct Exchange<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub asked: &'a [u8],
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub answered: &'a str,
}

/// What API Gateway says on its own.
const GATEWAY_MESSAGE: &str = "/components/schemas/GatewayMessage";

impl Exchange<'_> {
    /// # Errors
    /// A sentence that says what the document does not describe.
    pub fn check(&self) -> Result<(), String> {
        match operation(self.method, self.path) {
            Some(operation) => {
                self.check_answer(&operation)?;
                self.check_request(&operation)
            }
            None if self.status == 404 => self.check_body(GATEWAY_MESSAGE),
            None => Err(format!("{self} is no route of {PATH} and was not refused with API Gateway's 404")),
        }
    }

    fn check_answer(&self, operation: &str) -> Result<(), String> {
        let place = format!("{operation}/responses/{}", self.status);
        let (response, place) = document()
            .at(&place)
            .ok_or_else(|| format!("{self} with a status that {PATH} does not describe: {}", self.answered))?;
        self.check_headers(&place, response)?;
        let media_type = self.media_type();
        if response["content"].get(&media_type).is_some() {
            self.check_body(&format!("{place}/content/{}/schema", escaped(&media_type)))
        } else if response["content"].is_null() && self.answered.is_empty() {
            Ok(())
        } else {
            Err(format!("{self} with a content type that {PATH} does not describe there: {media_type:?}"))
        }
    }

    /// Those that the document says are always there.
    fn check_headers(&self, place: &str, response: &Value) -> Result<(), String> {
        let names = response["headers"].as_object().into_iter().flat_map(|headers| headers.keys());
        for name in names {
            let header = document().at(&format!("{place}/headers/{}", escaped(name)));
            if header.is_some_and(|(header, _)| header["required"] == true) && !self.headers.contains_key(name) {
                return Err(format!("{self} without the header {name}, which {PATH} promises"));
            }
        }
        Ok(())
    }

    fn check_body(&self, schema: &str) -> Result<(), String> {
        let body: Value =
            serde_json::from_str(self.answered).map_err(|error| format!("{self} with no JSON: {error}"))?;
        match &*document().problems(schema, &body) {
            [] => Ok(()),
            problems => Err(format!("{self} as {PATH} does not describe it: {}\n{body}", problems.join("; "))),
        }
    }

    /// What was accepted has to be what the document tells people to send.
    fn check_request(&self, operation: &str) -> Result<(), String> {
        let schema = format!("{operation}/requestBody/content/application~1json/schema");
        if !(200..300).contains(&self.status) || document().root.pointer(&schema).is_none() {
            return Ok(());
        }
        // Webhooks that are nobody's JSON are the receiver's own tests' business.
        let Ok(asked) = serde_json::from_slice(self.asked) else { return Ok(()) };
        match &*document().problems(&schema, &asked) {
            [] => Ok(()),
            problems => Err(format!("{self} to a body that {PATH} does not allow: {}\n{asked}", problems.join("; "))),
        }
    }

    fn media_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl std::fmt::Display for Exchange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} was answered {}", self.method, self.path, self.status)
    }
}

/// Everything about a webhook of ours that the document does not describe.
pub fn problems_of_our_webhook(body: &Value) -> Vec<String> {
    let kind = body["type"].as_str().unwrap_or_default();
    let schema = format!("/webhooks/{}/post/requestBody/content/application~1json/schema", escaped(kind));
    match document().root.pointer(&schema) {
        Some(_) => document().problems(&schema, body),
        None => vec![format!("{PATH} describes no webhook of the type {kind:?}")],
    }
}

/// The place of the operation that a method and a path stand for; of two paths that fit, the one that says more.
fn operation(method: &str, path: &str) -> Option<String> {
    let given: Vec<&str> = path.split('/').collect();
    let fits = |operation: &Operation<'_>| {
        let segments: Vec<&str> = operation.path.split('/').collect();
        let fits = |(segment, given): (&&str, &&str)| segment == given || segment.starts_with('{') && !given.is_empty();
        segments.len() == given.len() && segments.iter().zip(&given).all(fits) && operation.method == method
    };
    let fitting = document().operations().into_iter().filter(fits);
    fitting.min_by_key(|operation| operation.path.matches('{').count()).map(|operation| operation.place)
}
