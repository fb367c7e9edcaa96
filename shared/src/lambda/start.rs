//! The start of a function: logging, settings, and the clients it asks for, no others.

use std::sync::OnceLock;

use aws_types::SdkConfig;

use crate::aws;
use crate::config::{ConfigError, Environment, Route};
use crate::db::{Database, DatabaseSettings, Hot, Logins};
use crate::queue::{Queue, Queues};
use crate::secrets::Secrets;
use crate::tasks::{Kind, Priority};

/// Why a function does not start. Lambda reports it and tries again with the next event.
pub type StartError = lambda_runtime::Error;

/// The parts of a function. A client of AWS is made at its first use, so that a function pays for none that it does not need;
/// a missing setting is an error then.
#[derive(Debug)]
pub struct Start {
    pub environment: Environment,
    aws: OnceLock<Result<SdkConfig, ConfigError>>,
    secrets: OnceLock<Result<aws_sdk_secretsmanager::Client, ConfigError>>,
    sqs: OnceLock<Result<aws_sdk_sqs::Client, ConfigError>>,
}

impl Start {
    /// Sets up JSON logs and reads the environment.
    #[expect(clippy::new_without_default, reason = "it reads the environment, which no default does")]
    pub fn new() -> Self {
        log();
        let environment = Environment::of_process();
        Self { environment, aws: OnceLock::new(), secrets: OnceLock::new(), sqs: OnceLock::new() }
    }

    pub fn secrets(&self) -> Secrets<'_> {
        let client = self.secrets.get_or_init(|| self.aws().map(aws_sdk_secretsmanager::Client::new));
        Secrets::new(client.clone(), &self.environment)
    }

    /// The database as the role whose secret stands in `DATABASE_SECRET`, ready for the first event: connected, and with these
    /// statements prepared.
    pub async fn database(&self, statements: &[Hot]) -> Result<Database, ConfigError> {
        let database = Database::new(&DatabaseSettings::read(&self.environment)?, self.logins()?);
        database.ready(statements).await;
        Ok(database)
    }

    /// The same for functions that strangers can start: it connects at the first use. Only the secret is read here, where no
    /// request waits for it; if it cannot be, the first connection tries again.
    pub async fn lazy_database(&self) -> Result<Database, ConfigError> {
        let logins = self.logins()?;
        if let Err(error) = logins.prefetch().await {
            tracing::warn!(%error, "the login of the database cannot be read yet");
        }
        Ok(Database::new(&DatabaseSettings::read(&self.environment)?, logins))
    }

    fn logins(&self) -> Result<Logins, ConfigError> {
        Ok(Logins::of_secret(self.secrets().named("DATABASE_SECRET")?))
    }

    /// The client of all queues.
    pub fn sqs(&self) -> Result<aws_sdk_sqs::Client, ConfigError> {
        self.sqs.get_or_init(|| self.aws().map(aws_sdk_sqs::Client::new)).clone()
    }

    /// The queue of a kind that always runs.
    pub fn queue(&self, kind: Kind) -> Result<Queue, ConfigError> {
        Queue::read(self.sqs()?, &self.environment, kind)
    }

    /// The queues of these kinds, without those whose flag is off or whose route is another: their tasks wait and nobody is
    /// to be woken.
    pub fn queues(&self, kinds: &[Kind]) -> Result<Queues, ConfigError> {
        let mut queues = Vec::new();
        for kind in kinds {
            if self.enabled(*kind)? {
                queues.push(self.queue(*kind)?);
            }
        }
        Ok(Queues::new(queues))
    }

    /// The place in line of the tasks of a kind that are written now.
    pub fn priority(&self, kind: Kind) -> Result<Priority, ConfigError> {
        Ok(Priority::of_flag(self.enabled(kind)?))
    }

    /// Whether changes in the CRM are ours to take over: with `ENABLE_ZOHO_SYNC`, on the native route.
    pub fn reads_crm(&self) -> Result<bool, ConfigError> {
        let native = self.environment.parsed::<Route>("ZOHO_SYNC_ROUTE")? == Route::Native;
        Ok(self.environment.flag("ENABLE_ZOHO_SYNC")? && native)
    }

    fn aws(&self) -> Result<&SdkConfig, ConfigError> {
        self.aws.get_or_init(|| aws::config(&self.environment)).as_ref().map_err(Clone::clone)
    }

    fn enabled(&self, kind: Kind) -> Result<bool, ConfigError> {
        if kind == Kind::PullZoho {
            return self.reads_crm();
        }
        kind.flag().map_or(Ok(true), |flag| self.environment.flag(flag))
    }
}

/// One JSON object a line, as CloudWatch reads it; Lambda adds the time.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true).with_env_filter(filter).init();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A Secrets Manager with one secret, and how often it was asked.
    async fn secrets_manager() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&count)));
            }
        });
        (url, asked)
    }

    async fn answer(mut stream: TcpStream, asked: Arc<AtomicUsize>) {
        let body = r#"{"SecretString":"{\"username\":\"isoxp_api\",\"password\":\"a password\"}"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            if request.ends_with(b"}") {
                asked.fetch_add(1, Ordering::SeqCst);
                request.clear();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn while_the_database_is_away_the_login_is_read_once() {
        let (secrets, asked) = secrets_manager().await;
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port().to_string();
        let environment = Environment::from([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &*secrets),
            ("DATABASE_SECRET", "database"),
            ("DATABASE_HOST", "127.0.0.1"),
            ("DATABASE_PORT", &*nobody),
            ("DATABASE_NAME", "isoxp"),
            ("DATABASE_TLS", "disable"),
        ]);
        let start = Start { environment, aws: OnceLock::new(), secrets: OnceLock::new(), sqs: OnceLock::new() };

        let database = start.database(&[]).await.unwrap();
        let events = (database.connection().await.is_err(), database.connection().await.is_err());

        assert_eq!((events, asked.load(Ordering::SeqCst)), ((true, true), 1));
    }
}
