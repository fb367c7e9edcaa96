//! The endpoints that hear of events: the secret `isoxp/<stage>/webhook-endpoints`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::guard::Guard;
use super::key::SigningKey;
use crate::config::ConfigError;
use crate::domain::{HostName, WebhookEventType};

/// All endpoints by name:
/// ```json
/// {"make":{"url":"https://hook.eu2.make.com/…","keys":["whsec_…"],"events":["user.created","user.updated"]},
///  "zapier":{"url":"https://hooks.zapier.com/…","keys":["whsec_…","whsec_…"],"events":["gallery.live"]}}
/// ```
/// With several keys every call is signed with each of them, so that the receiver can change over whenever it likes.
#[derive(Debug, Default)]
pub struct Endpoints(BTreeMap<String, Endpoint>);

/// The secret as it stands, before it is looked at.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct EndpointsSettings(BTreeMap<String, EndpointSettings>);

impl std::fmt::Debug for EndpointsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointSettings {
    url: String,
    keys: Vec<String>,
    events: Vec<String>,
}

/// One who hears of events.
pub struct Endpoint {
    pub name: HostName,
    pub(super) url: Url,
    keys: Vec<SigningKey>,
    events: Vec<WebhookEventType>,
}

/// Without the path of its address, which is as good as a password, and without its keys.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({} at {})", self.name.as_str(), self.origin())
    }
}

impl Endpoints {
    /// # Errors
    /// What is wrong, in a sentence that names the endpoint.
    pub fn checked(EndpointsSettings(settings): EndpointsSettings, guard: Guard) -> Result<Self, ConfigError> {
        let mut endpoints = BTreeMap::new();
        for (name, settings) in settings {
            let endpoint = Endpoint::read(&name, &settings, guard).map_err(|problem| ConfigError::WrongSecret {
                name: "WEBHOOK_ENDPOINTS_SECRET".to_owned(),
                problem: format!("has a wrong endpoint {name}: {problem}"),
            })?;
            endpoints.insert(name, endpoint);
        }
        Ok(Self(endpoints))
    }

    pub fn named(&self, name: &str) -> Option<&Endpoint> {
        self.0.get(name)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.values()
    }
}

impl Endpoint {
    fn read(name: &str, settings: &EndpointSettings, guard: Guard) -> Result<Self, String> {
        let url: Url = settings.url.parse().map_err(|problem| format!("its url cannot be read: {problem}"))?;
        guard.check(&url).map_err(|problem| format!("its url is not taken: {problem}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a url must not carry a user or a password; calls are signed".to_owned());
        }
        if settings.keys.is_empty() || settings.keys.len() > 5 {
            return Err("it must have one key, or several while they are changed, five at most".to_owned());
        }
        if settings.events.is_empty() {
            return Err("it wants to hear of no event; leave it out instead".to_owned());
        }
        let keys = settings.keys.iter().map(|key| SigningKey::read(key)).collect::<Result<_, _>>()?;
        let mut events = Vec::new();
        for event in &settings.events {
            let event = event.parse().map_err(|problem| format!("an event {problem}"))?;
            if !events.contains(&event) {
                events.push(event);
            }
        }
        Ok(Self { name: name.parse().map_err(|problem| format!("its name {problem}"))?, url, keys, events })
    }

    pub fn wants(&self, event: WebhookEventType) -> bool {
        self.events.contains(&event)
    }

    pub fn events(&self) -> &[WebhookEventType] {
        &self.events
    }

    /// How many keys it is told with.
    pub fn number_of_keys(&self) -> usize {
        self.keys.len()
    }

    /// Where it is, without the path: `https://hook.eu2.make.com`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// By what a new address shows, where the address itself must not stand.
    pub fn url_sha256(&self) -> [u8; 32] {
        Sha256::digest(self.url.as_str()).into()
    }

    /// The header `webhook-signature`: all keys' signatures, one after the other.
    pub(super) fn signature(&self, webhook_id: &str, at: DateTime<Utc>, body: &[u8]) -> String {
        let signed = [format!("{webhook_id}.{}.", at.timestamp()).as_bytes(), body].concat();
        let signatures: Vec<String> = self.keys.iter().map(|key| key.sign(&signed)).collect();
        signatures.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn read(settings: Value, guard: Guard) -> Result<Endpoints, String> {
        let settings: EndpointsSettings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
        Endpoints::checked(settings, guard).map_err(|error| error.to_string())
    }

    fn make(url: &str, keys: &[&str], events: &[&str]) -> Value {
        json!({ "make": { "url": url, "keys": keys, "events": events } })
    }

    fn problem(url: &str, keys: &[&str], events: &[&str]) -> String {
        read(make(url, keys, events), Guard::Public).unwrap_err()
    }

    #[test]
    fn a_wrong_endpoint_is_named_with_what_is_wrong() {
        let (url, events) = ("https://hook.example/secret", ["user.created"]);
        let problems = [
            problem("hook.example", &[KEY], &events),
            problem("http://hook.example/", &[KEY], &events),
            problem("https://127.0.0.1/", &[KEY], &events),
            problem("https://me:secret@hook.example/", &[KEY], &events),
            problem(url, &[], &events),
            problem(url, &["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], &events),
            problem(url, &[KEY], &[]),
            problem(url, &[KEY], &["user.deleted"]),
        ];

        let told: Vec<&str> =
            problems.iter().map(|text| text.split("has a wrong endpoint make: ").nth(1).unwrap()).collect();
        assert_told(&told);
        assert!(problems.iter().all(|text| !text.contains("secret@") && !text.contains("/secret")));
        assert!(read(json!({ "Make!": make(url, &[KEY], &events)["make"] }), Guard::Public).is_err());
    }

    fn assert_told(told: &[&str]) {
        assert_eq!(
            told,
            [
                "its url cannot be read: relative URL without a base",
                "its url is not taken: only https is spoken to",
                "its url is not taken: 127.0.0.1 is no public address",
                "a url must not carry a user or a password; calls are signed",
                "it must have one key, or several while they are changed, five at most",
                "a key must be whsec_ and 24 to 64 bytes, or whsk_ and 32 or 64 bytes, in base64",
                "it wants to hear of no event; leave it out instead",
                "an event must be one of: user.created, user.updated, gallery.live, referral.earned",
            ]
        );
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        let mut settings = make("https://hook.example/", &[KEY], &["user.created"]);
        settings["make"]["evnets"] = json!([]);

        assert!(read(settings, Guard::Public).is_err());
    }

    #[test]
    fn an_endpoint_prints_without_its_path_and_its_keys() {
        let endpoints =
            read(make("https://hook.example/s3cret?key=s3cret", &[KEY], &["user.created"]), Guard::Public).unwrap();

        assert_eq!(format!("{endpoints:?}"), r#"Endpoints({"make": Endpoint(make at https://hook.example)})"#);
    }

    #[test]
    fn every_key_signs_as_the_projects_own_library_does() {
        let endpoints = read(make("https://hook.example/", &[KEY, OTHER_KEY], &["user.created"]), Guard::Public);
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);

        let signature = endpoints.unwrap().named("make").unwrap().signature(id, at, body);

        let expected = [KEY, OTHER_KEY]
            .map(|key| standardwebhooks::Webhook::new(key).unwrap().sign(id, at.timestamp(), body).unwrap());
        // The published vector of the Standard Webhooks project.
        assert_eq!(expected[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signature, expected.join(" "));
    }
}
