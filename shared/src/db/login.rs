//! How a function logs in: with its role's secret, which is read when a connection is made, so that a password can be
//! rotated while functions run.

use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::secrets::{Secret, SecretError, Version};

/// The secret of one database role, in the shape that RDS Proxy prescribes.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.username)
    }
}

/// Where logins come from. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Logins {
    secret: Option<Arc<Secret>>,
    /// The one that has let us in last, or, until then, the one of the secret.
    known: Arc<Mutex<Option<Login>>>,
}

impl Logins {
    /// Of a secret that is followed through its changes.
    pub fn of_secret(secret: Secret) -> Self {
        Self { secret: Some(Arc::new(secret)), known: Arc::default() }
    }

    /// One that does not change.
    pub fn fixed(login: Login) -> Self {
        Self { secret: None, known: Arc::new(Mutex::new(Some(login))) }
    }

    /// Reads the secret ahead of the first connection.
    ///
    /// # Errors
    /// It cannot be read; the first connection tries again.
    pub async fn prefetch(&self) -> Result<(), SecretError> {
        if let Some(secret) = &self.secret {
            let login = secret.json().await?;
            self.remember(login);
        }
        Ok(())
    }

    /// The logins that are worth an attempt.
    pub(super) fn candidates(&self) -> Candidates<'_> {
        Candidates { logins: self, known: self.known(), versions: VERSIONS.iter(), refused: None }
    }

    /// This one has let us in.
    pub(super) fn remember(&self, login: Login) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
    }

    /// The secret says so: while the database is away, it is not asked again at each attempt.
    fn learn(&self, login: &Login) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| login.clone());
    }

    fn known(&self) -> Option<Login> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where the password is refused, it was rotated, and the secret is read anew. Until the role has the new password, the
/// former version of the secret is the right one; and should the role get it between these two attempts, the new one is
/// right after all.
const VERSIONS: [Version; 3] = [Version::Current, Version::Previous, Version::Current];

/// Logins, one after the other, as long as they are refused.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    logins: &'a Logins,
    known: Option<Login>,
    versions: slice::Iter<'static, Version>,
    refused: Option<Login>,
}

impl Candidates<'_> {
    /// `None`: all of them were refused.
    ///
    /// # Errors
    /// The secret cannot be read, and no login is known without it.
    pub(super) async fn next(&mut self) -> Result<Option<Login>, SecretError> {
        if let Some(known) = self.known.take() {
            self.refused = Some(known.clone());
            return Ok(Some(known));
        }
        let Some(secret) = &self.logins.secret else { return Ok(None) };
        for version in self.versions.by_ref() {
            match secret.version::<Login>(*version).await {
                Ok(login) if self.refused.as_ref() == Some(&login) => {}
                Ok(login) => {
                    self.logins.learn(&login);
                    self.refused = Some(login.clone());
                    return Ok(Some(login));
                }
                // That the password is refused is what an operator has to know of.
                Err(error) if self.refused.is_some() => {
                    tracing::warn!(%error, "the login of a role cannot be read anew");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
