//! The Runtime API of one execution environment, on a port of its own, as `AWS_LAMBDA_RUNTIME_API` names it.
//! Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use std::net::SocketAddr;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::PAYLOAD_LIMIT;

/// What the function's process asks or tells. Each is answered through its sender.
#[derive(Debug)]
pub(super) enum Call {
    Next(oneshot::Sender<Event>),
    Answer { request_id: String, answer: Answer, verdict: oneshot::Sender<Verdict> },
    InitError { body: Bytes, verdict: oneshot::Sender<Verdict> },
}

#[derive(Debug)]
pub(super) enum Answer {
    Response(Bytes),
    TooLarge,
    Error(Bytes),
}

/// What the environment says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    UnknownRequest,
    OutOfTurn,
    TooLarge,
}

/// One event, on its way to the process.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) trace_id: String,
    pub(super) payload: Bytes,
}

/// Serves as long as it is kept.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    task: AbortHandle,
}

impl Server {
    pub(super) async fn start() -> std::io::Result<(Self, mpsc::Receiver<Call>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (calls, received) = mpsc::channel(1);
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(calls);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a Runtime API listener ended");
            }
        });
        Ok((Self { address, task: task.abort_handle() }, received))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Calls = State<mpsc::Sender<Call>>;

/// Waits for an event for as long as it takes: the process is frozen, so to speak.
async fn next(State(calls): Calls) -> Response {
    let (sender, event) = oneshot::channel();
    if calls.send(Call::Next(sender)).await.is_err() {
        return reply(Verdict::OutOfTurn);
    }
    match event.await {
        Ok(event) => event.into_response(),
        Err(_) => reply(Verdict::OutOfTurn),
    }
}

async fn response(State(calls): Calls, Path(request_id): Path<String>, request: Request) -> Response {
    let answer = match to_bytes(request.into_body(), PAYLOAD_LIMIT).await {
        Ok(body) => Answer::Response(body),
        Err(error) if is_too_long(&error) => Answer::TooLarge,
        // The process died in the middle of its answer; its environment sees that by itself.
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    ask(&calls, |verdict| Call::Answer { request_id, answer, verdict }).await
}

async fn error(State(calls): Calls, Path(request_id): Path<String>, headers: HeaderMap, request: Request) -> Response {
    let Some(body) = error_body(&headers, request).await else { return StatusCode::BAD_REQUEST.into_response() };
    ask(&calls, |verdict| Call::Answer { request_id, answer: Answer::Error(body), verdict }).await
}

async fn init_error(State(calls): Calls, headers: HeaderMap, request: Request) -> Response {
    let Some(body) = error_body(&headers, request).await else { return StatusCode::BAD_REQUEST.into_response() };
    ask(&calls, |verdict| Call::InitError { body, verdict }).await
}

/// A runtime may name the error in a header alone.
async fn error_body(headers: &HeaderMap, request: Request) -> Option<Bytes> {
    let body = to_bytes(request.into_body(), PAYLOAD_LIMIT).await.ok()?;
    let named = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    match named {
        Some(name) if body.is_empty() => Some(json!({ "errorType": name, "errorMessage": "" }).to_string().into()),
        _ => Some(body),
    }
}

async fn ask(calls: &mpsc::Sender<Call>, call: impl FnOnce(oneshot::Sender<Verdict>) -> Call) -> Response {
    let (sender, verdict) = oneshot::channel();
    if calls.send(call(sender)).await.is_err() {
        return reply(Verdict::OutOfTurn);
    }
    reply(verdict.await.unwrap_or(Verdict::OutOfTurn))
}

fn reply(verdict: Verdict) -> Response {
    let (status, error_type, message) = match verdict {
        Verdict::Accepted => return (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response(),
        Verdict::UnknownRequest => (StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Verdict::OutOfTurn => (StatusCode::FORBIDDEN, "InvalidStateTransition", "Invalid state transition"),
        Verdict::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
        }
    };
    (status, Json(json!({ "errorType": error_type, "errorMessage": message }))).into_response()
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
}

impl Event {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.payload.into());
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", self.request_id),
            ("lambda-runtime-deadline-ms", self.deadline_ms.to_string()),
            ("lambda-runtime-invoked-function-arn", self.function_arn),
            ("lambda-runtime-trace-id", self.trace_id),
        ] {
            // All four are made by us, of letters, digits and punctuation.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
