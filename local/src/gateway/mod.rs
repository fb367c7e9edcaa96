//! The local HTTP API: API Gateway's routing, JWT authorizer, CORS, payload format 2.0 and its own error answers.

mod answer;
mod authorizer;
mod cors;
mod event;
mod routes;
#[cfg(test)]
mod tests;

use std::{error::Error, io, iter::successors, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, time::timeout};

pub use authorizer::Keys;

use crate::{
    http::{HttpServer, Limits, TooSlow},
    lambda::{InvokeError, Lambda, host},
    template::{Function, HttpApi},
};
use answer::refusal;
use authorizer::Claims;
use routes::{Match, Routes};

/// API Gateway's quota for a request's body, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// How much of an oversized body is read and thrown away, so that a client that is still sending hears the 413.
const DRAIN_LIMIT: usize = 10 * BODY_LIMIT;
/// API Gateway's quota for an integration of an HTTP API.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the API on the listener until the server is stopped or dropped.
pub fn serve(
    listener: TcpListener,
    api: HttpApi,
    functions: &[Function],
    lambda: Lambda,
    keys: Keys,
    limits: Limits,
) -> io::Result<HttpServer> {
    let gateway = Arc::new(Gateway { api, routes: Routes::new(functions), lambda, keys });
    HttpServer::with_limits(listener, Router::new().fallback(handle).with_state(gateway), limits)
}

#[derive(Debug)]
struct Gateway {
    api: HttpApi,
    routes: Routes,
    lambda: Lambda,
    keys: Keys,
}

/// A request, received whole. `body` is nothing when it was over the limit.
struct Received {
    parts: Parts,
    body: Option<Bytes>,
    from: SocketAddr,
    id: String,
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match receive(body).await {
        Ok(body) => body,
        Err(error) if is_too_slow(&error) => return refusal(StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
        Err(_) => return refusal(StatusCode::BAD_REQUEST, "Bad Request"),
    };
    let received = Received { parts, body, from, id: host::request_id() };
    let mut response = match gateway.api.cors.as_ref().and_then(|cors| cors::preflight(cors, &received.parts)) {
        Some(preflight) => preflight,
        None => gateway.respond(&received).await,
    };
    if let Some(cors) = &gateway.api.cors {
        cors::decorate(cors, &received.parts.headers, response.headers_mut());
    }
    if let Ok(id) = HeaderValue::try_from(&received.id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Gateway {
    async fn respond(&self, received: &Received) -> Response<Body> {
        let parts = &received.parts;
        let Some(matched) = self.routes.find(&parts.method, parts.uri.path()) else {
            return refusal(StatusCode::NOT_FOUND, "Not Found");
        };
        let claims = match self.authorize(&matched, parts).await {
            Ok(claims) => claims,
            Err(challenge) => {
                let mut response = refusal(StatusCode::UNAUTHORIZED, "Unauthorized");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return response;
            }
        };
        let Some(body) = &received.body else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let event = event::build(received, body, &matched, claims, host::now());
        self.integrate(matched.function, event).await
    }

    async fn authorize(&self, matched: &Match<'_>, parts: &Parts) -> Result<Option<Claims>, HeaderValue> {
        match &self.api.jwt {
            Some(jwt) if matched.authorized => {
                authorizer::authorize(jwt, &self.keys, &parts.headers, host::now()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn integrate(&self, function: &str, event: Bytes) -> Response<Body> {
        let internal = || refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        match timeout(INTEGRATION_TIMEOUT, self.lambda.invoke(function, event)).await {
            Ok(Ok(payload)) => answer::build(&payload).unwrap_or_else(|reason| {
                tracing::warn!(function, reason, "a function's answer is not one that API Gateway understands");
                internal()
            }),
            Ok(Err(InvokeError::RequestTooLarge { .. })) => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Err(InvokeError::FunctionError { error_type, message, .. })) => {
                tracing::warn!(function, error_type, message, "a function failed");
                internal()
            }
            // An HTTP API answers the same to a throttled function and to one that takes too long.
            Ok(Err(InvokeError::Throttled | InvokeError::NotFound(_) | InvokeError::Stopped)) | Err(_) => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }
}

async fn receive(mut body: Body) -> Result<Option<Bytes>, axum::Error> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        if length <= BODY_LIMIT {
            whole.extend_from_slice(&data);
        } else if length > DRAIN_LIMIT {
            break;
        }
    }
    Ok((length <= BODY_LIMIT).then(|| whole.freeze()))
}

fn is_too_slow(error: &axum::Error) -> bool {
    successors(error.source(), |&error| error.source()).any(<dyn Error>::is::<TooSlow>)
}
