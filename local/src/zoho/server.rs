//! The listener. It exists beside `axum::serve` for one reason: an answer marked [`Cut`] closes the connection without a
//! byte, which is how the faults `reset` and `reset-after` look to a client.

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Stands in a response's extensions when the client must see a closed connection instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut;

#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct ClosedOnPurpose;

impl IntoResponse for Cut {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// Serves until the task is aborted, which closes the listener and every connection.
pub(super) async fn run(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve_connection(stream, router.clone()))),
                // Out of file descriptors, or the peer left again: neither ends a server.
                Err(error) => {
                    tracing::warn!(%error, "the Zoho simulator could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let answers = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answer = answers.call(request);
        async move {
            let Ok(response) = answer.await;
            if response.extensions().get::<Cut>().is_some() { Err(ClosedOnPurpose) } else { Ok(response) }
        }
    });
    // An idle connection stays open: closing it just when a client uses it again would look like a fault nobody ordered.
    let served = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service).await;
    // An error here is a client that went away or a connection that was cut; both are the client's to notice.
    drop(served);
}
