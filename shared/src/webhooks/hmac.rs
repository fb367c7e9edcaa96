//! The scheme `hmac`: a gallery host that has its own habit of signing.

use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine;
use chrono::{DateTime, Utc};

use super::headers::{HeaderName, Headers};
use super::keys::{BASE64, HmacKey, Key, MOST_KEYS, from_hex};
use super::refusal::{bad_signature, missing_signature};
use super::timestamp;
use crate::domain::{FieldCode, Form, Invalid};
use crate::error::Error;

/// Which header has the signature, and how it is made:
/// ```json
/// {"scheme":"hmac","header":"x-host-signature","prefix":"sha256=","encoding":"hex","algorithm":"sha256",
///  "signs":"timestamp.body","timestamp_header":"x-host-timestamp","keys":["a text of 16 characters or more"]}
/// ```
#[derive(Debug)]
pub(super) struct Hmac {
    pub(super) header: String,
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    pub(super) algorithm: Algorithm,
    /// The header whose value and a full stop stand before the body in what is signed.
    pub(super) timestamp_header: Option<String>,
    pub(super) keys: Vec<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signs {
    Body,
    TimestampAndBody,
}

impl Hmac {
    pub(super) fn read(form: &mut Form<'_>) -> Option<Self> {
        let header = form.required::<HeaderName>("header");
        let prefix = form.optional::<String>("prefix").unwrap_or_default();
        let encoding = form.required("encoding");
        let algorithm = form.optional("algorithm").unwrap_or(Algorithm::Sha256);
        let signs = form.optional("signs").unwrap_or(Signs::Body);
        let timestamp_header = form.optional::<HeaderName>("timestamp_header");
        let keys: Vec<Key> = form.list::<HmacKey>("keys", MOST_KEYS).into_iter().map(|HmacKey(key)| key).collect();
        if keys.is_empty() {
            form.reject::<()>("keys", FieldCode::Required, "must have at least one good key");
        }
        match (signs, &timestamp_header) {
            (Signs::TimestampAndBody, None) => {
                form.reject::<()>("timestamp_header", FieldCode::Required, "is required")?;
            }
            (Signs::Body, Some(_)) => {
                let message = "is of no use unless the time is signed";
                form.reject::<()>("timestamp_header", FieldCode::Contradiction, message)?;
            }
            _ => {}
        }
        let timestamp_header = timestamp_header.map(|HeaderName(name)| name);
        Some(Self { header: header?.0, prefix, encoding: encoding?, algorithm, timestamp_header, keys })
    }

    pub(super) fn prove(&self, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
        let given = headers.trimmed(&self.header).ok_or_else(missing_signature)?;
        let timestamp = match &self.timestamp_header {
            Some(name) => Some(headers.trimmed(name).ok_or_else(missing_signature)?),
            None => None,
        };
        let given = self.encoded(given).and_then(|text| self.encoding.decode(text));
        let given = given.ok_or_else(bad_signature)?;
        let right = self.keys.iter().map(|key| {
            let tag = self.algorithm.sign(&key.bytes, timestamp, body);
            Key { bytes: tag.as_ref().to_vec(), written: String::new() }
        });
        if !Key::is_among(&right.collect::<Vec<_>>(), &given) {
            return Err(bad_signature());
        }
        timestamp.map_or(Ok(()), |text| timestamp::fresh(timestamp::seconds_or_milliseconds(text), now))
    }

    /// What stands behind the prefix. White space on either side of it is not part of the signature.
    pub(super) fn encoded<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        Some(value.trim_ascii().strip_prefix(self.prefix.trim().as_bytes())?.trim_ascii_start())
    }
}

impl Encoding {
    pub(super) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => from_hex(text),
            Self::Base64 => BASE64.decode(text).ok(),
        }
    }
}

impl Algorithm {
    /// The signature of the body, or of the time, a full stop and the body.
    pub(super) fn sign(self, key: &[u8], timestamp: Option<&[u8]>, body: &[u8]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        if let Some(timestamp) = timestamp {
            context.update(timestamp);
            context.update(b".");
        }
        context.update(body);
        context.sign()
    }
}

impl FromStr for Encoding {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            _ => Err(Invalid::new(FieldCode::UnknownValue, "must be hex or base64")),
        }
    }
}

impl FromStr for Algorithm {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(Invalid::new(FieldCode::UnknownValue, "must be sha256 or sha512")),
        }
    }
}

impl FromStr for Signs {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "body" => Ok(Self::Body),
            "timestamp.body" => Ok(Self::TimestampAndBody),
            _ => Err(Invalid::new(FieldCode::UnknownValue, "must be body or timestamp.body")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::testing::{source, verified};

    /// GitHub's published vector ("Validating webhook deliveries").
    const GITHUB: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    /// `printf 1649367553.{} | openssl dgst -sha512 -hmac 'sixteen letters!' -binary | base64`
    const WITH_TIME: &str = "dq/cRszIqy/jVK/W4Cl9ddmsL0xU1F0dMZWRCMKFTHJR8zmZFEPp9WCNdykNjCIa+KuvibdDRkN9b6SlOXzrhg==";
    const BODY_SHA256: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn the_published_vector_is_accepted_in_either_case_and_by_either_form_of_the_key() {
        let hex = "hex:4974277320612053656372657420746f2045766572796264796f6479";
        for key in ["It's a Secret to Everybody", "base64:SXQncyBhIFNlY3JldCB0byBFdmVyeWJvZHk="] {
            let source = source(&json!({"scheme": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256=",
                "encoding": "hex", "keys": [hex, key]}));
            for signature in [GITHUB.to_owned(), GITHUB.to_uppercase()] {
                let signature = format!("sha256={signature}");
                let headers = BTreeMap::from([("x-hub-signature-256", &*signature)]);

                let id = verified(&source, &headers, b"Hello, World!", 0).unwrap().unwrap();

                // `printf 'Hello, World!' | sha256sum`
                assert_eq!(id, "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f");
                assert_eq!(verified(&source, &headers, b"Hello, World", 0), Err("bad-signature".to_owned()));
            }
        }
    }

    #[test]
    fn white_space_around_a_signature_or_behind_its_prefix_is_not_part_of_it() {
        for (prefix, value) in [
            ("sha256=", format!("sha256= {GITHUB}")),
            ("sha256=", format!(" sha256=\t {GITHUB} ")),
            ("sha256= ", format!("sha256={GITHUB}")),
            ("HMAC ", format!("HMAC  {GITHUB}")),
            ("", format!(" {GITHUB}")),
        ] {
            let source = source(&json!({"scheme": "hmac", "header": "x-s", "prefix": prefix, "encoding": "hex",
                "keys": ["It's a Secret to Everybody"]}));
            let proven =
                |value: &str| verified(&source, &BTreeMap::from([("x-s", value)]), b"Hello, World!", 0).is_ok();

            assert!(proven(&value), "{prefix:?} {value:?}");
            assert!(!proven(&value.replace("7571", "75 71")) && !proven(&value[..value.trim_end().len() - 1]));
        }
    }

    #[test]
    fn a_time_that_is_signed_is_within_five_minutes() {
        let source = source(&json!({"scheme": "hmac", "header": "x-s", "encoding": "base64", "algorithm": "sha512",
            "signs": "timestamp.body", "timestamp_header": "x-t", "keys": ["sixteen letters!"]}));
        let headers = BTreeMap::from([("x-s", WITH_TIME), ("x-t", "1649367553")]);

        assert_eq!(verified(&source, &headers, b"{}", 1_649_367_853), Ok(Some(BODY_SHA256.to_owned())));
        let padded = format!(" {WITH_TIME}");
        let padded = BTreeMap::from([("x-s", &*padded), ("x-t", " 1649367553\t")]);
        assert_eq!(verified(&source, &padded, b"{}", 1_649_367_853), Ok(Some(BODY_SHA256.to_owned())));
        assert_eq!(verified(&source, &headers, b"{}", 1_649_367_854), Err("stale-timestamp".to_owned()));
        let other_time = BTreeMap::from([("x-s", WITH_TIME), ("x-t", "1649367554")]);
        assert_eq!(verified(&source, &other_time, b"{}", 1_649_367_853), Err("bad-signature".to_owned()));
        for missing in ["x-s", "x-t"] {
            let mut headers = headers.clone();
            headers.remove(missing);
            assert_eq!(verified(&source, &headers, b"{}", 1_649_367_853), Err("missing-signature".to_owned()));
        }
    }

    #[test]
    fn a_copy_under_a_fresh_time_is_the_same_event() {
        let source = source(&json!({"scheme": "hmac", "header": "x-s", "encoding": "hex", "signs": "timestamp.body",
            "timestamp_header": "x-t", "keys": ["sixteen letters!"]}));
        let id_at = |time: &str, second: i64| {
            let tag = super::Algorithm::Sha256.sign(b"sixteen letters!", Some(time.as_bytes()), b"{}");
            let signature = super::super::keys::to_hex(tag.as_ref());
            verified(&source, &BTreeMap::from([("x-s", &*signature), ("x-t", time)]), b"{}", second)
        };

        assert_eq!(id_at("1649367553", 1_649_367_553), Ok(Some(BODY_SHA256.to_owned())));
        assert_eq!(id_at("1649367600000", 1_649_367_600), Ok(Some(BODY_SHA256.to_owned())));
    }

    #[test]
    fn the_events_id_may_stand_in_the_body() {
        let source = source(&json!({"scheme": "hmac", "header": "x-s", "encoding": "hex", "event_id": "/event/id",
            "keys": ["sixteen letters!"]}));
        let id_in = |body: &[u8]| {
            let tag = super::Algorithm::Sha256.sign(b"sixteen letters!", None, body);
            verified(&source, &BTreeMap::from([("x-s", &*super::super::keys::to_hex(tag.as_ref()))]), body, 0)
        };

        assert_eq!(id_in(br#"{"event":{"id":"E-1"}}"#), Ok(Some("E-1".to_owned())));
        assert_eq!(id_in(br#"{"event":{"id":17}}"#), Ok(Some("17".to_owned())));
        assert_eq!(id_in(b"\xef\xbb\xbf{\"event\":{\"id\":17},\"x\":\"\\ud83d\"}"), Ok(Some("17".to_owned())));
        for wrong in [
            r#"{"event":{}}"#,
            r#"{"event":{"id":""}}"#,
            r#"{"event":{"id":"a\u0000"}}"#,
            r#"{"event":{"id":"a\ud83d"}}"#,
            r#"{"event":{"id":1e40}}"#,
            "",
            "\u{1}",
        ] {
            assert!(id_in(wrong.as_bytes()).unwrap_err().starts_with("malformed: The event's id"), "{wrong}");
        }
    }
}
