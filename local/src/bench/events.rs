//! The events that functions are measured with, as API Gateway and SQS make them.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::demo::{Stage, now};

/// Who the events are about.
#[derive(Debug)]
pub(super) struct People {
    pub join_code: String,
    pub athlete: String,
    pub webhook_key: String,
}

/// A school, a parent and a live gallery.
pub(super) async fn prepare(stage: &Stage) -> Result<People> {
    let cathy = json!({"role": "org", "first_name": "Cathy", "last_name": "Reed", "org_name": "Lincoln High", "org_type": "School"});
    let cathy = stage.must("cathy", "POST", "/api/users", Some(&cathy)).await?;
    stage.verify(&cathy).await?;
    let join_code = cathy["profile"]["join_code"].as_str().context("Cathy got no join code")?.to_owned();
    let sheree = stage.must("sheree", "POST", "/api/users", Some(&parent(&join_code))).await?;
    let athlete = sheree["athletes"][0]["id"].as_str().context("Sheree has no athlete")?.to_owned();
    let gallery =
        json!({"host": "photoday", "external_host_id": "PD-1", "title": "Fall Soccer", "event_date": "2026-10-03"});
    stage.must("cathy", "POST", "/api/galleries", Some(&gallery)).await?;
    let webhook_key = stage.stack().endpoints().webhook_secrets["photoday"].clone();
    Ok(People { join_code, athlete, webhook_key })
}

pub(super) fn parent(join_code: &str) -> Value {
    json!({
        "role": "parent", "first_name": "Sheree", "last_name": "Lane", "sport_interests": ["Soccer"], "join_codes": [join_code],
        "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "2009-05-14", "sport_primary": "Soccer"}],
    })
}

/// A request of somebody who is signed in, as API Gateway hands it over (payload format 2.0).
pub(super) fn request(who: &str, method: &str, path: &str, body: Option<&Value>) -> Bytes {
    let claims = json!({ "sub": who, "email": format!("{who}@example.com"), "email_verified": "true" });
    http(
        method,
        path,
        "",
        &json!({ "content-type": "application/json" }),
        Some(&claims),
        body.map(Value::to_string).as_deref(),
    )
}

/// A signed webhook of PhotoDay about a gallery.
pub(super) fn webhook(people: &People, id: &str, gallery: &str) -> Result<Bytes> {
    let body = json!({ "type": "gallery.published", "timestamp": now().to_rfc3339(), "data": { "external_host_id": gallery } });
    let (body, timestamp) = (body.to_string(), now().timestamp());
    let signature = Webhook::new(&people.webhook_key)?.sign(id, timestamp, body.as_bytes())?;
    Ok(signed(id, timestamp, &signature, &body))
}

/// A webhook that nobody has signed.
pub(super) fn forgery() -> Bytes {
    signed("msg_forged", now().timestamp(), "v1,AAAA", "{}")
}

fn signed(id: &str, timestamp: i64, signature: &str, body: &str) -> Bytes {
    let headers = json!({
        "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp.to_string(), "webhook-signature": signature,
    });
    http("POST", "/api/webhooks/incoming", "source=photoday", &headers, None, Some(body))
}

/// A message of a queue with these keys.
pub(super) fn message(kind: &str, keys: &[String]) -> Bytes {
    let body = json!({ "kind": kind, "keys": keys }).to_string();
    json!({ "Records": [{ "messageId": "00000000-0000-0000-0000-000000000000", "body": body }] }).to_string().into()
}

fn http(method: &str, path: &str, query: &str, headers: &Value, claims: Option<&Value>, body: Option<&str>) -> Bytes {
    let query_parameters = if query.is_empty() { json!({}) } else { json!({ "source": "photoday" }) };
    let event = json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": query, "headers": headers,
        "queryStringParameters": query_parameters,
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "domainName": "localhost", "requestId": "bench", "stage": "$default",
            "time": "22/Nov/2026:14:00:00 +0000", "timeEpoch": 1_795_356_000_000_i64, "routeKey": format!("{method} {path}"),
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench" },
            "authorizer": claims.map(|claims| json!({ "jwt": { "claims": claims, "scopes": null } })),
        },
        "body": body, "isBase64Encoded": false,
    });
    event.to_string().into()
}
