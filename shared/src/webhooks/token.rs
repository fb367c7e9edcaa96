//! The scheme `token`: senders that cannot sign and send a token along, in a header or in the body.

use super::headers::{HeaderName, Headers};
use super::keys::{Key, MOST_KEYS, Token};
use super::pointer::Pointer;
use super::readable::Readable;
use super::refusal::{bad_signature, missing_signature};
use crate::domain::{FieldCode, Form};
use crate::error::Error;

/// Any of the tokens, in its place:
/// ```json
/// {"scheme":"token","header":"authorization","keys":["a token of 16 characters or more"]}
/// {"scheme":"token","body":"/token","keys":["a token of 16 characters or more"]}
/// ```
#[derive(Debug)]
pub(super) struct InPlace {
    pub(super) place: Place,
    pub(super) tokens: Vec<Key>,
}

#[derive(Debug)]
pub(super) enum Place {
    /// As the whole value; `authorization` where the settings name neither place.
    Header(String),
    /// Zoho CRM's notifications have nothing else (its API, "Notifications").
    Body(Pointer),
}

impl InPlace {
    pub(super) fn read(form: &mut Form<'_>) -> Option<Self> {
        let header = form.optional::<HeaderName>("header").map(|HeaderName(name)| name);
        let place = match (header, form.optional::<Pointer>("body")) {
            (Some(_), Some(_)) => {
                let message = "cannot be there together with header: the token has one place";
                form.reject("body", FieldCode::Contradiction, message)?
            }
            (_, Some(pointer)) => Place::Body(pointer),
            (header, None) => Place::Header(header.unwrap_or_else(|| "authorization".to_owned())),
        };
        let tokens: Vec<Key> = form.list::<Token>("keys", MOST_KEYS).into_iter().map(|Token(key)| key).collect();
        if tokens.is_empty() {
            return form.reject("keys", FieldCode::Required, "must have at least one good token");
        }
        Some(Self { place, tokens })
    }

    pub(super) fn prove(&self, headers: &dyn Headers, body: &[u8]) -> Result<(), Error> {
        let found = match &self.place {
            Place::Header(name) => headers.trimmed(name).map(|value| Key::is_among(&self.tokens, value)),
            // The one thing that is looked at in a body before its sender is proven.
            Place::Body(pointer) => {
                let text = pointer.text_in(&Readable::of(body));
                text.map(|text| Key::is_among(&self.tokens, text.as_bytes()))
            }
        };
        if found.ok_or_else(missing_signature)? { Ok(()) } else { Err(bad_signature()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::testing::{source, verified};

    const NO_HEADERS: BTreeMap<&str, &str> = BTreeMap::new();

    #[test]
    fn a_token_in_a_header_is_its_whole_value() {
        let source = source(&json!({"scheme": "token", "keys": ["the old token is good", "the new token is good"]}));
        let proven = |value: &str| verified(&source, &BTreeMap::from([("authorization", value)]), b"{}", 0);

        assert_eq!(proven("the old token is good"), Ok(None));
        assert_eq!(proven("the new token is good"), Ok(None));
        assert_eq!(proven(" the new token is good\t"), Ok(None), "white space around a value is not part of it");
        for wrong in ["", "the new token is goo", "the new token is good,x", "THE NEW TOKEN IS GOOD"] {
            assert_eq!(proven(wrong), Err("bad-signature".to_owned()), "{wrong}");
        }
        assert_eq!(verified(&source, &NO_HEADERS, b"{}", 0), Err("missing-signature".to_owned()));
    }

    #[test]
    fn a_token_in_the_body_is_found_without_reading_the_rest() {
        let source = source(&json!({"scheme": "token", "body": "/token", "keys": ["sixteen letters!"]}));
        let proven = |body: &[u8]| verified(&source, &NO_HEADERS, body, 0);
        let deep = format!(r#"{{"ids":{}{},"token":"sixteen letters!"}}"#, "[".repeat(1000), "]".repeat(1000));

        assert_eq!(proven(br#"{"module":"Contacts","token":"sixteen letters!"}"#), Ok(None));
        assert_eq!(proven(b"{\"x\":\"\xff\",\"token\":\"sixteen letters!\"}"), Ok(None));
        assert_eq!(proven(deep.as_bytes()), Ok(None));
        assert_eq!(proven(b"\xef\xbb\xbf{\"x\":\"\\ud83d\",\"token\":\"sixteen letters!\"}"), Ok(None));
        assert_eq!(proven(br#"{"token":"seventeen letters"}"#), Err("bad-signature".to_owned()));
        for nothing in
            ["", "{}", "[]", r#"{"token":null}"#, r#"{"token":["sixteen letters!"]}"#, r#"{"token":"sixteen letters!""#]
        {
            assert_eq!(proven(nothing.as_bytes()), Err("missing-signature".to_owned()), "{nothing}");
        }
    }

    #[test]
    fn an_event_of_a_sender_with_a_token_has_an_id_too() {
        let settings = json!({"scheme": "token", "keys": ["sixteen letters!"], "events": ["gallery.published"],
            "mapping": {"type": {"constant": "gallery.published"}, "data": {"external_host_id": "/job"}}});
        let mut with_id = settings.clone();
        with_id["event_id"] = json!("/id");
        let headers = BTreeMap::from([("authorization", "sixteen letters!")]);

        let by_body = verified(&source(&settings), &headers, br#"{"id":"E-1"}"#, 0).unwrap().unwrap();
        let by_pointer = verified(&source(&with_id), &headers, br#"{"id":"E-1"}"#, 0);

        assert_eq!(by_body.len(), 64);
        assert_eq!(by_pointer, Ok(Some("E-1".to_owned())));
    }
}
