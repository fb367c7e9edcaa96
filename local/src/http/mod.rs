//! The HTTP server behind the API, the control, the issuer, the receiver and the simulator. It exists beside
//! `axum::serve` because that keeps a request which never ends for ever, and cannot close a connection without an answer.

mod connection;
mod patience;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    response::{IntoResponse, Response},
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

pub use patience::TooSlow;

/// A client for plain HTTP on this machine: it has no root certificates, which it would take 25 ms to read in a debug build.
pub fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

/// How long a stop waits for requests in work.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// How long to wait where no connection can be accepted, for instance because all file descriptors are taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a request to the end of its head, and again from there to the end of its body.
    pub reading: Duration,
    /// Until the first byte of the first or the next request. Longer than clients keep a connection that they do not
    /// use: closed just when one uses it again, it looks like a fault.
    pub idle: Duration,
}

impl Default for Limits {
    /// API Gateway's for a request as a whole, and for an idle connection to an HTTP API.
    fn default() -> Limits {
        Limits { reading: Duration::from_secs(30), idle: Duration::from_secs(310) }
    }
}

/// In place of an answer: the client sees a connection that is closed without a byte.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

impl IntoResponse for Cut {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// A server that runs until it is stopped or dropped. Dropping it closes every connection.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    url: String,
    stop: watch::Sender<()>,
    /// Its other end lives as long as the task.
    running: watch::Receiver<()>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Serves the router, to which requests come with the `ConnectInfo` of their client.
    pub fn start(listener: TcpListener, router: Router) -> io::Result<HttpServer> {
        HttpServer::with_limits(listener, router, Limits::default())
    }

    pub fn with_limits(listener: TcpListener, router: Router, limits: Limits) -> io::Result<HttpServer> {
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(());
        let (alive, running) = watch::channel(());
        let task = tokio::spawn(async move {
            let _alive = alive;
            run(listener, router, limits, stopping).await;
        });
        Ok(HttpServer { address, url: format!("http://{address}"), stop, running, task })
    }

    /// Without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and gives those in work a moment.
    pub async fn stop(mut self) {
        self.stop.send_replace(());
        // What takes longer is cut off when this is dropped.
        timeout(STOP_GRACE, &mut self.task).await.ok();
    }

    /// Returns when the server is no more.
    pub async fn ended(&self) {
        let mut running = self.running.clone();
        while running.changed().await.is_ok() {}
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(listener: TcpListener, router: Router, limits: Limits, mut stopping: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(connection::serve(stream, from, router.clone(), limits, stopping.clone()));
                }
                // Out of file descriptors, or the peer left again: neither ends a server.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stopping.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
