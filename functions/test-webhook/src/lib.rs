//! `POST /api/webhooks/incoming/test`: an integrator sends what he would send to the door, and hears what is right and
//! wrong about it. Nothing comes of it: this function has neither a database nor a queue.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::lambda::webhook::{self, RequestHeaders};
use shared::lambda::{Start, StartError, http};
use shared::webhooks::{Door, Headers};
use shared::{Error, clock};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub door: Door,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App { door: Door::new(&start.secrets(), clock::now()).await? };
    http::run(&start, app, handle).await
}

/// 200 with a report for who has the source's test token, whatever the report says.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let source = webhook::source_name(&request);
    let headers = RequestHeaders(request.headers());
    let token = headers.header("webhook-test-token").unwrap_or_default();

    let report = app.door.diagnose(&source, token, &headers, request.body(), clock::now()).await?;

    http::reply(StatusCode::OK, &report)
}
