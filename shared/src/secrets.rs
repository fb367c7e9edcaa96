//! AWS Secrets Manager: fetched at start, so that no request pays for it; what people change while functions run is
//! fetched again now and then.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use crate::bounds;
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
    client: Result<aws_sdk_secretsmanager::Client, ConfigError>,
    environment: &'a Environment,
}

impl<'a> Secrets<'a> {
    /// `client`, or which setting of AWS is wrong: reading a secret returns that error.
    pub fn new(client: Result<aws_sdk_secretsmanager::Client, ConfigError>, environment: &'a Environment) -> Self {
        Self { client, environment }
    }

    /// The JSON secret whose id stands in the environment variable `name`.
    pub async fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, SecretError> {
        self.named(name)?.json().await
    }

    /// The secret whose id stands in the environment variable `name`, not read yet.
    pub fn named(&self, name: &str) -> Result<Secret, ConfigError> {
        let id = self.environment.required(name)?.to_owned();
        Ok(Secret { client: self.client.clone()?, name: name.to_owned(), id })
    }

    /// The same, checked, and followed through its changes from `now` on.
    pub async fn followed<S, T>(&self, name: &str, now: DateTime<Utc>) -> Result<FollowedSecret<S, T>, SecretError>
    where
        S: DeserializeOwned + 'static,
        T: TryFrom<S, Error = ConfigError> + 'static,
    {
        self.followed_with(name, now, T::try_from).await
    }

    /// The same, with a check that needs more than the secret to go by.
    pub async fn followed_with<S: DeserializeOwned, T>(
        &self,
        name: &str,
        now: DateTime<Utc>,
        check: impl Fn(S) -> Result<T, ConfigError> + Send + Sync + 'static,
    ) -> Result<FollowedSecret<S, T>, SecretError> {
        let secret = self.named(name)?;
        let loaded = Loaded::of(check(secret.json().await?)?, now);
        Ok(FollowedSecret { secret, loaded: Mutex::new(loaded), check: Check(Box::new(check)) })
    }

    /// The same for a function that has an answer to give although the secret cannot be read or used as a whole:
    /// `stand_in` stands for its content, and the secret is looked at again every few seconds until it is there.
    ///
    /// # Errors
    /// The environment does not name the secret.
    pub async fn followed_or<S: DeserializeOwned, T>(
        &self,
        name: &str,
        now: DateTime<Utc>,
        read: impl Fn(S) -> T + Send + Sync + 'static,
        stand_in: impl FnOnce() -> T,
    ) -> Result<FollowedSecret<S, T>, ConfigError> {
        let secret = self.named(name)?;
        let loaded = match secret.json().await {
            Ok(raw) => Loaded::of(read(raw), now),
            Err(error) => {
                tracing::error!(%error, "a secret cannot be used at the start: it is looked at again every few seconds");
                Loaded { stands_in: true, problem: Some(error.to_string()), ..Loaded::of(stand_in(), now) }
            }
        };
        Ok(FollowedSecret { secret, loaded: Mutex::new(loaded), check: Check(Box::new(move |raw| Ok(read(raw)))) })
    }
}

/// One secret, by the environment variable that names it.
#[derive(Debug)]
pub struct Secret {
    client: aws_sdk_secretsmanager::Client,
    name: String,
    id: String,
}

/// Which content of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Current,
    /// What was there before it was changed last.
    Previous,
}

impl Version {
    /// The label that Secrets Manager gives it.
    const fn stage(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

impl Secret {
    /// Its content as it is now.
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T, SecretError> {
        self.version(Version::Current).await
    }

    /// Its content in one of its versions.
    pub async fn version<T: DeserializeOwned>(&self, version: Version) -> Result<T, SecretError> {
        let unreadable = |source| SecretError::Unreadable { name: self.name.clone(), source };
        let reply = self.client.get_secret_value().secret_id(&self.id).version_stage(version.stage()).send().await;
        let reply = reply.map_err(|error| unreadable(Box::new(error.into_service_error())))?;
        // Editors on Windows put a byte order mark before it.
        let text = reply.secret_string().unwrap_or_default().trim_start_matches('\u{feff}');
        // serde_json's message may quote the text: only its place is told.
        serde_json::from_str(text).map_err(|error| {
            SecretError::Config(ConfigError::WrongSecret {
                name: self.name.clone(),
                problem: format!("is not what is expected at line {}, column {}", error.line(), error.column()),
            })
        })
    }

    /// The same, checked.
    pub async fn checked<S, T>(&self) -> Result<T, SecretError>
    where
        S: DeserializeOwned,
        T: TryFrom<S, Error = ConfigError>,
    {
        Ok(T::try_from(self.json().await?)?)
    }
}

/// For how long a copy is good: a key that was added is known everywhere after that.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How often a copy is fetched anew at most, whoever asks for it.
const AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(30);

/// How often a secret is looked at that could not be used when the function started.
const STANDS_IN: TimeDelta = TimeDelta::seconds(5);

/// A secret that people change while functions run. A change that cannot be read or is wrong is logged, and the copy
/// from before stays in force.
#[derive(Debug)]
pub struct FollowedSecret<S, T> {
    secret: Secret,
    loaded: Mutex<Loaded<T>>,
    check: Check<S, T>,
}

struct Check<S, T>(Box<dyn Fn(S) -> Result<T, ConfigError> + Send + Sync>);

impl<S, T> std::fmt::Debug for Check<S, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Check")
    }
}

#[derive(Debug)]
struct Loaded<T> {
    value: Arc<T>,
    /// The value is not the secret's: that could not be used yet.
    stands_in: bool,
    /// What was wrong with the secret as a whole when it was last looked at.
    problem: Option<String>,
    /// When it was last asked for, with or without success.
    tried_at: DateTime<Utc>,
}

impl<T> Loaded<T> {
    fn of(value: T, now: DateTime<Utc>) -> Self {
        Self { value: Arc::new(value), stands_in: false, problem: None, tried_at: now }
    }
}

impl<S: DeserializeOwned, T> FollowedSecret<S, T> {
    /// The copy, fetched anew if it is over five minutes old.
    pub async fn current(&self, now: DateTime<Utc>) -> Arc<T> {
        match self.fetched_after(LIFETIME, now).await {
            Some(value) => value,
            None => Arc::clone(&self.loaded().value),
        }
    }

    /// A newer copy, for somebody whom the present one did not serve. `None`: this one is less than half a minute
    /// old, or cannot be had anew; so nobody makes us read a secret in a loop.
    pub async fn newer(&self, now: DateTime<Utc>) -> Option<Arc<T>> {
        self.fetched_after(AT_MOST_EVERY, now).await
    }

    /// For a person who looks at the secret itself: a copy that is at most half a minute old, and what is wrong with the
    /// secret as a whole, if that keeps its present content from being in force.
    pub async fn inspected(&self, now: DateTime<Utc>) -> (Arc<T>, Option<String>) {
        self.newer(now).await;
        let loaded = self.loaded();
        (Arc::clone(&loaded.value), loaded.problem.clone())
    }

    async fn fetched_after(&self, age: TimeDelta, now: DateTime<Utc>) -> Option<Arc<T>> {
        {
            let mut loaded = self.loaded();
            let age = if loaded.stands_in { age.min(STANDS_IN) } else { age };
            if now - loaded.tried_at < age {
                return None;
            }
            loaded.tried_at = now;
        }
        // A request waits for this, and Lambda ends the process with its good copy when a request takes too long.
        let Ok(fetched) = tokio::time::timeout(bounds::NEWER_SECRET, self.secret.json()).await else {
            tracing::error!("a secret cannot be had anew in time: its former content stays in force");
            self.loaded().problem = Some("Secrets Manager does not answer in time".to_owned());
            return None;
        };
        match fetched.and_then(|raw| Ok((self.check.0)(raw)?)) {
            Ok(value) => {
                let loaded = Loaded::of(value, now);
                let value = Arc::clone(&loaded.value);
                *self.loaded() = loaded;
                Some(value)
            }
            Err(error) => {
                tracing::error!(%error, "a secret has changed and cannot be used: its former content stays in force");
                self.loaded().problem = Some(error.to_string());
                None
            }
        }
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, Loaded<T>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
