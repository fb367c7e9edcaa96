//! The sources that may push events in: the secret `isoxp/<stage>/webhook-sources`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::keys::{self, Key, Token};
use super::kind::EventKind;
use super::mapping::Mapping;
use super::pointer::Pointer;
use super::refusal::{bad_test_token, event_not_allowed, unknown_source};
use super::scheme::Scheme;
use crate::domain::{FieldCode, FieldError, Form, HostName, Invalid};
use crate::entries::{Checked, Entries, WrongEntry, shown_name};
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
pub struct Sources {
    known: BTreeMap<String, Arc<Source>>,
    wrong: Vec<WrongEntry>,
    /// Whether there is a secret to go by.
    usable: bool,
}

/// The secret as it stands, before it is looked at.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct SourcesSettings(Entries);

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
    /// Those that are right; the others are left out and named.
    pub fn of(SourcesSettings(entries): SourcesSettings) -> Self {
        let sharers = sharers(&entries);
        let Checked { right, wrong } = entries.read("webhook-sources", |name, settings| {
            let source = Source::read(name, settings);
            match sharers.get(name) {
                None => source.map(Arc::new).map_err(|problems| problems.join("; ")),
                Some(others) => {
                    let others: Vec<String> = others.iter().map(|other| shown_name(other)).collect();
                    let problem = format!("shares a key or token with {}", others.join(" and "));
                    Err(source.err().into_iter().flatten().chain([problem]).collect::<Vec<_>>().join("; "))
                }
            }
        });
        Self { known: right, wrong, usable: true }
    }

    /// What stands for them while the secret cannot be used as a whole.
    pub fn unusable() -> Self {
        Self { known: BTreeMap::new(), wrong: Vec::new(), usable: false }
    }

    /// The source of that name.
    ///
    /// # Errors
    /// `unknown-source`, 401: the same answer to everybody. `unavailable`, 503, where the secret cannot be used.
    pub fn named(&self, name: &str) -> Result<&Arc<Source>, Error> {
        self.usable()?;
        self.known.get(name).ok_or_else(unknown_source)
    }

    /// The source of that name, for somebody who has its test token.
    ///
    /// # Errors
    /// `bad-test-token`, 401: the same answer where there is no such source. `unavailable`, 503, where the secret
    /// cannot be used.
    pub fn to_be_tested(&self, name: &str, token: &[u8]) -> Result<&Arc<Source>, Error> {
        self.usable()?;
        let source =
            self.known.get(name).filter(|source| source.test_token.as_ref().is_some_and(|known| known.is(token)));
        source.ok_or_else(bad_test_token)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.known.values().map(|source| &**source)
    }

    /// The entries that are left out, in the order of their names.
    pub fn wrong(&self) -> &[WrongEntry] {
        &self.wrong
    }

    fn usable(&self) -> Result<(), Error> {
        if self.usable { Ok(()) } else { Err(Error::unavailable("the secret of the sources", "it cannot be used")) }
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

/// Which entries have a key or token that another has, too, each with those others. `?source=` is not signed: with a
/// shared key one source could speak as another. So none of them is in force, whatever else is wrong with the others.
/// Keys are told apart by their bytes and as they are written, since one text can be two keys in two schemes.
fn sharers(entries: &Entries) -> HashMap<&str, BTreeSet<&str>> {
    let mut owners: HashMap<Vec<u8>, BTreeSet<&str>> = HashMap::new();
    for (name, settings) in entries.iter() {
        let listed = settings["keys"].as_array().into_iter().flatten();
        for text in listed.chain([&settings["test_token"]]).filter_map(Value::as_str) {
            for form in keys::forms(text) {
                owners.entry(form).or_default().insert(name);
            }
        }
    }
    let mut sharers: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for names in owners.values().filter(|names| names.len() > 1) {
        for name in names {
            sharers.entry(name).or_default().extend(names.iter().filter(|other| *other != name));
        }
    }
    sharers
}

impl Source {
    fn read(name: &str, settings: &Value) -> Result<Self, Vec<String>> {
        let host = name.parse().ok().filter(|parsed: &HostName| parsed.as_str() == name);
        let source = host
            .ok_or_else(|| vec!["its name must have 1 to 40 lower-case letters, digits or hyphens".to_owned()])
            .and_then(|host| Self::of(host, settings).map_err(|problems| problems.iter().map(sentence).collect()))?;
        source.has_each_key_once()
    }

    fn of(name: HostName, settings: &Value) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(settings).map_err(|problem| vec![problem])?;
        let Some(scheme) = Scheme::read(&mut form) else { return Err(form.into_errors()) };
        let events: Vec<_> = form.list::<Allowed>("events", 20).into_iter().map(|Allowed(kind)| kind).collect();
        let hosts = form.list("hosts", 100);
        let test_token = form.optional::<Token>("test_token").map(|Token(key)| key);
        let event_id = form.optional("event_id");
        if event_id.is_some() && matches!(scheme, Scheme::Standard(_)) {
            let message = "cannot be set: the scheme standard has an id of its own";
            form.reject::<()>("event_id", FieldCode::Contradiction, message);
        }
        let mapping = form.object("mapping", |form| Mapping::read(form, &events));
        let by_itself = mapping.is_none() && event_id.is_none();
        if let Some(problem) = mismatch(&events, matches!(scheme, Scheme::Token(_)), by_itself) {
            form.reject::<()>("events", FieldCode::Contradiction, problem);
        }
        form.finish(Some(Self { name, scheme, event_id, mapping, events, hosts, test_token }))
    }

    fn has_each_key_once(self) -> Result<Self, Vec<String>> {
        let mut seen = HashSet::new();
        let once = self.keys().all(|key| {
            // A key may be written as its own bytes.
            let forms: HashSet<&[u8]> = HashSet::from([&*key.bytes, key.written.as_bytes()]);
            forms.into_iter().all(|form| seen.insert(form))
        });
        if once { Ok(self) } else { Err(vec!["one of its keys or tokens is there twice".to_owned()]) }
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

/// What is wrong with the settings as a whole has no place in them.
fn sentence(problem: &FieldError) -> String {
    problem.to_string().trim_start().to_owned()
}

/// An event as the settings name it.
struct Allowed(EventKind);

impl FromStr for Allowed {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = serde_json::from_value(Value::from(text));
        known.map(Self).map_err(|_| Invalid::new(FieldCode::UnknownValue, "is no event that is known here"))
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

    fn read(settings: &Value) -> Sources {
        Sources::of(serde_json::from_value(settings.clone()).unwrap())
    }

    /// The names of those that are in force, and of those that are not.
    fn sorted(sources: &Sources) -> (Vec<&str>, Vec<&str>) {
        (
            sources.iter().map(|source| source.name.as_str()).collect(),
            sources.wrong().iter().map(WrongEntry::name).collect(),
        )
    }

    #[test]
    fn two_sources_never_share_a_key_whatever_their_schemes() {
        let bytes = "base64:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let hmac = |key: &str| json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [key], "events": []});
        let token = |key: &str| json!({"scheme": "token", "keys": [key], "events": []});
        let mut tested = token("a token of nobody else");
        tested["test_token"] = json!(KEY);

        for other in [standard(), hmac(bytes), hmac(KEY), token(KEY), tested] {
            let sources =
                read(&json!({"photoday": standard(), "other": other, "third": token("the token of a third")}));

            assert_eq!(sorted(&sources), (vec!["third"], vec!["other", "photoday"]));
            let told: Vec<&str> = sources.wrong().iter().map(WrongEntry::problem).collect();
            assert_eq!(told, ["shares a key or token with photoday", "shares a key or token with other"]);
        }
        let apart = read(&json!({"photoday": standard(), "other": token("a token of nobody else")}));
        assert_eq!(sorted(&apart), (vec!["other", "photoday"], vec![]));
    }

    #[test]
    fn a_key_that_stands_where_a_name_is_due_is_not_shown_to_its_neighbour() {
        let token = "sixteen letters!";
        let settings = json!({"scheme": "token", "keys": [token], "events": []});

        let sources = read(&json!({ "photoday": settings, token: settings }));

        let told: Vec<&str> = sources.wrong().iter().map(WrongEntry::problem).collect();
        assert_eq!(told[0], "shares a key or token with sixteen …");
        assert!(!format!("{told:?}").contains(token), "{told:?}");
    }

    #[test]
    fn a_source_that_is_wrong_shares_its_keys_all_the_same() {
        let mut wrong = standard();
        wrong["evnts"] = json!([]);

        let sources = read(&json!({"other": wrong, "photoday": standard()}));

        assert_eq!(sorted(&sources), (vec![], vec!["other", "photoday"]));
        let problem = sources.wrong()[0].problem();
        assert_eq!(problem, "/evnts is not a field of this request; shares a key or token with photoday");
    }

    #[test]
    fn a_source_that_is_wrong_in_any_way_holds_up_none_of_its_neighbours() {
        let key = |n: u8| format!("hex:{}", keys::to_hex(&[n; 16]));
        let right = |n: u8| json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [key(n)]});
        let wrong = [
            Value::Null,
            json!(7),
            json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            json!([]),
            json!({}),
            json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": ["too short"]}),
            json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [key(1)], "mapping": 7}),
            json!({"scheme": "hmacs", "header": "x", "encoding": "hex", "keys": [key(1)]}),
            json!({"scheme": "hmac", "header": "x", "encoding": "hex", "keys": [key(1), key(1)]}),
        ];

        for wrong in wrong {
            let sources = read(&json!({"a": right(2), "b": wrong, "c": right(3)}));

            assert_eq!(sorted(&sources), (vec!["a", "c"], vec!["b"]), "{wrong}");
            assert!(sources.named("b").is_err_and(|error| error.to_string() == "unauthenticated: unknown-source"));
            assert!(!format!("{sources:?}").contains("MfKQ9"), "{sources:?}");
        }
    }

    #[test]
    fn of_two_sources_with_one_name_neither_is_in_force() {
        let secret = format!(
            r#"{{"a":{{"scheme":"standard","keys":["{KEY}"]}},"a":{{"scheme":"token","keys":["sixteen letters!"]}}}}"#
        );

        let sources = Sources::of(serde_json::from_str(&secret).unwrap());

        assert_eq!(sorted(&sources), (vec![], vec!["a"]));
    }

    #[test]
    fn without_a_secret_that_can_be_used_nobody_is_refused_for_good() {
        let unusable = Sources::unusable();

        for answer in [unusable.named("photoday"), unusable.to_be_tested("photoday", b"")] {
            assert!(matches!(answer, Err(Error::Unavailable { .. })));
        }
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
            &json!({"a": with_token("the test token of a"), "b": with_token("the test token of b"), "c": standard()}),
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

            assert!(refused.starts_with("photoday: /"), "{refused}");
            assert!(refused.contains(problem) && !refused.contains("MfKQ9"), "{settings}: {refused}");
        }
        let misnamed = sources(&json!({"PhotoDay": standard()})).unwrap_err();
        assert!(misnamed.starts_with("PhotoDay: its name must have 1 to 40"), "{misnamed}");
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
            sources(&json!({ "photoday": settings })).map(drop)
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
