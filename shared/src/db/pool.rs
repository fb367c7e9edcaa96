//! The connection to PostgreSQL. An execution environment takes one event at a time, so one connection is
//! the whole pool; deadpool replaces it when it has died.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, Timeouts};
use deadpool_postgres::ClientWrapper;
use futures_util::future::{join_all, try_join_all};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;

use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::login::{Login, Logins};
use super::silence::Answering;
use super::statement::Hot;
use crate::bounds;
use crate::config::{ConfigError, Environment};
use crate::error::Error;
use crate::secrets::SecretError;
use crate::tls;

/// A connection lent to one event.
pub type Connection = Object<Manager>;

/// How long a connection may have been idle before it is asked whether it still lives. A frozen environment
/// does not notice that the other side has gone; a busy one need not ask.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);

/// Where the database is.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    host: String,
    port: u16,
    name: String,
    tls: bool,
}

impl DatabaseSettings {
    /// `DATABASE_HOST`, `DATABASE_PORT`, `DATABASE_NAME` and `DATABASE_TLS` (`verify-full` or `disable`).
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let tls = match environment.required("DATABASE_TLS")? {
            "verify-full" => true,
            "disable" => false,
            _ => {
                return Err(ConfigError::Wrong {
                    name: "DATABASE_TLS".to_owned(),
                    problem: "must be verify-full or disable".to_owned(),
                });
            }
        };
        Ok(Self {
            host: environment.required("DATABASE_HOST")?.to_owned(),
            port: environment.parsed("DATABASE_PORT")?,
            name: environment.required("DATABASE_NAME")?.to_owned(),
            tls,
        })
    }
}

/// Connects in [`ready`](Database::ready), or else at the first use, so that a forged webhook costs no
/// connection.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool<Manager>,
}

impl Database {
    pub fn new(settings: &DatabaseSettings, logins: Logins) -> Self {
        let timeouts = Timeouts {
            create: Some(bounds::DATABASE_CONNECTION),
            wait: Some(bounds::DATABASE_LIVES),
            recycle: Some(bounds::DATABASE_LIVES),
        };
        let manager = Manager { settings: settings.clone(), logins, tls: MakeRustlsConnect::new(tls::config()) };
        let pool = Pool::builder(manager).max_size(1).runtime(deadpool::Runtime::Tokio1).timeouts(timeouts).build();
        match pool {
            Ok(pool) => Self { pool },
            Err(_) => unreachable!("a pool with timeouts is given its runtime a line above"),
        }
    }

    /// Connects, logs in and prepares these statements ahead of the first event: Lambda gives the start of a function a whole
    /// processor, and an event a small part of one. A database that is away, silent or refuses is no error: the first event
    /// tries again, and says so if it must.
    pub async fn ready(&self, statements: &[Hot]) {
        // Boxed, as the making of a connection is.
        Box::pin(self.ready_within(bounds::DATABASE_READY, statements)).await;
    }

    async fn ready_within(&self, longest: Duration, statements: &[Hot]) {
        let until = Instant::now() + longest;
        let mut connection = match timeout_at(until, self.connection()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                return tracing::warn!(error = error.chain(), "no connection yet: the first event tries again");
            }
            Err(_) => return tracing::warn!("no connection in time: the first event tries again"),
        };
        if timeout_at(until, warm_up(&mut connection, statements)).await.is_err() {
            // What it still owes would come before the answer to the first event.
            drop(Object::take(connection));
            tracing::warn!("the database does not answer in time: the first event tries again");
        }
    }

    /// A living connection: one that died while the environment was frozen is replaced.
    pub async fn connection(&self) -> Result<Connection, Error> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Error::unavailable("the database", error),
            error => Error::unavailable("the database", error.to_string()),
        })
    }
}

/// Prepares statements, each once, and has PostgreSQL plan them: a fresh session reads the catalogue for its first plans,
/// which takes longer than the statements themselves. One that cannot be prepared, for instance because a migration has yet
/// to be applied, fails when it is needed and hinders no other.
async fn warm_up(connection: &mut Connection, statements: &[Hot]) {
    let mut known = HashSet::new();
    let each_once = statements.iter().copied().flatten().filter(|statement| known.insert(statement.sql()));
    let prepared = each_once.map(|statement| connection.prepare_typed_cached(statement.sql(), statement.types()));
    // One round trip for all of them: they are sent before an answer is waited for.
    let (prepared, failed): (Vec<_>, Vec<_>) = join_all(prepared).await.into_iter().partition(Result::is_ok);
    let prepared: Vec<_> = prepared.into_iter().flatten().collect();
    let failed: Vec<_> = failed.into_iter().filter_map(Result::err).collect();
    if let Some(first) = failed.first() {
        tracing::warn!(failed = failed.len(), first = %first, "statements cannot be prepared yet");
    }
    if let Err(error) = plan(connection, &prepared).await {
        tracing::warn!(%error, "the first event plans its statements itself");
    }
}

/// A portal is planned when it is bound, and executes nothing. The transaction is rolled back.
async fn plan(
    connection: &mut Connection,
    prepared: &[tokio_postgres::Statement],
) -> Result<(), tokio_postgres::Error> {
    let transaction = connection.transaction().await?;
    let portals = prepared.iter().map(|statement| {
        let nulls = vec![&Null as &(dyn ToSql + Sync); statement.params().len()];
        let transaction = &transaction;
        async move { transaction.bind(statement, &nulls).await }
    });
    try_join_all(portals).await?;
    transaction.rollback().await
}

/// NULL as a parameter of any type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Makes connections.
pub struct Manager {
    settings: DatabaseSettings,
    logins: Logins,
    tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("settings", &self.settings)
            .field("logins", &self.logins)
            .finish_non_exhaustive()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("it cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("it does not answer")]
    Silent,
    #[error("it does not let us in")]
    NotIn(#[source] tokio_postgres::Error),
    #[error("no login is known")]
    NoLogin,
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("its name is none for TLS")]
    Name,
}

impl managed::Manager for Manager {
    type Type = ClientWrapper;
    type Error = ConnectError;

    async fn create(&self) -> Result<ClientWrapper, ConnectError> {
        // Boxed: a handler that has a connection does not carry the making of one along.
        Box::pin(self.log_in()).await
    }

    async fn recycle(&self, client: &mut ClientWrapper, metrics: &Metrics) -> RecycleResult<ConnectError> {
        if client.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        // Not a statement that would pin a session of RDS Proxy. The pool bounds how long the answer may take.
        if metrics.last_used() > TRUSTED_IDLE && client.simple_query("").await.is_err() {
            return Err(RecycleError::message("the connection is dead"));
        }
        Ok(())
    }
}

impl Manager {
    async fn log_in(&self) -> Result<ClientWrapper, ConnectError> {
        let mut refused = None;
        let mut candidates = self.logins.candidates();
        while let Some(login) = candidates.next().await? {
            let connected = timeout(bounds::DATABASE_LOGIN, self.connect(&login)).await;
            match connected.unwrap_or(Err(ConnectError::Silent)) {
                Ok(client) => {
                    self.logins.remember(login);
                    return Ok(client);
                }
                Err(ConnectError::NotIn(error)) if is_wrong_password(&error) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(refused.map_or(ConnectError::NoLogin, ConnectError::NotIn))
    }

    async fn connect(&self, login: &Login) -> Result<ClientWrapper, ConnectError> {
        let DatabaseSettings { host, port, name, tls } = &self.settings;
        let mut config = Config::new();
        config
            .dbname(name)
            .user(&login.username)
            .password(&login.password)
            .application_name("isoxp")
            .ssl_mode(if *tls { SslMode::Require } else { SslMode::Disable });
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(ConnectError::Unreachable)?;
        stream.set_nodelay(true).map_err(ConnectError::Unreachable)?;
        notice_a_dead_peer(&stream).map_err(ConnectError::Unreachable)?;
        let stream = Answering::new(stream, bounds::database_silence(&login.username));
        let tls = MakeTlsConnect::<Answering<TcpStream>>::make_tls_connect(&mut self.tls.clone(), host)
            .map_err(|_| ConnectError::Name)?;
        let (client, connection) = config.connect_raw(stream, tls).await.map_err(ConnectError::NotIn)?;
        let connection = tokio::spawn(async move {
            // Its next statement fails; this says why.
            if let Err(error) = connection.await {
                tracing::warn!(%error, "the connection to the database broke");
            }
        });
        Ok(ClientWrapper::new(client, connection))
    }
}

/// Also in the middle of a long answer, which [`Answering`] does not measure.
fn notice_a_dead_peer(stream: &TcpStream) -> io::Result<()> {
    const LOOKS: u32 = 2;
    let socket = SockRef::from(stream);
    let look = bounds::DATABASE_PEER / (LOOKS + 1);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(look).with_interval(look).with_retries(LOOKS))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(bounds::DATABASE_PEER))?;
    Ok(())
}

fn is_wrong_password(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION))
}

fn broke(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<io::Error>)
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        // No SQLSTATE: the connection broke. Classes 08, 53, 57: it is refused, full, or shutting down. 40 and 55: somebody
        // else was faster, or holds a lock for longer than we wait.
        match error.code().map(|code| &code.code()[..2]) {
            None if error.is_closed() || broke(&error) => Self::unavailable("the database", error),
            Some("08" | "40" | "53" | "55" | "57") => Self::unavailable("the database", error),
            _ => Self::internal("a statement failed", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(50);

    fn database(port: u16) -> Database {
        let settings = DatabaseSettings { host: "127.0.0.1".to_owned(), port, name: "isoxp".to_owned(), tls: false };
        let login = Login { username: "isoxp_api".to_owned(), password: "secret".to_owned() };
        Database::new(&settings, Logins::fixed(login))
    }

    #[tokio::test]
    async fn a_start_goes_on_without_a_database_that_is_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let database = database(port);

        let ready = timeout(LONGEST * 20, database.ready_within(LONGEST * 10, &[])).await;

        assert!(ready.is_ok(), "it does not wait for its bound either");
        assert!(matches!(database.connection().await, Err(Error::Unavailable { .. })), "the first event tries again");
    }

    #[tokio::test]
    async fn a_start_goes_on_without_a_database_that_says_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let database = database(listener.local_addr().unwrap().port());

        let (ready, silent) =
            tokio::join!(timeout(LONGEST * 20, database.ready_within(LONGEST, &[])), listener.accept());

        assert!(silent.is_ok() && ready.is_ok());
        let again = tokio::join!(timeout(LONGEST, database.connection()), listener.accept());
        assert!(again.1.is_ok(), "the first event makes a connection of its own");
    }

    #[tokio::test]
    async fn a_connection_whose_peer_is_gone_ends_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();

        notice_a_dead_peer(&stream).unwrap();

        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let retries = socket.tcp_keepalive_retries().unwrap();
        let idle = socket.tcp_keepalive_time().unwrap() + socket.tcp_keepalive_interval().unwrap() * retries;
        assert!(idle > Duration::ZERO && idle <= bounds::DATABASE_PEER, "{idle:?}");
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(bounds::DATABASE_PEER));
    }
}
