//! The sources that may push events in: the secret `isoxp/<stage>/webhook-sources`.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::event::EventKind;
use crate::config::ConfigError;
use crate::domain::HostName;
use crate::error::Error;

/// All sources by name:
/// ```json
/// {"photoday":{"scheme":"standard","keys":["whsec_…"],"events":["gallery.published"]},
///  "make":{"scheme":"standard","keys":["whsec_…"],"events":["gallery.published"],"hosts":["photoday","gotphoto"]},
///  "zoho-campaigns":{"scheme":"token","header":"authorization","keys":["…"],"events":["email.receipt"]}}
/// ```
#[derive(Debug)]
pub struct Sources(BTreeMap<String, Source>);

/// The secret as it stands, before it is looked at.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct SourcesSettings(BTreeMap<String, SourceSettings>);

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
    events: Vec<EventKind>,
    hosts: Vec<HostName>,
}

/// How a source proves that it is the sender.
#[derive(Debug)]
pub(super) enum Scheme {
    /// Standard Webhooks 1.0.0 with HMAC-SHA256; any of the keys.
    Standard(Vec<Key>),
    /// A token in a header; any of them.
    Token { header: String, tokens: Vec<Key> },
}

/// Bytes that prove who somebody is. It prints without them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(pub Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

#[derive(Deserialize)]
struct SourceSettings {
    scheme: SchemeName,
    keys: Vec<String>,
    events: Vec<EventKind>,
    header: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SchemeName {
    Standard,
    Token,
}

impl Sources {
    /// The source of that name.
    ///
    /// # Errors
    /// `unknown-source`, 401: the same answer to everybody.
    pub fn named(&self, name: &str) -> Result<&Source, Error> {
        self.0.get(name).ok_or(Error::Unauthenticated {
            code: "unknown-source",
            detail: "Name a source that is registered here, as ?source=… or in the header webhook-source.",
        })
    }
}

impl Source {
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

fn event_not_allowed() -> Error {
    Error::Forbidden {
        code: "event-not-allowed",
        detail: "This source may not send this event, or not for this host. Its events and hosts stand in its registration here.",
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
        let mut seen = HashSet::new();
        let mut sources = BTreeMap::new();
        for (name, settings) in settings {
            let source =
                Source::read(&name, settings).map_err(|problem| format!("has a wrong source {name}: {problem}"))?;
            // `?source=` is not signed: with a shared key one source could speak as another.
            if !source.scheme.keys().iter().all(|key| seen.insert(key.clone())) {
                return Err(format!("lets the source {name} share a key with another"));
            }
            sources.insert(name, source);
        }
        Ok(Self(sources))
    }
}

impl Source {
    fn read(name: &str, settings: SourceSettings) -> Result<Self, String> {
        if settings.keys.is_empty() {
            return Err("has no key".to_owned());
        }
        let scheme = match (settings.scheme, settings.header) {
            (SchemeName::Standard, None) => {
                Scheme::Standard(settings.keys.iter().map(|key| standard_key(key)).collect::<Result<_, _>>()?)
            }
            (SchemeName::Standard, Some(_)) => return Err("the scheme standard has its own headers".to_owned()),
            (SchemeName::Token, header) => {
                if settings.keys.iter().any(|token| token.len() < 16) {
                    return Err("a token must have at least 16 characters".to_owned());
                }
                let tokens = settings.keys.into_iter().map(|token| Key(token.into_bytes())).collect();
                Scheme::Token {
                    header: header.unwrap_or_else(|| "authorization".to_owned()).to_ascii_lowercase(),
                    tokens,
                }
            }
        };
        let hosts = settings.hosts.iter().map(|host| host.parse()).collect::<Result<_, _>>()?;
        Ok(Self { name: name.parse()?, scheme, events: settings.events, hosts })
    }
}

impl Scheme {
    fn keys(&self) -> &[Key] {
        match self {
            Self::Standard(keys) | Self::Token { tokens: keys, .. } => keys,
        }
    }
}

/// `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks 1.0.0, "Signature scheme").
fn standard_key(text: &str) -> Result<Key, String> {
    let bytes = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes
        .filter(|bytes| (24..=64).contains(&bytes.len()))
        .map(Key)
        .ok_or_else(|| "a key must be whsec_ and 24 to 64 bytes in base64".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn read(sources: serde_json::Value) -> Result<Sources, String> {
        let settings: SourcesSettings = serde_json::from_value(sources).map_err(|error| error.to_string())?;
        settings.try_into().map_err(|error: ConfigError| error.to_string())
    }

    #[test]
    fn two_sources_never_share_a_key() {
        let one = json!({"scheme": "standard", "keys": [KEY], "events": []});

        let refused = read(json!({"photoday": one, "gotphoto": one})).unwrap_err();

        assert!(refused.contains("lets the source photoday share a key with another"), "{refused}");
    }

    #[test]
    fn an_event_that_does_not_exist_is_refused_at_the_start() {
        assert!(
            read(json!({"photoday": {"scheme": "standard", "keys": [KEY], "events": ["gallery.publshed"]}})).is_err()
        );
    }

    #[test]
    fn a_source_speaks_for_itself_and_for_the_hosts_it_is_given() {
        let sources =
            read(json!({"make": {"scheme": "standard", "keys": [KEY], "events": [], "hosts": ["photoday"]}})).unwrap();
        let make = sources.named("make").unwrap();

        assert_eq!(make.host(None).unwrap().as_str(), "make");
        assert_eq!(make.host("photoday".parse().ok()).unwrap().as_str(), "photoday");
        assert!(make.host("gotphoto".parse().ok()).is_err());
    }
}
