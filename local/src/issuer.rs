//! A token issuer in the manner of OpenID Connect: it signs whatever identity it is asked for.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http::HttpServer;
use crate::services::workspace;

/// The audience of every token; the stack's API accepts this one.
pub const AUDIENCE: &str = "isoxp-local";
/// How long a token is good.
const LIFETIME: Duration = Duration::from_hours(1);
const KEYS_PATH: &str = "/.well-known/jwks.json";
const ALGORITHM: &str = "RS256";

/// A running issuer. Dropping it ends it.
#[derive(Debug)]
pub struct Issuer {
    server: HttpServer,
}

impl Issuer {
    /// Makes a key and serves it, and tokens signed with it, on a free port.
    pub async fn start() -> anyhow::Result<Issuer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("looking for a free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let signer = tokio::task::spawn_blocking(move || Signer::new(url)).await.context("making a key")??;
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route(KEYS_PATH, get(keys))
            .route("/token", post(token))
            .with_state(Arc::new(signer));
        Ok(Issuer { server: HttpServer::start(listener, router)? })
    }

    /// Its address, which is also the `iss` of its tokens.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns when it is no more.
    pub async fn ended(&self) {
        self.server.ended().await;
    }

    /// Where its public keys are.
    pub fn keys_url(&self) -> String {
        format!("{}{KEYS_PATH}", self.url())
    }
}

async fn configuration(State(signer): State<Arc<Signer>>) -> Json<Value> {
    let issuer = &signer.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEYS_PATH}"),
        "token_endpoint": format!("{issuer}/token"),
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
    }))
}

async fn keys(State(signer): State<Arc<Signer>>) -> Json<Value> {
    Json(signer.keys())
}

async fn token(
    State(signer): State<Arc<Signer>>,
    Json(identity): Json<Identity>,
) -> Result<Json<Value>, (StatusCode, String)> {
    match signer.token(identity, now()) {
        Ok(token) => Ok(Json(json!({ "id_token": token }))),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))),
    }
}

/// Who a token is for. Other claims are taken over as they are, which also overrides the usual ones: a test can ask for
/// a token that has expired.
#[derive(Debug, Deserialize)]
struct Identity {
    sub: String,
    email: String,
    email_verified: bool,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

struct Signer {
    issuer: String,
    key: &'static KeyPair,
    key_id: String,
}

/// Made anew by each process, and once: making one takes a quarter of a second in a debug build.
static KEY: LazyLock<Option<KeyPair>> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).ok());

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Signer {
    fn new(issuer: String) -> anyhow::Result<Signer> {
        let key = KEY.as_ref().context("no RSA key could be made")?;
        let public = key.public_key().as_der().map_err(|_| anyhow::anyhow!("the public key cannot be written"))?;
        Ok(Signer { issuer, key_id: workspace::short_hash(public.as_ref()), key })
    }

    /// RFC 7517 and RFC 7518 §6.3.
    fn keys(&self) -> Value {
        let public = self.key.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self.key_id,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        }] })
    }

    /// A signed token (RFC 7519, RFC 7515 §3.1); `now` in seconds since 1970.
    fn token(&self, identity: Identity, now: u64) -> anyhow::Result<String> {
        let mut claims = json!({
            "iss": self.issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME.as_secs(),
            "sub": identity.sub,
            "email": identity.email,
            "email_verified": identity.email_verified,
        });
        for (name, value) in identity.others {
            claims[name] = value;
        }
        let header = json!({ "alg": ALGORITHM, "typ": "JWT", "kid": self.key_id });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));

        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| anyhow::anyhow!("the token cannot be signed"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[expect(clippy::disallowed_methods, reason = "an issuer is where a token's time begins")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

    async fn client_and_issuer() -> (reqwest::Client, Issuer) {
        let client = crate::http::client().timeout(Duration::from_secs(10)).build().unwrap();
        (client, Issuer::start().await.unwrap())
    }

    #[tokio::test]
    async fn a_token_verifies_with_the_keys_that_the_configuration_names() {
        let (client, issuer) = client_and_issuer().await;
        let identity =
            json!({"sub": "auth0|1", "email": "sheree@example.com", "email_verified": true, "name": "Sheree"});

        let answer = client.post(format!("{}/token", issuer.url())).json(&identity).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();

        let token = answer["id_token"].as_str().unwrap();
        let configuration = format!("{}/.well-known/openid-configuration", issuer.url());
        let configuration: Value = client.get(configuration).send().await.unwrap().json().await.unwrap();
        let keys = client.get(configuration["jwks_uri"].as_str().unwrap()).send().await.unwrap();
        let keys: JwkSet = keys.json().await.unwrap();
        let key = keys.find(&decode_header(token).unwrap().kid.unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[issuer.url()]);
        let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
        assert_eq!(claims["email"], "sheree@example.com");
        assert_eq!(claims["name"], "Sheree");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    }

    #[tokio::test]
    async fn a_claim_of_the_request_overrides_the_usual_one() {
        let (client, issuer) = client_and_issuer().await;
        let identity = json!({"sub": "1", "email": "a@example.com", "email_verified": false, "aud": "somebody-else"});

        let answer = client.post(format!("{}/token", issuer.url())).json(&identity).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();

        let claims = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["aud"], "somebody-else");
    }
}
