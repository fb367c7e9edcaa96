//! The scheme `standard`: Standard Webhooks 1.0.0, with shared keys (`v1`) and ed25519 (`v1a`).

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use chrono::{DateTime, Utc};

use super::headers::Headers;
use super::keys::{BASE64, Key, MOST_KEYS, StandardKey};
use super::refusal::{bad_signature, malformed, missing_signature};
use super::timestamp;
use crate::domain::{EventId, FieldCode, Form};
use crate::error::Error;

/// A header may hold many signatures; more than an exchange of keys needs is somebody trying his luck.
const MOST_SIGNATURES: usize = 10;
/// Each `v1a` among them costs one verification of the whole body for each public key, before anything is proven: the
/// sender's old key and his new one, and no more.
const MOST_PUBLIC: usize = 2;

pub(super) const ID: &str = "webhook-id";
pub(super) const TIMESTAMP: &str = "webhook-timestamp";
pub(super) const SIGNATURE: &str = "webhook-signature";

/// Keys of both sorts; a source may change from one to the other.
#[derive(Debug)]
pub(super) struct Standard {
    pub(super) shared: Vec<Key>,
    pub(super) public: Vec<Key>,
}

/// One entry of the header `webhook-signature`.
enum Signature {
    /// `v1,`: HMAC-SHA256.
    Shared(Vec<u8>),
    /// `v1a,`: ed25519.
    Public(Vec<u8>),
}

impl Standard {
    pub(super) fn read(form: &mut Form<'_>) -> Option<Self> {
        let keys = form.list::<StandardKey>("keys", MOST_KEYS);
        if keys.is_empty() {
            return form.reject("keys", FieldCode::Required, "must have at least one good key");
        }
        let mut standard = Self { shared: Vec::new(), public: Vec::new() };
        for key in keys {
            match key {
                StandardKey::Shared(key) => standard.shared.push(key),
                StandardKey::Public(key) => standard.public.push(key),
            }
        }
        Some(standard)
    }

    /// Any of the header's signatures that count of `id.timestamp.body` with any of the keys. Returns the id.
    pub(super) fn prove(&self, headers: &dyn Headers, body: &[u8], now: DateTime<Utc>) -> Result<EventId, Error> {
        let [id, timestamp, signatures] = [ID, TIMESTAMP, SIGNATURE].map(|name| headers.trimmed(name));
        let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
            return Err(missing_signature());
        };
        let signed = [id, b".", timestamp, b".", body].concat();
        if !self.has_signed(&signed, &given(signatures)) {
            return Err(bad_signature());
        }
        // Full stops in an id cannot move the seams of what was signed: the time is digits alone, and a body that
        // begins with some is no event.
        timestamp::fresh(timestamp::seconds(timestamp), now)?;
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        id.ok_or_else(|| malformed("The header webhook-id must have 1 to 255 characters."))
    }

    fn has_signed(&self, signed: &[u8], given: &[Signature]) -> bool {
        // One signature of the body for each shared key, however many a stranger sends.
        let right = self.shared.iter().map(|key| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.bytes), signed));
        let shared: Vec<Key> = right.map(|tag| Key { bytes: tag.as_ref().to_vec(), written: String::new() }).collect();
        given.iter().any(|signature| match signature {
            Signature::Shared(given) => Key::is_among(&shared, given),
            Signature::Public(given) => self.public.iter().any(|key| verifies(key, signed, given)),
        })
    }
}

/// Whether the private key of this public one has signed it.
pub(super) fn verifies(public: &Key, signed: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, &public.bytes).verify(signed, signature).is_ok()
}

/// The header's list is divided by spaces, and one may stand behind a version, too. A header that stands there twice is none: gateways join such lines with
/// commas, which no signature has, and the specification gives them no meaning.
fn given(header: &[u8]) -> Vec<Signature> {
    let read = |entry: &[u8]| {
        let shared = entry.strip_prefix(b"v1,").and_then(|encoded| BASE64.decode(encoded).ok());
        let public = || entry.strip_prefix(b"v1a,").and_then(|encoded| BASE64.decode(encoded).ok());
        shared.map(Signature::Shared).or_else(|| public().map(Signature::Public))
    };
    let mut public = 0;
    let counts = |signature: &Signature| {
        public += usize::from(matches!(signature, Signature::Public(_)));
        matches!(signature, Signature::Shared(_)) || public <= MOST_PUBLIC
    };
    let mut words = header.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let entries = std::iter::from_fn(|| match words.next()? {
        version @ (b"v1," | b"v1a,") => Some([version, words.next().unwrap_or_default()].concat()),
        entry => Some(entry.to_vec()),
    });
    entries.filter_map(|entry| read(&entry)).filter(counts).take(MOST_SIGNATURES).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::super::testing::{source, verified};
    use super::*;

    /// A key, an id, a time, a body and its signature.
    type Vector = [&'static str; 5];

    /// The published vectors of the Standard Webhooks project for `v1`.
    const SHARED: [Vector; 2] = [
        [
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ],
        [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ],
    ];

    /// For `v1a` the project publishes none: this is the first body with the key of RFC 8032, section 7.1, test 1,
    /// signed by OpenSSL's command line.
    const PUBLIC: Vector = [
        "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        SHARED[0][1],
        SHARED[0][2],
        SHARED[0][3],
        "v1a,jfp5j4J3Buv9EPOcc9Bqo8rJqAO1H6lrRl0WZQdzVZI6IttNPT8HSLyPvUvY54dJJt2BQGA01di1ePvigCwlCw==",
    ];

    fn proven(keys: &[&str], vector: [&str; 5], later: i64) -> Result<Option<String>, String> {
        let [_, id, timestamp, body, signature] = vector;
        let source = source(&json!({"scheme": "standard", "keys": keys, "events": []}));
        let headers = BTreeMap::from([(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)]);
        verified(&source, &headers, body.as_bytes(), timestamp.parse::<i64>().unwrap() + later)
    }

    #[test]
    fn the_vectors_are_accepted() {
        for vector in [SHARED[0], SHARED[1], PUBLIC] {
            assert_eq!(proven(&[vector[0]], vector, 0), Ok(Some(vector[1].to_owned())));
        }
    }

    #[test]
    fn any_signature_with_any_key_is_enough() {
        let [_, id, timestamp, body, _] = PUBLIC;
        let several = format!("v1a,AAAA v1,AAAA v2,x {} {}", SHARED[1][4], PUBLIC[4]);
        let twice = format!("{} {}", SHARED[0][4], PUBLIC[4]);
        let vector = |signatures| ["", id, timestamp, body, signatures];

        assert!(proven(&[SHARED[1][0], PUBLIC[0]], vector(&several), 0).is_ok());
        assert!(proven(&[SHARED[0][0]], vector(&twice), 0).is_ok());
        assert!(proven(&[PUBLIC[0]], vector(&twice), 0).is_ok());
        assert_eq!(proven(&[SHARED[1][0]], vector(&twice), 0), Err("bad-signature".to_owned()));
    }

    #[test]
    fn an_exchange_of_both_sorts_of_keys_passes_and_a_third_v1a_is_not_looked_at() {
        let [_, id, timestamp, body, right] = PUBLIC;
        let signed_by = |pair: &Ed25519KeyPair| {
            format!("v1a,{}", BASE64.encode(pair.sign(format!("{id}.{timestamp}.{body}").as_bytes())))
        };
        let old = Ed25519KeyPair::generate().unwrap();
        let [stranger, of_old] = [signed_by(&Ed25519KeyPair::generate().unwrap()), signed_by(&old)];
        let old = format!("whpk_{}", BASE64.encode(old.public_key()));
        let vector = |signatures| ["", id, timestamp, body, signatures];
        let rotation = format!("{of_old} {right} {} {}", SHARED[1][4], SHARED[0][4]);
        let luck = format!("{stranger} {stranger} {right}");
        let luck_and_shared = format!("{luck} {}", SHARED[0][4]);

        for key in [&*old, PUBLIC[0], SHARED[0][0]] {
            assert!(proven(&[key], vector(&rotation), 0).is_ok(), "{key}");
        }
        assert_eq!(proven(&[PUBLIC[0]], vector(&luck), 0), Err("bad-signature".to_owned()));
        assert!(proven(&[PUBLIC[0], SHARED[0][0]], vector(&luck_and_shared), 0).is_ok());
    }

    #[test]
    fn one_sort_of_signature_never_passes_for_the_other() {
        let relabelled = [PUBLIC[4].replace("v1a,", "v1,"), SHARED[0][4].replace("v1,", "v1a,")];

        for signature in &relabelled {
            let vector = ["", PUBLIC[1], PUBLIC[2], PUBLIC[3], signature];
            assert_eq!(proven(&[PUBLIC[0], SHARED[0][0]], vector, 0), Err("bad-signature".to_owned()));
        }
    }

    #[test]
    fn white_space_around_a_signature_or_behind_its_version_is_not_part_of_it() {
        for vector in [SHARED[0], PUBLIC] {
            let [key, id, timestamp, body, signature] = vector;
            let apart = signature.replacen(',', ", ", 1);
            for signatures in
                [format!("  {signature}\t"), apart.clone(), format!("v1,AAAA  {apart} v1,"), apart.replace(' ', "\t ")]
            {
                assert!(proven(&[key], [key, id, timestamp, body, &signatures], 0).is_ok(), "{signatures:?}");
            }
            let source = source(&json!({"scheme": "standard", "keys": [key]}));
            let (id, timestamp) = (format!(" {id} "), format!("{timestamp} "));
            let headers = BTreeMap::from([(ID, &*id), (TIMESTAMP, &*timestamp), (SIGNATURE, signature)]);
            assert_eq!(verified(&source, &headers, body.as_bytes(), 1_649_367_553), Ok(Some(id.trim().to_owned())));
        }
    }

    #[test]
    fn lines_that_a_gateway_has_joined_are_no_list() {
        let joined = format!("v1,AAAA,{}", SHARED[0][4]);
        let mut vector: [&str; 5] = SHARED[0];
        vector[4] = &joined;

        assert_eq!(proven(&[vector[0]], vector, 0), Err("bad-signature".to_owned()));
    }

    #[test]
    fn a_changed_body_id_or_time_is_refused() {
        for vector in [SHARED[0], PUBLIC] {
            for (place, other) in [(1, "msg_other"), (2, "1649367554"), (3, "{}")] {
                let mut changed = vector;
                changed[place] = other;

                assert_eq!(proven(&[vector[0]], changed, 0), Err("bad-signature".to_owned()));
            }
        }
    }

    #[test]
    fn a_stale_signature_is_refused() {
        for vector in [SHARED[0], PUBLIC] {
            assert!(proven(&[vector[0]], vector, 300).is_ok() && proven(&[vector[0]], vector, -300).is_ok());
            for off in [301, -301] {
                assert_eq!(proven(&[vector[0]], vector, off), Err("stale-timestamp".to_owned()));
            }
        }
    }

    #[test]
    fn what_is_not_utf_8_is_signed_all_the_same() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = format!("whpk_{}", BASE64.encode(pair.public_key()));
        let signed = [b"msg_1.1649367553.".as_slice(), b"\xff\xfe"].concat();
        let signature = format!("v1a,{}", BASE64.encode(pair.sign(&signed)));
        let source = source(&json!({"scheme": "standard", "keys": [public]}));
        let headers = BTreeMap::from([(ID, "msg_1"), (TIMESTAMP, "1649367553"), (SIGNATURE, &*signature)]);

        assert_eq!(verified(&source, &headers, b"\xff\xfe", 1_649_367_553), Ok(Some("msg_1".to_owned())));
        assert_eq!(verified(&source, &headers, b"\xff\xff", 1_649_367_553), Err("bad-signature".to_owned()));
    }

    #[test]
    fn each_of_the_three_headers_is_needed() {
        let [key, id, timestamp, body, signature] = SHARED[0];
        let source = source(&json!({"scheme": "standard", "keys": [key]}));
        let headers = BTreeMap::from([(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)]);

        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut headers = headers.clone();
            headers.remove(name);

            assert_eq!(verified(&source, &headers, body.as_bytes(), 0), Err("missing-signature".to_owned()), "{name}");
        }
    }
}
