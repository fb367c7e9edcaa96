//! A function's answer as an HTTP response, and the answers that the gateway gives on its own.

use axum::{
    body::{Body, HttpBody as _},
    http::{
        HeaderName, HeaderValue, Response, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// API Gateway's own answer: `{"message": …}`.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a version 2.0 answer; the error says why it is none.
pub(super) fn build(payload: &[u8]) -> Result<Response<Body>, &'static str> {
    let answer: Value = serde_json::from_slice(payload).map_err(|_| "it is not JSON")?;
    match answer {
        Value::Object(fields) if fields.contains_key("statusCode") => explicit(&fields),
        // Without a status code the whole answer is taken for the body.
        Value::String(text) => Ok(inferred(text)),
        other => Ok(inferred(other.to_string())),
    }
}

fn inferred(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn explicit(fields: &Map<String, Value>) -> Result<Response<Body>, &'static str> {
    let mut response = Response::new(body(fields)?);
    if !response.body().is_end_stream() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    *response.status_mut() = status(&fields["statusCode"]).ok_or("its statusCode is not an HTTP status")?;
    headers(fields.get("headers"), &mut response)?;
    cookies(fields.get("cookies"), &mut response)?;
    Ok(response)
}

fn status(value: &Value) -> Option<StatusCode> {
    let code = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    // An informational status is no answer.
    u16::try_from(code).ok().filter(|code| (200..=599).contains(code)).and_then(|code| StatusCode::from_u16(code).ok())
}

fn body(fields: &Map<String, Value>) -> Result<Body, &'static str> {
    let encoded = match fields.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(encoded)) => *encoded,
        Some(_) => return Err("its isBase64Encoded is not a boolean"),
    };
    match fields.get("body") {
        None | Some(Value::Null) => Ok(Body::empty()),
        Some(Value::String(text)) if encoded => {
            STANDARD.decode(text).map(Body::from).map_err(|_| "its body is not the Base64 that it claims to be")
        }
        Some(Value::String(text)) => Ok(Body::from(text.clone())),
        Some(_) => Err("its body is not a string"),
    }
}

fn headers(given: Option<&Value>, response: &mut Response<Body>) -> Result<(), &'static str> {
    let given = match given {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err("its headers are not an object"),
    };
    for (name, value) in given {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Err("a header's value is not a string"),
        };
        let name = HeaderName::try_from(name).map_err(|_| "a header's name is invalid")?;
        let value = HeaderValue::try_from(value).map_err(|_| "a header's value is invalid")?;
        // How the bytes travel is between the gateway and the client.
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(())
}

fn cookies(given: Option<&Value>, response: &mut Response<Body>) -> Result<(), &'static str> {
    let given = match given {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(given)) => given,
        Some(_) => return Err("its cookies are not a list"),
    };
    for cookie in given {
        let cookie = cookie.as_str().and_then(|cookie| HeaderValue::try_from(cookie).ok());
        response.headers_mut().append(SET_COOKIE, cookie.ok_or("a cookie is not a valid header")?);
    }
    Ok(())
}
