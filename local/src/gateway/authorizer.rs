//! The JWT authorizer: a token's signature, issuer, audience and times, checked as API Gateway checks them.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context as _;
use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Map, Value};

use crate::template::Jwt;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A verified token's claims.
pub(super) type Claims = Map<String, Value>;

/// The issuer's public keys.
#[derive(Clone, Debug)]
pub struct Keys {
    known: Arc<RwLock<JwkSet>>,
    /// Where unknown ones are looked for.
    at: Option<(reqwest::Client, String)>,
}

impl Keys {
    /// A fixed JWKS.
    pub fn given(keys: JwkSet) -> Self {
        Self { known: Arc::new(RwLock::new(keys)), at: None }
    }

    /// A JWKS by URL, fetched when a token names a key that is not known yet.
    pub fn fetched_from(url: impl Into<String>) -> anyhow::Result<Self> {
        // The issuer is on this machine; a proxy for the outside would not find it.
        let client = crate::http::client().timeout(FETCH_TIMEOUT).build();
        let client = client.context("cannot set up an HTTP client for the issuer's keys")?;
        Ok(Self { known: Arc::new(RwLock::new(JwkSet { keys: Vec::new() })), at: Some((client, url.into())) })
    }

    async fn find(&self, id: &str) -> Option<Jwk> {
        if let Some(key) = self.known(id) {
            return Some(key);
        }
        let (client, url) = self.at.as_ref()?;
        let fetched = async { client.get(url).send().await?.error_for_status()?.json::<JwkSet>().await }.await;
        match fetched {
            Ok(keys) => *self.known.write().unwrap_or_else(PoisonError::into_inner) = keys,
            Err(error) => tracing::warn!(%error, "the issuer's keys cannot be fetched"),
        }
        self.known(id)
    }

    fn known(&self, id: &str) -> Option<Jwk> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).find(id).cloned()
    }
}

/// Checks the request's token; refused, it gives the challenge for `www-authenticate`.
pub(super) async fn authorize(
    jwt: &Jwt,
    keys: &Keys,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Result<Claims, HeaderValue> {
    let Some(token) = headers.get(AUTHORIZATION).and_then(|value| bearer(value.to_str().ok()?)) else {
        return Err(HeaderValue::from_static("Bearer"));
    };
    let checked = async {
        let claims = verified(token, keys).await?;
        check(&claims, jwt, now).map(|()| claims)
    };
    checked.await.map_err(|reason: &str| {
        let challenge = format!(r#"Bearer scope="" error="invalid_token" error_description="{reason}""#);
        HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
    })
}

/// API Gateway takes the token with and without the scheme's name.
fn bearer(header: &str) -> Option<&str> {
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) => return None,
        None => header,
    };
    (!token.is_empty()).then_some(token)
}

async fn verified(token: &str, keys: &Keys) -> Result<Claims, &'static str> {
    let header = decode_header(token).map_err(|_| "the token is malformed")?;
    if header.alg != Algorithm::RS256 {
        return Err("the signing method is invalid");
    }
    let id = header.kid.ok_or("the token has no key id")?;
    let key = keys.find(&id).await.ok_or("unable to find the key that signed the token")?;
    let key = DecodingKey::from_jwk(&key).map_err(|_| "unable to find the key that signed the token")?;
    // The claims are checked below, against our clock and with API Gateway's rules.
    let mut signature_only = Validation::new(Algorithm::RS256);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    decode::<Claims>(token, &key, &signature_only).map(|token| token.claims).map_err(|_| "signature is invalid")
}

fn check(claims: &Claims, jwt: &Jwt, now: DateTime<Utc>) -> Result<(), &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(&jwt.issuer) {
        return Err("invalid issuer");
    }
    let expected = |value: &Value| value.as_str().is_some_and(|value| jwt.audience.iter().any(|one| one == value));
    let audience = match claims.get("aud") {
        Some(Value::Array(audience)) => audience.iter().any(expected),
        Some(audience) => expected(audience),
        // Access tokens of Cognito and others say for whom they are in `client_id`.
        None => claims.get("client_id").is_some_and(expected),
    };
    if !audience {
        return Err("the token does not have a valid audience");
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in 53 bits")]
    let now = now.timestamp() as f64;
    let time = |name| claims.get(name).map(|value| value.as_f64().ok_or("a time of the token is not a number"));
    if time("exp").ok_or("the token does not expire")?? <= now {
        return Err("the token has expired");
    }
    if time("nbf").transpose()?.is_some_and(|not_before| not_before > now) {
        return Err("the token is not valid yet");
    }
    if time("iat").transpose()?.is_some_and(|issued| issued > now) {
        return Err("the token was issued in the future");
    }
    Ok(())
}
