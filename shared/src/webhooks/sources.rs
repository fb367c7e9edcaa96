//! The sources that may push events in: the secret `isoxp/<stage>/webhook-sources`.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::keys::{Key, Token};
use super::kind::EventKind;
use super::mapping::Mapping;
use super::pointer::Pointer;
use super::refusal::{bad_test_token, event_not_allowed, unknown_source};
use super::scheme::Scheme;
use crate::config::ConfigError;
use crate::domain::{FieldError, Form, HostName};
use crate::error::Error;

/// All sources by name:
/// ```json
/// {"photoday":{"scheme":"standard","keys":["whsec_…","whpk_…"],"events":["gallery.published"],"test_token":"…"},
///  "make":{"scheme":"standard","keys":["whsec_…"],"events":["gallery.published"],"hosts":["photoday","gotphoto"]},
///  "shootproof":{"scheme":"hmac","header":"x-host-signature","encoding":"hex","keys":["…"],"event_id":"/id",
///    "events":["gallery.published"],"mapping":{"type":{…},"timestamp":"/changed_at","data":{…}}},
///  "zoho-campaigns":{"scheme":"token","header":"authorization","keys":["…"],"events":["email.receipt"]},
///  "zoho-crm":{"scheme":"token","body":"/token","keys":["…"],"events":["crm.records.changed"]}}
/// ```
#[derive(Debug)]
pub struct Sources(BTreeMap<String, Arc<Source>>);

/// The secret as it stands, before it is looked at.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct SourcesSettings(BTreeMap<String, Value>);

impl std::fmt::Debug for SourcesSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A source that may push events in.
#[derive(Debug)]
pub struct Source {
    pub name: HostName,
    pub(super) scheme: Scheme,
    /// Where the event's id stands in the body, where the scheme has none of its own.
    pub(super) event_id: Option<Pointer>,
    pub(super) mapping: Option<Mapping>,
    pub(super) events: Vec<EventKind>,
    hosts: Vec<HostName>,
    test_token: Option<Key>,
}

impl Sources {
    /// The source of that name.
    ///
    /// # Errors
    /// `unknown-source`, 401: the same answer to everybody.
    pub fn named(&self, name: &str) -> Result<&Arc<Source>, Error> {
        self.0.get(name).ok_or_else(unknown_source)
    }

    /// The source of that name, for somebody who has its test token.
    ///
    /// # Errors
    /// `bad-test-token`, 401: the same answer where there is no such source.
    pub fn to_be_tested(&self, name: &str, token: &[u8]) -> Result<&Arc<Source>, Error> {
        let source = self.0.get(name).filter(|source| source.test_token.as_ref().is_some_and(|known| known.is(token)));
        source.ok_or_else(bad_test_token)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values().map(|source| &**source)
    }
}

impl Source {
    /// `standard`, `hmac` or `token`.
    pub fn scheme(&self) -> &'static str {
        self.scheme.name()
    }

    /// What its integrator sends to the test function, for admins to hand on.
    pub fn test_token(&self) -> Option<&str> {
        self.test_token.as_ref().map(|token| &*token.written)
    }

    /// How many keys are active.
    pub fn active_keys(&self) -> usize {
        self.scheme.keys().count()
    }

    pub fn events(&self) -> &[EventKind] {
        &self.events
    }

    /// The gallery hosts other than itself that it may speak for.
    pub fn hosts(&self) -> &[HostName] {
        &self.hosts
    }

    /// # Errors
    /// `event-not-allowed`, 403.
    pub fn allow(&self, kind: EventKind) -> Result<(), Error> {
        if self.events.contains(&kind) { Ok(()) } else { Err(event_not_allowed()) }
    }

    /// The gallery host that an event of this source is about: itself, or another that it may speak for.
    ///
    /// # Errors
    /// `event-not-allowed`, 403.
    pub fn host(&self, named: Option<HostName>) -> Result<HostName, Error> {
        match named {
            None => Ok(self.name.clone()),
            Some(host) if host == self.name || self.hosts.contains(&host) => Ok(host),
            Some(_) => Err(event_not_allowed()),
        }
    }
}

impl TryFrom<SourcesSettings> for Sources {
    type Error = ConfigError;

    fn try_from(settings: SourcesSettings) -> Result<Self, Self::Error> {
        Self::checked(settings)
            .map_err(|problem| ConfigError::WrongSecret { name: "WEBHOOK_SOURCES_SECRET".to_owned(), problem })
    }
}

impl Sources {
    fn checked(SourcesSettings(settings): SourcesSettings) -> Result<Self, String> {
        let mut sources = BTreeMap::new();
        for (name, settings) in settings {
            let source = Source::read(&name, &settings).map_err(|problems| {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                format!("has a wrong source {name}: {}", problems.join("; "))
            })?;
            sources.insert(name, Arc::new(source));
        }
        refuse_shared_keys(&sources)?;
        Ok(Self(sources))
    }
}

/// `?source=` is not signed: with a shared key one source could speak as another. Keys are told apart by their bytes
/// and as they are written, since one text can be two keys in two schemes.
fn refuse_shared_keys(sources: &BTreeMap<String, Arc<Source>>) -> Result<(), String> {
    let mut owners: HashMap<&[u8], (&str, usize)> = HashMap::new();
    let keys = sources.iter().flat_map(|(name, source)| source.keys().map(move |key| (&**name, key)));
    for (index, (name, key)) in keys.enumerate() {
        for form in [&key.bytes, key.written.as_bytes()] {
            let (owner, place) = *owners.entry(form).or_insert((name, index));
            if owner != name {
                return Err(format!("lets the source {name} share a key with another"));
            }
            if place != index {
                return Err(format!("has a wrong source {name}: one of its keys or tokens is there twice"));
            }
        }
    }
    Ok(())
}

impl Source {
    fn read(name: &str, settings: &Value) -> Result<Self, Vec<FieldError>> {
        let wrong = |problem: &str| vec![FieldError::new("", problem)];
        let name: HostName = name
            .parse()
            .ok()
            .filter(|parsed: &HostName| parsed.as_str() == name)
            .ok_or_else(|| wrong("its name must have 1 to 40 lower-case letters, digits or hyphens"))?;
        let mut form = Form::of(settings).map_err(|problem| vec![problem])?;
        let Some(scheme) = Scheme::read(&mut form) else { return Err(form.into_errors()) };
        let events: Vec<_> = form.list::<Allowed>("events", 20).into_iter().map(|Allowed(kind)| kind).collect();
        let hosts = form.list("hosts", 100);
        let test_token = form.optional::<Token>("test_token").map(|Token(key)| key);
        let event_id = form.optional("event_id");
        if event_id.is_some() && matches!(scheme, Scheme::Standard(_)) {
            form.reject::<()>("event_id", "cannot be set: the scheme standard has an id of its own");
        }
        let mapping = form.object("mapping", |form| Mapping::read(form, &events));
        let by_itself = mapping.is_none() && event_id.is_none();
        if let Some(problem) = mismatch(&events, matches!(scheme, Scheme::Token(_)), by_itself) {
            form.reject::<()>("events", problem);
        }
        form.finish(Some(Self { name, scheme, event_id, mapping, events, hosts, test_token }))
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.scheme.keys().chain(&self.test_token)
    }
}

/// Why a source could never send one of its events. What comes with a token, and for which nothing says where its parts
/// stand, is read in Zoho's own shape; all else is read as our envelope.
fn mismatch(events: &[EventKind], by_token: bool, by_itself: bool) -> Option<String> {
    let in_zohos_shape = by_token && by_itself;
    let lost = events.iter().find(|kind| kind.is_zohos_own() != in_zohos_shape)?.as_str();
    Some(if in_zohos_shape {
        format!("has {lost}: with the scheme token it needs event_id or mapping")
    } else {
        format!("has {lost}, which needs the scheme token and neither event_id nor mapping")
    })
}

/// An event as the settings name it.
struct Allowed(EventKind);

impl FromStr for Allowed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = serde_json::from_value(Value::from(text));
        known.map(Self).map_err(|_| "is no event that is known here")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{refused, source, sources};
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn standard() -> Value {
        json!({"scheme": "standard", "keys": [KEY], "events": []})
    }

    #[test]
    fn two_sources_never_share_a_key_whatever_their_schemes() {
        let bytes = "base64:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let hmac = |key: &str| json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [key], "events": []});
        let token = |key: &str| json!({"scheme": "token", "keys": [key], "events": []});
        let mut tested = token("a token of nobody else");
        tested["test_token"] = json!(KEY);

        for other in [standard(), hmac(bytes), hmac(KEY), token(KEY), tested] {
            let refused = sources(json!({"photoday": standard(), "other": other})).unwrap_err();

            assert!(refused.contains("lets the source photoday share a key with another"), "{refused}");
        }
        assert!(sources(json!({"photoday": standard(), "other": token("a token of nobody else")})).is_ok());
    }

    #[test]
    fn a_test_token_is_none_of_the_keys() {
        let settings = json!({"scheme": "token", "keys": ["sixteen letters!"], "test_token": "sixteen letters!"});

        assert!(refused(&settings).contains("one of its keys or tokens is there twice"));
    }

    #[test]
    fn a_source_is_tested_only_with_its_own_test_token() {
        let with_token =
            |token: &str| json!({"scheme": "token", "keys": [format!("key of {token}")], "test_token": token});
        let sources = sources(
            json!({"a": with_token("the test token of a"), "b": with_token("the test token of b"), "c": standard()}),
        )
        .unwrap();

        assert!(sources.to_be_tested("a", b"the test token of a").is_ok());
        for (name, token) in [("a", &b"the test token of b"[..]), ("a", b""), ("c", b""), ("d", b"the test token of a")]
        {
            let refused = sources.to_be_tested(name, token).unwrap_err();
            assert_eq!(refused.to_string(), "unauthenticated: bad-test-token", "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_without_the_key() {
        let wrong = [
            (json!({"keys": [KEY]}), "/scheme is required"),
            (json!({"scheme": "basic", "keys": [KEY]}), "/scheme must be standard, hmac or token"),
            (json!({"scheme": "standard", "keys": KEY}), "/keys must be a list"),
            (json!({"scheme": "standard", "keys": []}), "/keys must have at least one good key"),
            (json!({"scheme": "standard", "keys": [KEY, "whsec_x"]}), "/keys/1 must be whsec_"),
            (json!({"scheme": "standard", "keys": [KEY], "header": "x"}), "/header is not a field"),
            (json!({"scheme": "standard", "keys": [KEY], "evnts": []}), "/evnts is not a field"),
            (json!({"scheme": "standard", "keys": [KEY], "events": ["gallery.publshed"]}), "/events/0 is no event"),
            (json!({"scheme": "standard", "keys": [KEY], "event_id": "/id"}), "/event_id cannot be set"),
            (json!({"scheme": "standard", "keys": [KEY], "hosts": ["Photo Day!"]}), "/hosts/0 must have"),
            (json!({"scheme": "standard", "keys": [KEY], "test_token": "short"}), "/test_token must be"),
            (json!({"scheme": "hmac", "keys": [KEY]}), "/header is required; /encoding is required"),
            (json!({"scheme": "hmac", "header": "x y", "encoding": "hex", "keys": [KEY]}), "/header must be the name"),
            (
                json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [KEY], "algorithm": "md5"}),
                "/algorithm must be",
            ),
            (
                json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [KEY], "signs": "timestamp.body"}),
                "/timestamp_header is required",
            ),
            (
                json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [KEY], "timestamp_header": "y"}),
                "/timestamp_header is of no use",
            ),
            (json!({"scheme": "token", "keys": [KEY], "header": "x", "body": "/token"}), "/body cannot be there"),
            (json!({"scheme": "token", "keys": [KEY], "body": "token"}), "/body must be a JSON pointer"),
        ];

        for (settings, problem) in wrong {
            let refused = refused(&settings);

            assert!(
                refused.starts_with("the secret in WEBHOOK_SOURCES_SECRET has a wrong source photoday: "),
                "{refused}"
            );
            assert!(refused.contains(problem) && !refused.contains("MfKQ9"), "{settings}: {refused}");
        }
        assert!(sources(json!({"PhotoDay": standard()})).is_err());
    }

    #[test]
    fn a_source_that_could_never_send_its_events_is_refused() {
        let zohos = ["email.receipt", "crm.records.changed"];
        let ours = ["gallery.published", "gallery.archived", "order.created", "booking.created", "crm.contact.linked"];
        let token = json!({"scheme": "token", "keys": ["sixteen letters!"]});
        let hmac = json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": ["sixteen letters!"]});
        let with = |settings: &Value, events: &[&str], more: &[(&str, Value)]| {
            let mut settings = settings.clone();
            settings["events"] = json!(events);
            for (field, value) in more {
                settings[*field] = value.clone();
            }
            sources(json!({ "photoday": settings })).map(drop)
        };
        let id = ("event_id", json!("/id"));
        let mapping = ("mapping", json!({"type": {"constant": "order.created"}}));

        for kind in zohos {
            assert_eq!(with(&token, &[kind], &[]), Ok(()));
            for refused in [
                with(&standard(), &[kind], &[]),
                with(&hmac, &[kind], &[]),
                with(&token, &[kind], std::slice::from_ref(&id)),
                with(&token, &["order.created", kind], std::slice::from_ref(&mapping)),
            ] {
                let told = format!("/events has {kind}, which needs the scheme token and neither");
                assert!(refused.as_ref().is_err_and(|refused| refused.contains(&told)), "{refused:?}");
            }
        }
        for kind in ours {
            assert_eq!(with(&standard(), &[kind], &[]), Ok(()));
            assert_eq!(with(&hmac, &[kind], &[]), Ok(()));
            assert_eq!(with(&token, &[kind], std::slice::from_ref(&id)), Ok(()));
            assert_eq!(with(&token, &["order.created", kind], std::slice::from_ref(&mapping)), Ok(()));
            for events in [&[kind][..], &["email.receipt", kind]] {
                let refused = with(&token, events, &[]).unwrap_err();
                assert!(refused.contains(&format!("/events has {kind}: with the scheme token it needs")), "{refused}");
            }
        }
    }

    #[test]
    fn a_source_speaks_for_itself_and_for_the_hosts_it_is_given() {
        let make = source(&json!({"scheme": "standard", "keys": [KEY], "events": [], "hosts": ["gotphoto"]}));

        assert_eq!(make.host(None).unwrap().as_str(), "photoday");
        assert_eq!(make.host("gotphoto".parse().ok()).unwrap().as_str(), "gotphoto");
        assert!(make.host("zenfolio".parse().ok()).is_err());
    }

    #[test]
    fn a_source_prints_without_its_keys() {
        let mut settings = standard();
        settings["test_token"] = json!("sixteen letters!");

        let printed = format!("{:?}", source(&settings));

        assert!(!printed.contains("MfKQ9") && !printed.contains("sixteen"), "{printed}");
    }
}
