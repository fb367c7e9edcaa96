//! AWS Secrets Manager: fetched once at start, so that no request pays for it.

use serde::de::DeserializeOwned;

use crate::config::{ConfigError, Environment};

/// Why a secret could not be had at start.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the secret named by {name} cannot be read from Secrets Manager")]
    Unreadable { name: String, source: Box<dyn std::error::Error + Send + Sync> },
}

/// A client for the secrets that a function's environment names.
#[derive(Debug)]
pub struct Secrets<'a> {
    client: aws_sdk_secretsmanager::Client,
    environment: &'a Environment,
}

impl<'a> Secrets<'a> {
    pub fn new(aws: &aws_config::SdkConfig, environment: &'a Environment) -> Self {
        Self { client: aws_sdk_secretsmanager::Client::new(aws), environment }
    }

    /// The JSON secret whose id stands in the environment variable `name`.
    pub async fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, SecretError> {
        let id = self.environment.required(name)?;
        let unreadable = |source| SecretError::Unreadable { name: name.to_owned(), source };
        let reply = self.client.get_secret_value().secret_id(id).send().await;
        let reply = reply.map_err(|error| unreadable(Box::new(error.into_service_error())))?;
        let text = reply.secret_string().unwrap_or_default();
        // serde_json's message may quote the text: only its place is told.
        serde_json::from_str(text).map_err(|error| {
            SecretError::Config(ConfigError::WrongSecret {
                name: name.to_owned(),
                problem: format!("is not what is expected at line {}, column {}", error.line(), error.column()),
            })
        })
    }
}
