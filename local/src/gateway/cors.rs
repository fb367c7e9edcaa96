//! CORS as an HTTP API does it: preflights are answered here, and answers carry the configured headers only.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
        },
        request::Parts,
    },
};

use crate::template::Cors;

/// The answer to a preflight, whatever its path; `None` if the request is none.
pub(super) fn preflight(cors: &Cors, request: &Parts) -> Option<Response<Body>> {
    let asks = request.headers.contains_key(ORIGIN) && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method != Method::OPTIONS || !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if allowed_origin(cors, &request.headers).is_some() {
        let headers = response.headers_mut();
        list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
        list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
        if let Some(age) = cors.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age.as_secs()));
        }
    }
    Some(response)
}

/// With CORS configured, the gateway's headers stand in the place of the function's.
pub(super) fn decorate(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS] {
        answer.remove(name);
    }
    let Some(origin) = allowed_origin(cors, request) else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if cors.allow_credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    list(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
}

fn allowed_origin(cors: &Cors, request: &HeaderMap) -> Option<HeaderValue> {
    let origin = request.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let fits = |allowed: &&String| match allowed.as_str() {
        "*" => true,
        "https://*" => text.starts_with("https://"),
        "http://*" => text.starts_with("http://"),
        exact => exact.eq_ignore_ascii_case(text),
    };
    let allowed = cors.allow_origins.iter().find(fits)?;
    Some(if allowed == "*" { HeaderValue::from_static("*") } else { origin.clone() })
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if !values.is_empty()
        && let Ok(value) = HeaderValue::try_from(values.join(","))
    {
        headers.insert(name, value);
    }
}
