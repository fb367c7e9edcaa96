//! A function that does nothing, for benchmarks: what the runtime itself costs.

use lambda_http::{Body, Request, Response, service_fn};
use shared::lambda::StartError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let nothing = async |_: Request| Ok::<_, StartError>(Response::new(Body::from("[]")));
    lambda_http::run(service_fn(nothing)).await
}
