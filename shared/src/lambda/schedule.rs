//! Schedules and direct invocations: a JSON event in, a JSON answer out.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sqs::TimeLeft;
use super::start::StartError;
use crate::error::Error;

/// Runs `handle` for every event until the environment ends. A failure is logged with its whole chain; the
/// caller gets its first sentence alone.
pub async fn run<S, H, F, E, R>(state: S, handle: H) -> Result<(), StartError>
where
    S: 'static,
    E: DeserializeOwned,
    R: Serialize,
    H: Fn(&'static S, E, TimeLeft) -> F,
    F: Future<Output = Result<R, Error>>,
{
    let state: &'static S = Box::leak(Box::new(state));
    let handle = &handle;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<E>| async move {
        let time = TimeLeft::until(event.context.deadline());
        // Boxed: the start of a function does not carry all of its work along, which overflows the compiler's depth.
        Box::pin(handle(state, event.payload, time)).await.map_err(|error| {
            tracing::error!(error = error.chain(), "the invocation failed");
            StartError::from(error.to_string())
        })
    }))
    .await
}
