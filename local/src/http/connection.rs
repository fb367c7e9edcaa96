//! One connection, from its first request to its last.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpStream, sync::watch};

use super::{
    Cut, Limits,
    patience::{Bounded, Patient, Turns},
};

#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct ClosedOnPurpose;

/// Serves until the client leaves or takes too long; after `stopping` to the end of the request in work.
pub(super) async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<()>,
) {
    let turns = Turns::default();
    let io = TokioIo::new(Patient::new(stream, turns.clone(), limits));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let turn = turns.begin();
        let mut request: Request = request.map(|body| Body::new(Bounded::new(body, limits.reading)));
        request.extensions_mut().insert(ConnectInfo(from));
        let answer = router.call(request);
        async move {
            let Ok(response) = answer.await;
            drop(turn);
            if response.extensions().get::<Cut>().is_some() { Err(ClosedOnPurpose) } else { Ok(response) }
        }
    });
    // hyper's own limit counts the time between two requests, too.
    let mut builder = http1::Builder::new();
    let mut connection = std::pin::pin!(builder.header_read_timeout(None).serve_connection(io, service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // An error here is a client that went away or was too slow, or a connection that was cut; each is the client's to
    // notice.
    drop(served);
}
