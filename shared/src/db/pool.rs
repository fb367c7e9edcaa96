//! The connection to PostgreSQL. An execution environment takes one event at a time, so one connection is
//! the whole pool; deadpool replaces it when it has died.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Timeouts};
use serde::Deserialize;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{ConfigError, Environment};
use crate::error::Error;

/// A connection lent to one event.
pub type Connection = deadpool_postgres::Client;

/// How long a connection may have been idle before it is asked whether it still lives. A frozen environment
/// does not notice that the other side has gone; a busy one need not ask.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);

/// Where the database is and how to get in.
#[derive(Debug)]
pub struct DatabaseSettings {
    host: String,
    port: u16,
    name: String,
    tls: bool,
    login: Login,
}

/// The secret of one database role, in the shape that RDS Proxy prescribes.
#[derive(Clone, Deserialize)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.username)
    }
}

impl DatabaseSettings {
    /// `DATABASE_HOST`, `DATABASE_PORT`, `DATABASE_NAME` and `DATABASE_TLS` (`verify-full` or `disable`).
    pub fn read(environment: &Environment, login: Login) -> Result<Self, ConfigError> {
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
            login,
        })
    }

    /// The same database for another role.
    #[must_use]
    pub fn with_login(&self, login: Login) -> Self {
        Self { host: self.host.clone(), port: self.port, name: self.name.clone(), tls: self.tls, login }
    }

    pub fn login(&self) -> &Login {
        &self.login
    }
}

/// Connects when first asked, so that a forgery or a health check costs no connection.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
}

impl Database {
    pub fn new(settings: &DatabaseSettings) -> Self {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&settings.host)
            .port(settings.port)
            .dbname(&settings.name)
            .user(&settings.login.username)
            .password(&settings.login.password)
            .application_name("isoxp")
            .connect_timeout(Duration::from_secs(3))
            .ssl_mode(if settings.tls { SslMode::Require } else { SslMode::Disable });
        // `Fast`, because `Clean` sends statements that pin a session of RDS Proxy.
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls(), manager_config);
        let timeouts = Timeouts {
            create: Some(Duration::from_secs(4)),
            wait: Some(Duration::from_secs(1)),
            ..Timeouts::default()
        };
        let pool = Pool::builder(manager)
            .max_size(1)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .timeouts(timeouts)
            .pre_recycle(Hook::async_fn(|client, metrics| {
                let idle = metrics.last_used();
                Box::pin(async move {
                    if idle > TRUSTED_IDLE {
                        let asked = tokio::time::timeout(Duration::from_secs(1), client.simple_query("")).await;
                        asked.map_err(|_| HookError::message("no answer"))?.map_err(HookError::Backend)?;
                    }
                    Ok(())
                })
            }))
            .build();
        match pool {
            Ok(pool) => Self { pool },
            Err(_) => unreachable!("a pool with timeouts is given its runtime three lines above"),
        }
    }

    /// A living connection: one that died while the environment was frozen is replaced.
    pub async fn connection(&self) -> Result<Connection, Error> {
        self.pool.get().await.map_err(|error| Error::unavailable("the database", error))
    }
}

fn tls() -> MakeRustlsConnect {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    MakeRustlsConnect::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn broke(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
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
