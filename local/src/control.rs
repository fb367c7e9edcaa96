//! The stack's own HTTP, for `cargo dev flags` and `invoke`, and for tests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;

use crate::http::HttpServer;
use crate::lambda::{InvokeError, Lambda, PAYLOAD_LIMIT};
use crate::stack::{FlagError, Flags, Mappings};

/// What can be controlled.
#[derive(Debug, Clone)]
pub struct Control {
    pub lambda: Lambda,
    pub flags: Flags,
    pub mappings: Mappings,
}

/// Serves it on a free port.
pub async fn serve(control: Control) -> anyhow::Result<HttpServer> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("looking for a free port")?;
    let router = Router::new()
        .route("/flags", get(flags).post(set_flags))
        .route("/invoke/{function}", post(invoke))
        .route("/environments", get(environments))
        .route("/mappings", post(set_mappings))
        // The service's own limit decides, with its own answer.
        .layer(DefaultBodyLimit::max(2 * PAYLOAD_LIMIT))
        .with_state(control);
    Ok(HttpServer::start(listener, router)?)
}

async fn flags(State(control): State<Control>) -> Json<BTreeMap<String, String>> {
    Json(control.flags.values().await)
}

/// Answers once the values are in force.
async fn set_flags(State(control): State<Control>, Json(values): Json<BTreeMap<String, String>>) -> Response {
    match control.flags.set(&values).await {
        Ok(values) => Json(values).into_response(),
        Err(error @ (FlagError::Unknown { .. } | FlagError::NotAllowed(_))) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())
        }
        Err(FlagError::Redeploy(error)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}")),
    }
}

/// The function's own answer, or 502 with its error in the shape that Lambda's Invoke API gives.
async fn invoke(State(control): State<Control>, Path(function): Path<String>, payload: Bytes) -> Response {
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&payload) {
        return refuse(StatusCode::BAD_REQUEST, &format!("the event is not JSON: {error}"));
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    match control.lambda.invoke(&function, payload).await {
        Ok(answer) => (json, answer).into_response(),
        Err(InvokeError::FunctionError { payload, .. }) => (StatusCode::BAD_GATEWAY, json, payload).into_response(),
        Err(error) => refuse(status_of(&error), &error.to_string()),
    }
}

fn status_of(error: &InvokeError) -> StatusCode {
    match error {
        InvokeError::NotFound(_) => StatusCode::NOT_FOUND,
        InvokeError::Throttled => StatusCode::TOO_MANY_REQUESTS,
        InvokeError::RequestTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        InvokeError::FunctionError { .. } => StatusCode::BAD_GATEWAY,
        InvokeError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[derive(Serialize)]
struct Environment {
    function: String,
    pid: u32,
    state: &'static str,
    request_id: Option<String>,
}

async fn environments(State(control): State<Control>) -> Json<Vec<Environment>> {
    let shown = control.lambda.environments().into_iter().map(|environment| Environment {
        function: environment.function,
        pid: environment.pid,
        state: environment.state,
        request_id: environment.request_id,
    });
    Json(shown.collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
}

/// Stops all queues from waking functions, or lets those do it again that the template enables.
async fn set_mappings(State(control): State<Control>, Json(switch): Json<Switch>) -> Json<serde_json::Value> {
    control.mappings.set_enabled(switch.enabled).await;
    Json(json!({ "enabled": switch.enabled }))
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
