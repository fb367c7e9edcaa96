//! The endpoints that hear of events: the secret `isoxp/<stage>/webhook-endpoints`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::guard::Guard;
use super::key::SigningKey;
use crate::domain::{FieldCode, FieldError, Form, HostName, WebhookEventType};
use crate::entries::{Checked, Entries, WrongEntry};

/// The most keys of an endpoint: two while they are exchanged, and some room.
const MOST_KEYS: usize = 5;
/// More than there are types of events.
const MOST_EVENTS: usize = 50;

/// All endpoints by name:
/// ```json
/// {"make":{"url":"https://hook.eu2.make.com/…","keys":["whsec_…"],"events":["user.created","user.updated"]},
///  "zapier":{"url":"https://hooks.zapier.com/…","keys":["whsec_…","whsec_…"],"events":["gallery.live"]}}
/// ```
/// With several keys every call is signed with each of them, so that the receiver can change over whenever it likes.
#[derive(Debug)]
pub struct Endpoints {
    known: BTreeMap<String, Endpoint>,
    wrong: Vec<WrongEntry>,
    /// Whether there is a secret to go by.
    usable: bool,
}

/// The secret as it stands, before it is looked at.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct EndpointsSettings(Entries);

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
    /// Those that are right; the others are left out and named.
    pub fn of(EndpointsSettings(entries): EndpointsSettings, guard: Guard) -> Self {
        let Checked { right, wrong } = entries.read("webhook-endpoints", |name, settings| {
            Endpoint::read(name, settings, guard).map_err(|problems| problems.join("; "))
        });
        Self { known: right, wrong, usable: true }
    }

    /// What stands for them while the secret cannot be used as a whole.
    pub fn unusable() -> Self {
        Self { known: BTreeMap::new(), wrong: Vec::new(), usable: false }
    }

    pub fn usable(&self) -> bool {
        self.usable
    }

    pub fn named(&self, name: &str) -> Option<&Endpoint> {
        self.known.get(name)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.known.values()
    }

    /// The entries that are left out, in the order of their names.
    pub fn wrong(&self) -> &[WrongEntry] {
        &self.wrong
    }

    /// Why the endpoint of this name is left out although it may stand in the secret: what is on its way to it waits.
    pub fn left_out(&self, name: &str) -> Option<&str> {
        if !self.usable {
            return Some("the secret with the endpoints cannot be used");
        }
        self.wrong.iter().find(|entry| entry.name() == name).map(WrongEntry::problem)
    }
}

impl Endpoint {
    fn read(name: &str, settings: &Value, guard: Guard) -> Result<Self, Vec<String>> {
        let name = name.parse().ok().filter(|parsed: &HostName| parsed.as_str() == name);
        let name =
            name.ok_or_else(|| vec!["its name must have 1 to 40 lower-case letters, digits or hyphens".to_owned()])?;
        let problems =
            |problems: Vec<FieldError>| problems.iter().map(|one| one.to_string().trim_start().to_owned()).collect();
        Self::of(name, settings, guard).map_err(problems)
    }

    fn of(name: HostName, settings: &Value, guard: Guard) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(settings).map_err(|problem| vec![problem])?;
        let url = form.required::<String>("url").and_then(|text| {
            let url = address(&text, guard);
            url.map_err(|problem| form.reject::<()>("url", FieldCode::NotAUrl, problem)).ok()
        });
        let keys: Vec<SigningKey> = form.list("keys", MOST_KEYS);
        if keys.is_empty() {
            let message = "must have one good key, or several while they are changed, five at most";
            form.reject::<()>("keys", FieldCode::Required, message);
        }
        let mut events: Vec<WebhookEventType> = Vec::new();
        for event in form.list("events", MOST_EVENTS) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
        if events.is_empty() {
            let message = "must have one event that is known here; or leave the endpoint out";
            form.reject::<()>("events", FieldCode::Required, message);
        }
        form.finish(url.map(|url| Self { name, url, keys, events }))
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

fn address(text: &str, guard: Guard) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|problem| format!("cannot be read: {problem}"))?;
    guard.check(&url).map_err(|problem| format!("is not taken: {problem}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a user or a password; calls are signed".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn read(settings: Value, guard: Guard) -> Endpoints {
        Endpoints::of(serde_json::from_value(settings).unwrap(), guard)
    }

    fn make(url: &str, keys: &[&str], events: &[&str]) -> Value {
        json!({ "make": { "url": url, "keys": keys, "events": events } })
    }

    /// What is told of an endpoint that is left out beside one that is right.
    fn problem(settings: &Value, guard: Guard) -> String {
        let neighbour = make("https://hook.example/", &[OTHER_KEY], &["gallery.live"]);
        let endpoints = read(json!({ "make": settings, "zapier": neighbour["make"] }), guard);
        let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();

        let [wrong] = endpoints.wrong() else { panic!("one is wrong: {endpoints:?}") };
        assert_eq!((names, wrong.name()), (vec!["zapier"], "make"));
        assert_eq!(endpoints.left_out("make"), Some(wrong.problem()));
        assert_eq!(endpoints.left_out("zapier"), None);
        wrong.problem().to_owned()
    }

    #[test]
    fn a_wrong_endpoint_is_named_with_what_is_wrong_and_its_neighbour_is_in_force() {
        let (url, events) = ("https://hook.example/secret", json!(["user.created"]));
        let keys = "/keys must have one good key, or several while they are changed, five at most";
        let wrong_key = "must be whsec_ and 24 to 64 bytes, or whsk_ and 32 or 64 bytes, in base64";
        let known = "must be one of: user.created, user.updated, user.deleted, gallery.live, referral.earned";
        let none = "/events must have one event that is known here; or leave the endpoint out";
        let with_url = |url: &str| json!({"url": url, "keys": [KEY], "events": events});

        for (settings, expected) in [
            (with_url("hook.example"), "/url cannot be read: relative URL without a base".to_owned()),
            (with_url("http://hook.example/secret"), "/url is not taken: only https is spoken to".to_owned()),
            (with_url("https://127.0.0.1/"), "/url is not taken: 127.0.0.1 is no public address".to_owned()),
            (
                with_url("https://me:secret@hook.example/"),
                "/url must not carry a user or a password; calls are signed".to_owned(),
            ),
            (
                with_url("https://:secret@hook.example/"),
                "/url must not carry a user or a password; calls are signed".to_owned(),
            ),
            (
                with_url("https://secret@hook.example/"),
                "/url must not carry a user or a password; calls are signed".to_owned(),
            ),
            (json!({"keys": [KEY], "events": events}), "/url is required".to_owned()),
            (json!({"url": url, "keys": [], "events": events}), keys.to_owned()),
            (json!({"url": url, "keys": KEY, "events": events}), format!("/keys must be a list; {keys}")),
            (
                json!({"url": url, "keys": [KEY, KEY, KEY, KEY, KEY, KEY], "events": events}),
                format!("/keys must have at most 5 entries; {keys}"),
            ),
            (
                json!({"url": url, "keys": [KEY, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "events": events}),
                format!("/keys/1 {wrong_key}"),
            ),
            (json!({"url": url, "keys": [KEY], "events": []}), none.to_owned()),
            (json!({"url": url, "keys": [KEY], "events": ["user.deletd"]}), format!("/events/0 {known}; {none}")),
            (
                json!({"url": url, "keys": [KEY], "events": ["user.created", "gallery.liv"]}),
                format!("/events/1 {known}"),
            ),
            (
                json!({"url": url, "keys": [KEY], "events": events, "evnets": []}),
                "/evnets is not a field of this request".to_owned(),
            ),
            (json!("https://hook.example/secret"), "must be a JSON object".to_owned()),
            (Value::Null, "must be a JSON object".to_owned()),
        ] {
            let told = problem(&settings, Guard::Public);

            assert_eq!(told, expected, "{settings}");
            assert!(!told.contains("secret") && !told.contains("MfKQ9"), "{told}");
        }
    }

    #[test]
    fn an_endpoint_whose_name_is_wrong_is_left_out() {
        let mut settings = make("https://hook.example/", &[KEY], &["user.created"]);
        settings["Make"] = settings["make"].clone();

        let endpoints = read(settings, Guard::Public);

        assert!(endpoints.named("make").is_some() && endpoints.named("Make").is_none());
        assert!(endpoints.left_out("Make").unwrap().starts_with("its name must have 1 to 40"));
    }

    #[test]
    fn without_a_secret_that_can_be_used_every_endpoint_is_left_out() {
        let unusable = Endpoints::unusable();

        assert!(!unusable.usable() && unusable.named("make").is_none());
        assert_eq!(unusable.left_out("make"), Some("the secret with the endpoints cannot be used"));
    }

    #[test]
    fn an_event_that_is_named_twice_is_wanted_once() {
        let keys = [KEY, OTHER_KEY];
        let settings = make("https://hook.example/", &keys, &["user.created", "gallery.live", "user.created"]);
        let endpoints = read(settings, Guard::Public);
        let endpoint = endpoints.named("make").unwrap();

        assert_eq!(endpoint.events(), [WebhookEventType::UserCreated, WebhookEventType::GalleryLive]);
        assert!(endpoint.wants(WebhookEventType::GalleryLive) && !endpoint.wants(WebhookEventType::UserUpdated));
        assert_eq!((endpoint.number_of_keys(), &*endpoint.origin()), (2, "https://hook.example"));
    }

    #[test]
    fn a_new_address_is_known_by_its_hash() {
        let hash =
            |url: &str| read(make(url, &[KEY], &["user.created"]), Guard::Public).named("make").unwrap().url_sha256();

        assert_eq!(hash("https://hook.example"), hash("https://hook.example/"));
        assert_ne!(hash("https://hook.example/1"), hash("https://hook.example/2"));
        // `printf https://hook.example/1 | sha256sum`
        assert_eq!(hash("https://hook.example/1")[..4], [0x5d, 0x77, 0x05, 0x8f]);
    }

    #[test]
    fn an_endpoint_prints_without_its_path_and_its_keys() {
        let endpoints = read(make("https://hook.example/s3cret?key=s3cret", &[KEY], &["user.created"]), Guard::Public);

        assert_eq!(
            format!("{endpoints:?}"),
            r#"Endpoints { known: {"make": Endpoint(make at https://hook.example)}, wrong: [], usable: true }"#
        );
    }

    #[test]
    fn every_key_signs_as_the_projects_own_library_does() {
        let endpoints = read(make("https://hook.example/", &[KEY, OTHER_KEY], &["user.created"]), Guard::Public);
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);

        let signature = endpoints.named("make").unwrap().signature(id, at, body);

        let expected = [KEY, OTHER_KEY]
            .map(|key| standardwebhooks::Webhook::new(key).unwrap().sign(id, at.timestamp(), body).unwrap());
        // The published vector of the Standard Webhooks project.
        assert_eq!(expected[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signature, expected.join(" "));
    }
}
