//! A way to another system that a test closes, opens, or lets swallow what it should answer.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

    /// Leads to this address, but for what holds `swallowed`: from then on that connection stays open and silent.
    ///
    /// # Panics
    /// If no port can be had.
    pub async fn swallowing(swallowed: &'static str, url: &str) -> Self {
        let mut detour = Self::closed().await;
        detour.lead(url, Some(swallowed)).await;
        detour
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on leads to this address, like `http://127.0.0.1:4000`.
    ///
    /// # Panics
    /// If somebody else has taken the port meanwhile.
    pub async fn open(&mut self, url: &str) {
        self.lead(url, None).await;
    }

    async fn lead(&mut self, url: &str, swallowed: Option<&'static str>) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        let target = url.trim_start_matches("http://").to_owned();
        self.open = Some(tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let target = target.clone();
                tokio::spawn(async move {
                    if let Ok(to) = TcpStream::connect(target).await {
                        carry(from, to, swallowed).await;
                    }
                });
            }
        }));
    }
}

/// Carries bytes both ways until one side ends.
async fn carry(mut from: TcpStream, mut to: TcpStream, swallowed: Option<&str>) {
    let Some(swallowed) = swallowed else {
        tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
        return;
    };
    let ((mut from, mut to_caller), (mut answers, mut to)) = (from.split(), to.split());
    let asks = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let bytes = &buffer[..length];
            if bytes.windows(swallowed.len()).any(|window| window == swallowed.as_bytes()) {
                std::future::pending::<()>().await;
            }
            if to.write_all(bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = asks => {}
        _ = tokio::io::copy(&mut answers, &mut to_caller) => {}
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.abort();
        }
    }
}
