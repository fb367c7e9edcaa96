//! A way to Zoho that a test closes and opens.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An address at which nobody listens until the way is opened.
#[derive(Debug)]
pub struct Detour {
    address: SocketAddr,
    open: Option<JoinHandle<()>>,
}

impl Detour {
    /// # Panics
    /// If no port can be had.
    pub async fn closed() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port can be had");
        Self { address: listener.local_addr().expect("a listener has an address"), open: None }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on leads to this address, like `http://127.0.0.1:4000`.
    ///
    /// # Panics
    /// If somebody else has taken the port meanwhile.
    pub async fn open(&mut self, url: &str) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        let target = url.trim_start_matches("http://").to_owned();
        self.open = Some(tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let target = target.clone();
                tokio::spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(target).await {
                        tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
                    }
                });
            }
        }));
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.abort();
        }
    }
}
