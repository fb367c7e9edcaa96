//! A request as payload format 2.0, which is what the function gets.
//! Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".

use std::{borrow::Cow, collections::BTreeMap};

use axum::http::{
    HeaderMap,
    header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Received, authorizer::Claims, routes::Match};

pub(super) fn build(
    received: &Received,
    body: &Bytes,
    matched: &Match<'_>,
    claims: Option<Claims>,
    now: DateTime<Utc>,
) -> Bytes {
    let parts = &received.parts;
    let text = |name| parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let host = text(HOST).unwrap_or_default();
    let domain = host.split(':').next().unwrap_or_default();
    let path = parts.uri.path();
    let mut context = json!({
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split('.').next(),
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", parts.version),
            "sourceIp": received.from.ip().to_string(),
            "userAgent": text(USER_AGENT).unwrap_or_default(),
        },
        "requestId": received.id,
        "routeKey": matched.key,
        "stage": "$default",
        "time": now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
        "timeEpoch": now.timestamp_millis(),
    });
    if let Some(claims) = claims {
        let claims: BTreeMap<_, _> = claims.iter().map(|(name, value)| (name, claim(value))).collect();
        context["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": matched.key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers(received, &host),
        "requestContext": context,
    });
    // What a request does not have is not in its event.
    let mut optional = |name: &str, value: Option<Value>| value.map(|value| event[name] = value);
    optional("cookies", cookies(&parts.headers));
    optional("queryStringParameters", parts.uri.query().and_then(query));
    optional("pathParameters", (!matched.parameters.is_empty()).then(|| json!(matched.parameters)));
    let (text, encoded) = content(&parts.headers, body);
    optional("body", text);
    event["isBase64Encoded"] = encoded.into();
    event.to_string().into()
}

pub(super) fn percent_decoded(text: &str) -> String {
    decode(text, false)
}

/// Names in lower case, values of one name joined with commas, and what the gateway itself adds.
fn headers(received: &Received, host: &str) -> Map<String, Value> {
    let headers = &received.parts.headers;
    let mut joined = Map::new();
    for name in headers.keys().filter(|name| **name != COOKIE) {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        joined.insert(name.as_str().to_owned(), values.join(",").into());
    }
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    let address = received.from.ip().to_string();
    let forwarded = match joined.get("x-forwarded-for").and_then(Value::as_str) {
        Some(before) => format!("{before}, {address}"),
        None => address,
    };
    joined.insert("x-forwarded-for".to_owned(), forwarded.into());
    joined.insert("x-forwarded-port".to_owned(), port.into());
    joined.insert("x-forwarded-proto".to_owned(), "http".into());
    joined
}

fn cookies(headers: &HeaderMap) -> Option<Value> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<_> =
        values.flat_map(|value| value.split(';')).map(str::trim).filter(|one| !one.is_empty()).collect();
    (!cookies.is_empty()).then(|| json!(cookies))
}

fn query(query: &str) -> Option<Value> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value, true);
        parameters
            .entry(decode(name, true))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    (!parameters.is_empty()).then(|| json!(parameters))
}

/// The body and whether it is Base64: text-like content types that are UTF-8 go as they are.
fn content(headers: &HeaderMap, body: &Bytes) -> (Option<Value>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let kind = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    match std::str::from_utf8(body) {
        Ok(text) if kind.as_deref().is_none_or(is_text) => (Some(text.into()), false),
        _ => (Some(STANDARD.encode(body).into()), true),
    }
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(kind, "application/json" | "application/xml" | "application/javascript")
}

/// All claims arrive as strings, formatted the way API Gateway's implementation prints them: `[a b]`, `map[k:v]`.
fn claim(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        Value::Null => "<nil>".into(),
        Value::Array(values) => format!("[{}]", values.iter().map(claim).collect::<Vec<_>>().join(" ")).into(),
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            let fields: Vec<_> = sorted.iter().map(|(name, value)| format!("{name}:{}", claim(value))).collect();
            format!("map[{}]", fields.join(" ")).into()
        }
        Value::Bool(_) | Value::Number(_) => value.to_string().into(),
    }
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let escape = escape.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let (value, length) = match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => (value, 3),
            None if byte == b'+' && plus_is_space => (b' ', 1),
            None => (byte, 1),
        };
        decoded.push(value);
        at += length;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
