//! `GET /api/health`: a monitor asks whether the service works. The answer has no data.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::json;
use shared::Error;
use shared::db::{self, Database};
use shared::lambda::{Start, StartError, http};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.lazy_database().await?, handle).await
}

/// 200 where the database answers, 503 where it does not.
pub async fn handle(database: &Database, _: Request) -> Result<Response<Body>, Error> {
    let connection = database.connection().await?;
    db::health::answers(&connection).await?;
    http::reply(StatusCode::OK, &json!({ "status": "ok" }))
}
