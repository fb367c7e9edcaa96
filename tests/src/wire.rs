//! A wire between the functions and PostgreSQL that a test can listen to.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::system::System;

/// Passes on what the functions say to the database, and writes down which messages that were.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    ends: Arc<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    /// Where the database listens; known once the stack stands.
    database: OnceLock<u16>,
    said: Mutex<String>,
    connections: AtomicUsize,
    /// Of each role.
    late: Mutex<Vec<(String, String)>>,
}

impl Wire {
    pub async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port can be had");
        let port = listener.local_addr().expect("the listener has an address").port();
        let ends = Arc::new(Ends::default());
        tokio::spawn(serve(listener, ends.clone()));
        Self { port, ends }
    }

    /// What was said since the last time: the first letter of each message to the server, without the log-in
    /// (PostgreSQL, "Message Formats": `P`arse, `B`ind, `D`escribe, `E`xecute, `Q`uery, `S`ync). Each `S` and each
    /// `Q` is a round trip, since the client waits for its answer.
    pub fn said(&self) -> String {
        std::mem::take(&mut *self.ends.said.lock().expect("nobody panics while holding it"))
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.ends.connections.load(Ordering::SeqCst)
    }

    /// The statements that this role has prepared since the last time on connections that it had used before: those that
    /// were not prepared ahead.
    pub fn late(&self, role: &str) -> Vec<String> {
        let late = std::mem::take(&mut *self.ends.late.lock().expect("nobody panics while holding it"));
        late.into_iter().filter(|(of, _)| of == role).map(|(_, statement)| statement).collect()
    }
}

impl System {
    /// A system whose functions reach the database over this wire.
    pub async fn on(wire: &Wire) -> Self {
        let system = Self::with_variables(BTreeMap::from([("DATABASE_PORT".to_owned(), wire.port.to_string())])).await;
        let database: tokio_postgres::Config = system.endpoints().database_url.parse().expect("a valid URL");
        wire.ends.database.set(database.get_ports()[0]).expect("a wire has one system");
        system
    }
}

async fn serve(listener: TcpListener, ends: Arc<Ends>) {
    while let Ok((function, _)) = listener.accept().await {
        ends.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(connect(function, ends.clone()));
    }
}

async fn connect(function: TcpStream, ends: Arc<Ends>) -> io::Result<()> {
    let port = *ends.database.get().ok_or(io::ErrorKind::NotConnected)?;
    let database = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    function.set_nodelay(true)?;
    database.set_nodelay(true)?;
    let (said, mut to_function) = function.into_split();
    let (mut answered, to_database) = database.into_split();
    tokio::spawn(async move { listen(said, to_database, &ends).await });
    tokio::io::copy(&mut answered, &mut to_function).await?;
    Ok(())
}

async fn listen(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, ends: &Ends) -> io::Result<()> {
    // The first message alone has no letter.
    let startup = content(&mut from).await?;
    to.write_all(&startup).await?;
    let startup = String::from_utf8_lossy(&startup[8..]).into_owned();
    let role = startup.split('\0').skip_while(|name| *name != "user").nth(1).unwrap_or_default();
    let mut is_used = false;
    loop {
        let letter = from.read_u8().await?;
        let mut message = vec![letter];
        message.extend(content(&mut from).await?);
        // `p` is a password's way, and so part of the log-in.
        if letter != b'p' {
            ends.said.lock().expect("nobody panics while holding it").push(char::from(letter));
        }
        is_used |= matches!(letter, b'B' | b'Q');
        if letter == b'P' && is_used {
            let parsed = String::from_utf8_lossy(&message[5..]).split('\0').nth(1).unwrap_or_default().to_owned();
            ends.late.lock().expect("nobody panics while holding it").push((role.to_owned(), parsed));
        }
        to.write_all(&message).await?;
    }
}

/// A message from its length on.
async fn content(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    let rest = usize::try_from(length).unwrap_or_default().saturating_sub(message.len());
    message.resize(message.len() + rest, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}
