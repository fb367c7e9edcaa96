//! The access token: read from the database, refreshed five minutes early by one worker alone.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::Value;

use super::error::ZohoError;
use super::http::{Exchanged, Zoho, exchange};
use super::refusal;
use crate::db::Connection;
use crate::db::zoho_token::{self, StoredToken};

/// Longer than the refresh can take.
const LEASE: Duration = Duration::from_secs(20);
/// How often, and how many times, a worker without any living token looks whether another has got one.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS: u32 = 48;

/// A token and the version that it is. It prints without itself.
pub(super) struct Token {
    secret: String,
    pub api_domain: Option<String>,
    /// `None`: another one was stored by the time that it came, and nobody else has it.
    version: Option<i64>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(version {:?})", self.version)
    }
}

impl Token {
    pub(super) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("authorization", format!("Zoho-oauthtoken {}", self.secret))
    }
}

/// The token that all workers share; one of them refreshes it while the others use the old one.
pub(super) async fn current(zoho: &Zoho, connection: &Connection) -> Result<Token, ZohoError> {
    for _ in 0..LOOKS {
        let stored = zoho_token::read(connection, &zoho.credentials()).await?;
        let version = stored.version;
        if !stored.fresh && zoho_token::lease(connection, version, LEASE, &zoho.credentials()).await? {
            return match refresh(zoho, connection, version).await {
                Err(error) if stored.alive && is_passing(&error) => {
                    tracing::warn!(%error, "no new access token yet; the present one still lives");
                    Ok(stored.into())
                }
                outcome => outcome,
            };
        }
        if stored.alive {
            return Ok(stored.into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What has kept the other one is his to tell: for all we know, Zoho throttles nobody.
    Err(ZohoError::NoAnswer("another worker's token"))
}

/// Whether another attempt may succeed with nothing mended.
fn is_passing(error: &ZohoError) -> bool {
    match error {
        ZohoError::Throttled { .. } | ZohoError::Unreachable(_) | ZohoError::NoAnswer(_) | ZohoError::Broken { .. } => {
            true
        }
        ZohoError::InvalidToken
        | ZohoError::Refused { .. }
        | ZohoError::BadRequest { .. }
        | ZohoError::Unexplained { .. }
        | ZohoError::Ours(_) => false,
    }
}

impl From<StoredToken> for Token {
    fn from(stored: StoredToken) -> Self {
        Self { secret: stored.access_token, api_domain: stored.api_domain, version: Some(stored.version) }
    }
}

/// Another token than that one, which Zoho has refused.
pub(super) async fn replaced(zoho: &Zoho, connection: &Connection, refused: &Token) -> Result<Token, ZohoError> {
    if let Some(version) = refused.version {
        zoho_token::invalidate(connection, version).await?;
    }
    current(zoho, connection).await
}

async fn refresh(zoho: &Zoho, connection: &Connection, version: i64) -> Result<Token, ZohoError> {
    match ask(zoho).await {
        Ok(granted) => {
            let Granted { secret, api_domain, valid_for } = granted;
            let got = zoho_token::Got { token: &secret, api_domain: api_domain.as_deref(), valid_for };
            let version = zoho_token::store(connection, version, &got, &zoho.credentials()).await?;
            Ok(Token { secret, api_domain, version })
        }
        Err(error) => {
            let wait = if matches!(error, ZohoError::Throttled { .. }) {
                Duration::from_mins(1)
            } else {
                Duration::from_secs(5)
            };
            zoho_token::give_up(connection, version, wait).await?;
            Err(error)
        }
    }
}

struct Granted {
    secret: String,
    api_domain: Option<String>,
    valid_for: Duration,
}

/// `POST /oauth/v2/token`. Zoho says no with HTTP 200 and an `error` in the body, so the body decides.
async fn ask(zoho: &Zoho) -> Result<Granted, ZohoError> {
    let settings = &zoho.settings;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &settings.client_id),
        ("client_secret", &settings.client_secret),
        ("refresh_token", &settings.refresh_token),
    ];
    let request = zoho.http.post(format!("{}/oauth/v2/token", settings.accounts())).form(&form);
    let Exchanged { status, retry_after, text, .. } = exchange(request).await?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if let Some(secret) = body["access_token"].as_str() {
        let api_domain = body["api_domain"].as_str().map(str::to_owned);
        settings.check_api_domain(api_domain.as_deref())?;
        let valid_for = Duration::from_secs(body["expires_in"].as_u64().unwrap_or(3600));
        return Ok(Granted { secret: secret.to_owned(), api_domain, valid_for });
    }
    Err(match body["error"].as_str() {
        _ if status.is_server_error() => ZohoError::Broken { status: status.as_u16() },
        Some(error) => refusal::of_token(error, retry_after),
        None => ZohoError::Broken { status: status.as_u16() },
    })
}
