//! A receiver of our own webhooks: writes down what it is told, and answers what a test wants to be answered.
//!
//! `POST /hooks/NAME` is the endpoint NAME. `GET /received` lists what has come, `POST /answers` says what an endpoint
//! answers from now on, `DELETE /answers` lets all of them answer 200 again and lets go of the answers that are held.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::http::HttpServer;

/// Serves on a free port, until what this returns is dropped.
pub async fn start() -> anyhow::Result<HttpServer> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("looking for a free port")?;
    let receiver = Receiver { state: Arc::default(), releases: watch::channel(()).0 };
    let router = Router::new()
        .route("/hooks/{endpoint}", post(receive))
        .route("/received", get(received))
        .route("/answers", post(answer).delete(answer_all_again))
        .with_state(receiver);
    Ok(HttpServer::start(listener, router)?)
}

#[derive(Debug, Clone)]
struct Receiver {
    state: Arc<Mutex<Received>>,
    releases: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Received {
    requests: Vec<Request>,
    answers: BTreeMap<String, Answer>,
}

/// One webhook that has come.
#[derive(Debug, Clone, Serialize)]
struct Request {
    endpoint: String,
    /// By lower-case name.
    headers: BTreeMap<String, String>,
    /// To the letter, so that its signature can be verified.
    body: String,
    /// Whether its answer is held back.
    held: bool,
}

/// What an endpoint answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    endpoint: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    delay_ms: u64,
    /// Held back until `DELETE /answers`.
    #[serde(default)]
    hang: bool,
    /// So often; then 200 again. Without it: until something else is said.
    times: Option<u32>,
}

fn ok() -> u16 {
    200
}

impl Receiver {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the request down; returns its place and its answer.
    fn note(&self, request: Request) -> (usize, Option<Answer>) {
        let mut state = self.lock();
        let endpoint = request.endpoint.clone();
        let mut answer = state.answers.get(&endpoint).cloned();
        if let Some(Answer { times: Some(times), .. }) = state.answers.get_mut(&endpoint) {
            if *times == 0 {
                answer = None;
            }
            *times = times.saturating_sub(1);
        }
        state.requests.push(Request { held: answer.as_ref().is_some_and(|answer| answer.hang), ..request });
        (state.requests.len() - 1, answer)
    }
}

/// Lets go of a request's answer, also when whoever asked has left.
struct Held(Receiver, usize);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(request) = self.0.lock().requests.get_mut(self.1) {
            request.held = false;
        }
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Subscribed before it shows as held, so that a release which follows that sight is never missed.
    let mut releases = receiver.releases.subscribe();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    let (place, answer) = receiver.note(Request { endpoint, headers, body, held: false });
    let Some(answer) = answer else { return StatusCode::OK.into_response() };
    if answer.hang {
        let _held = Held(receiver.clone(), place);
        drop(releases.changed().await);
    }
    tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    let mut response = answer.body.into_response();
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn received(State(receiver): State<Receiver>) -> Json<Vec<Request>> {
    Json(receiver.lock().requests.clone())
}

async fn answer(State(receiver): State<Receiver>, Json(answer): Json<Answer>) -> Json<Value> {
    receiver.lock().answers.insert(answer.endpoint.clone(), answer);
    Json(Value::Null)
}

async fn answer_all_again(State(receiver): State<Receiver>) -> Json<Value> {
    receiver.lock().answers.clear();
    receiver.releases.send_replace(());
    Json(Value::Null)
}
