//! A small HTTP server of the stack's own.

use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    url: String,
    task: JoinHandle<io::Result<()>>,
}

impl HttpServer {
    pub fn start(listener: TcpListener, router: Router) -> io::Result<HttpServer> {
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(HttpServer { url, task })
    }

    /// Without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
