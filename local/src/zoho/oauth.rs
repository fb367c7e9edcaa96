//! Zoho accounts: access tokens for a refresh token, and whether a call carries one that lives.
//!
//! Limits (v8 token validity): 10 access tokens in 10 minutes per refresh token, 15 alive at once, each for an hour.

use std::collections::VecDeque;

use axum::http::{StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use serde_json::json;

use super::{Options, call::Call, reply::Reply, scopes, settings::WrongSecret, world::World};

const ISSUED_PER_WINDOW: usize = 10;
const WINDOW: TimeDelta = TimeDelta::minutes(10);
const ALIVE_AT_ONCE: usize = 15;

/// Whom accounts gives tokens to.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
}

impl Credentials {
    pub(super) fn of(options: &Options) -> Self {
        let Options { client_id, client_secret, refresh_token, .. } = options.clone();
        Self { client_id, client_secret, refresh_token }
    }
}

// By hand, so that a `{:?}` in a log cannot print the secrets.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The tokens of the one refresh token there is.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Oldest first.
    alive: VecDeque<AccessToken>,
    /// When tokens were issued within the last window, oldest first.
    issued: VecDeque<DateTime<Utc>>,
}

#[derive(Debug)]
struct AccessToken {
    text: String,
    expires: DateTime<Utc>,
}

/// `POST /oauth/v2/token`. Refusals are an HTTP 200 with an `error`, as at Zoho, unless the settings say otherwise.
pub(super) fn grant(world: &mut World, call: &Call) -> Reply {
    if call.form("grant_type").as_deref() != Some("refresh_token") {
        return refusal(world, "unsupported_grant_type");
    }
    let known = &world.credentials;
    if call.form("client_id").as_deref() != Some(&known.client_id) {
        return invalid_client(world);
    }
    if call.form("client_secret").as_deref() != Some(&known.client_secret) {
        return match world.settings.wrong_secret {
            WrongSecret::InvalidClient => invalid_client(world),
            WrongSecret::InvalidClientSecret => refusal(world, "invalid_client_secret"),
        };
    }
    let is_granted = call.form("refresh_token").as_deref() == Some(&known.refresh_token);
    if !is_granted || world.settings.refresh_token_revoked {
        return invalid_code(world);
    }
    let now = world.now;
    let lifetime = world.settings.token_lifetime_seconds;
    let text = format!("1000.{:032x}.{:032x}", world.random.random::<u128>(), world.random.random::<u128>());
    if !world.tokens.issue(text.clone(), now, TimeDelta::seconds(lifetime.into())) {
        return throttled(world);
    }
    Reply::ok(json!({
        "access_token": text,
        "scope": world.settings.scopes.join(" "),
        "api_domain": world.settings.api_domain.as_ref().unwrap_or(&world.url),
        "token_type": "Bearer",
        "expires_in": lifetime,
    }))
}

/// Whether the call carries a live token that may do this, in this data centre. The error is the CRM's 401.
pub(super) fn authorize(world: &World, call: &Call) -> Result<(), Reply> {
    let token = call
        .header(header::AUTHORIZATION)
        .and_then(|value| value.strip_prefix("Zoho-oauthtoken "))
        .ok_or_else(Reply::authentication_failure)?;
    let is_elsewhere = world.settings.wrong_dc && call.operation.is_crm();
    if is_elsewhere || world.settings.refresh_token_revoked || !world.tokens.is_alive(token.trim(), world.now) {
        return Err(Reply::invalid_token());
    }
    if scopes::allow(&world.settings.scopes, call) { Ok(()) } else { Err(Reply::scope_mismatch()) }
}

/// A client that does not exist, or has another secret, or is one of another data centre.
pub(super) fn invalid_client(world: &World) -> Reply {
    refusal(world, "invalid_client")
}

/// A refresh token that was revoked or never existed.
pub(super) fn invalid_code(world: &World) -> Reply {
    refusal(world, "invalid_code")
}

/// Too many tokens in ten minutes.
pub(super) fn throttled(world: &World) -> Reply {
    let status = StatusCode::from_u16(world.settings.throttle_status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::json(
        status,
        json!({
            "error": "Access Denied",
            "error_description": "You have made too many requests continuously. Please try again after some time.",
            "status": "failure",
        }),
    )
}

fn refusal(world: &World, error: &str) -> Reply {
    let status = StatusCode::from_u16(world.settings.no_token_status).unwrap_or(StatusCode::OK);
    Reply::json(status, json!({ "error": error }))
}

impl Tokens {
    /// False when the window is full.
    fn issue(&mut self, text: String, now: DateTime<Utc>, lifetime: TimeDelta) -> bool {
        self.issued.retain(|issued| now - *issued < WINDOW);
        if self.issued.len() >= ISSUED_PER_WINDOW {
            return false;
        }
        self.alive.retain(|token| token.expires > now);
        if self.alive.len() >= ALIVE_AT_ONCE {
            self.alive.pop_front();
        }
        self.issued.push_back(now);
        self.alive.push_back(AccessToken { text, expires: now + lifetime });
        true
    }

    /// Ends all tokens.
    pub(super) fn revoke(&mut self) {
        self.alive.clear();
    }

    pub(super) fn is_alive(&self, text: &str, now: DateTime<Utc>) -> bool {
        self.alive.iter().any(|token| token.text == text && token.expires > now)
    }

    /// When the newest token ends, if there is one.
    pub(super) fn newest_ends(&self) -> Option<DateTime<Utc>> {
        self.alive.back().map(|token| token.expires)
    }
}
