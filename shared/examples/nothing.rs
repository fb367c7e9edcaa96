//! A function that does nothing, for benchmarks: what the runtime itself costs.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::lambda::{StartError, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    http::run((), handle).await
}

async fn handle((): &(), _: Request) -> Result<Response<Body>, Error> {
    http::reply(StatusCode::OK, &[(); 0])
}
