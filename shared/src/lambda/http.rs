//! HTTP: API Gateway's request in, our answer out, and what an [`Error`] looks like on the wire
//! (RFC 9457).

use std::collections::BTreeSet;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response, service_fn};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::Instrument;

use super::identity::Admission;
use super::start::{Start, StartError};
use crate::error::Error;

/// The largest JSON body that our API takes.
const MOST_BYTES: usize = 256 * 1024;

/// Serves requests with `handle` until the environment ends: those that the table of access lets in. Every answer carries the
/// request's id, and every failure of ours is logged here, once, with its whole chain.
pub async fn run<S, H, F>(start: &Start, state: S, handle: H) -> Result<(), StartError>
where
    S: Sync + 'static,
    H: Fn(&'static S, Request) -> F,
    F: Future<Output = Result<Response<Body>, Error>> + Send,
{
    // The state lives as long as the process, which handles one event after the other.
    let state: &'static S = Box::leak(Box::new(state));
    let handle = &handle;
    let admission = &Admission::read(&start.environment)?;
    lambda_http::run(service_fn(move |mut request: Request| {
        let id = request_id(&request);
        let span = tracing::info_span!("request", id = id.as_ref().and_then(|id| id.to_str().ok()));
        // Boxed: the start of a function does not carry all of its work along.
        let answer = admission.admit(&mut request).map(|()| Box::pin(handle(state, request)));
        let work = async move {
            let answer = match answer {
                Ok(answer) => answer.await,
                Err(error) => Err(error),
            };
            let answer = answer.unwrap_or_else(|error| problem(&error));
            Ok::<_, StartError>(with_request_id(answer, id))
        };
        work.instrument(span)
    }))
    .await
}

/// The JSON body of a request.
///
/// # Errors
/// Not JSON by its content type (415) or by its content (400), or over 256 KiB (413).
pub fn json_body(request: &Request) -> Result<Value, Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !essence.ends_with("+json") {
        return Err(Error::UnsupportedMediaType);
    }
    if request.body().len() > MOST_BYTES {
        return Err(Error::TooLarge { most_bytes: MOST_BYTES });
    }
    serde_json::from_slice(request.body()).map_err(|error| Error::Malformed {
        detail: format!("The body is not valid JSON: see line {}, column {}.", error.line(), error.column()),
    })
}

/// The JSON body of a request all of whose fields are optional: none at all is the same as `{}`.
///
/// # Errors
/// Those of [`json_body`].
pub fn optional_json_body(request: &Request) -> Result<Value, Error> {
    if request.body().is_empty() { Ok(json!({})) } else { json_body(request) }
}

/// The parameters of a request's query as an object of texts, for a [`Form`](crate::domain::Form) to read; one that is
/// given twice is a list, which no form takes for a text.
pub fn query(request: &Request) -> Value {
    let given = request.query_string_parameters();
    let names: BTreeSet<&str> = given.iter().map(|(name, _)| name).collect();
    let parameters = names.into_iter().map(|name| {
        let mut values = given.all(name).unwrap_or_default();
        let value = if values.len() == 1 { json!(values.remove(0)) } else { json!(values) };
        (name.to_owned(), value)
    });
    Value::Object(parameters.collect())
}

/// An answer with a JSON body.
pub fn reply(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>, Error> {
    let text = serde_json::to_string(body).map_err(|error| Error::internal("an answer cannot be written", error))?;
    Ok(answer(status, "application/json", text))
}

/// 201 with what was made, and where it is from now on.
pub fn created(location: &str, body: &impl Serialize) -> Result<Response<Body>, Error> {
    let mut answer = reply(StatusCode::CREATED, body)?;
    let location = HeaderValue::from_str(location).map_err(|error| Error::internal("a place is no header", error))?;
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

/// A parameter of the path, as the route in the template names it. `None`: it is none, and so nobody's.
pub fn path<T: FromStr>(request: &Request, name: &str) -> Option<T> {
    request.path_parameters().first(name).and_then(|text| text.parse().ok())
}

/// An answer that says by its status alone that it is done.
pub fn done() -> Response<Body> {
    let mut answer = Response::new(Body::Empty);
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// API Gateway's id of the request, or the caller's own where there is no gateway.
fn request_id(request: &Request) -> Option<HeaderValue> {
    let lambda_http::request::RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else {
        return None;
    };
    HeaderValue::from_str(context.request_id.as_deref()?).ok()
}

fn with_request_id(mut answer: Response<Body>, id: Option<HeaderValue>) -> Response<Body> {
    if let Some(id) = id {
        answer.headers_mut().insert("x-request-id", id);
    }
    answer
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut answer = Response::new(Body::Text(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What a client may know about an error. A 5xx says nothing about the inside: that goes to the log.
fn problem(error: &Error) -> Response<Body> {
    let (status, code, detail, more) = match error {
        Error::Malformed { detail } => (StatusCode::BAD_REQUEST, "malformed", detail.clone(), None),
        Error::UnsupportedMediaType => {
            let detail = "Send the body as JSON, with the header content-type: application/json.";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail.to_owned(), None)
        }
        Error::TooLarge { most_bytes } => {
            let detail = format!("The body is larger than {most_bytes} bytes.");
            (StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail, None)
        }
        Error::Invalid(errors) => {
            let detail = "Correct the fields listed in errors and send the request again.";
            let errors = Some(("errors", json!(errors)));
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields", detail.to_owned(), errors)
        }
        Error::Unauthenticated { code, detail } => (StatusCode::UNAUTHORIZED, *code, (*detail).to_owned(), None),
        Error::Forbidden { code, detail } => (StatusCode::FORBIDDEN, *code, (*detail).to_owned(), None),
        Error::NotFound { code, detail } => (StatusCode::NOT_FOUND, *code, (*detail).to_owned(), None),
        Error::Conflict { code, detail } => (StatusCode::CONFLICT, *code, (*detail).to_owned(), None),
        Error::TooMany { code, detail, .. } => (StatusCode::TOO_MANY_REQUESTS, *code, (*detail).to_owned(), None),
        Error::GalleryExists(id) => {
            let detail = "This host's gallery is registered already. If it is yours, gallery_id says which one it is.";
            let id = Some(("gallery_id", json!(id)));
            (StatusCode::CONFLICT, "gallery-exists", detail.to_owned(), id)
        }
        Error::ChangedMeanwhile => {
            let detail = "It has changed since you read it. Read it again, and send your change with its new etag.";
            (StatusCode::PRECONDITION_FAILED, "changed-meanwhile", detail.to_owned(), None)
        }
        Error::CannotBeDeleted(reasons) => {
            let detail =
                "Others still count on this account. Settle what stands in reasons, then send the request again.";
            let reasons = Some(("reasons", json!(reasons)));
            (StatusCode::CONFLICT, "cannot-be-deleted", detail.to_owned(), reasons)
        }
        Error::Unavailable { .. } => {
            tracing::error!(error = error.chain(), "another system does not answer");
            let detail = "The service is busy. Try again in a few seconds; nothing was lost.";
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail.to_owned(), None)
        }
        Error::Internal { .. } => {
            tracing::error!(error = error.chain(), "an internal error");
            let detail = "Something went wrong on our side. It has been recorded under the id in x-request-id.";
            (StatusCode::INTERNAL_SERVER_ERROR, "internal", detail.to_owned(), None)
        }
    };
    let mut body = json!({
        "type": format!("https://isophotoxp.com/problems/{code}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let Some((name, list)) = more {
        body[name] = list;
    }
    let mut answer = answer(status, "application/problem+json", body.to_string());
    let wait = if let Error::TooMany { retry_after, .. } = error {
        // Whole seconds, after which the time is over.
        Some(retry_after.as_secs() + 1)
    } else {
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER.as_secs())
    };
    if let Some(seconds) = wait {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

const RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FieldCode, FieldError};

    fn shown(error: &Error) -> (u16, Value) {
        let answer = problem(error);
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    #[test]
    fn a_problem_has_a_stable_type_and_all_its_fields() {
        let missing = FieldError::new("/role", FieldCode::Required, "is required");
        let (status, body) = shown(&Error::Invalid(vec![missing]));

        assert_eq!(status, 422);
        assert_eq!(body["type"], "https://isophotoxp.com/problems/invalid-fields");
        assert_eq!(body["errors"], json!([{"pointer": "/role", "code": "required", "message": "is required"}]));
    }

    #[test]
    fn who_has_to_wait_is_told_for_how_long() {
        let (code, detail, retry_after) = ("too-many-wrong-codes", "Later.", Duration::from_millis(90_500));
        let answer = problem(&Error::TooMany { code, detail, retry_after });

        assert_eq!(answer.status().as_u16(), 429);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "91");
        assert_eq!(problem(&Error::unavailable("the database", "gone")).headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn a_failure_of_ours_says_nothing_about_the_inside() {
        let (status, body) = shown(&Error::internal("a statement failed", "duplicate key (sheree@example.com)"));

        assert_eq!(status, 500);
        assert!(!body.to_string().contains("sheree") && !body.to_string().contains("statement"));
    }
}
