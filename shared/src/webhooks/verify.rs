//! The proof that a source sent a body: looked for on the raw bytes, before anything is parsed.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

use super::sources::{Key, Scheme, Source};
use crate::error::Error;

/// How far the sender's clock may be off, either way (the tolerance of the Standard Webhooks libraries).
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// A body whose sender is proven. There is no other way to get one than [`Source::verify`].
pub struct VerifiedWebhook<'a> {
    pub(super) source: &'a Source,
    /// The sender's id of the event, out of what was signed; none where a token alone proves the sender.
    pub(super) event_id: Option<String>,
    pub(super) body: &'a [u8],
}

/// Without the body, which may speak of people.
impl std::fmt::Debug for VerifiedWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedWebhook({}, {:?})", self.source.name.as_str(), self.event_id)
    }
}

/// The request's headers, by lower-case name.
pub trait Headers {
    fn header(&self, name: &str) -> Option<&[u8]>;
}

impl Source {
    /// # Errors
    /// `missing-signature`, `bad-signature`, `stale-timestamp`, all 401.
    pub fn verify<'a>(
        &'a self,
        headers: &impl Headers,
        body: &'a [u8],
        now: DateTime<Utc>,
    ) -> Result<VerifiedWebhook<'a>, Error> {
        let event_id = match &self.scheme {
            Scheme::Standard(keys) => Some(standard(keys, headers, body, now)?),
            Scheme::Token { header, tokens } => {
                let given = headers.header(header).ok_or_else(missing_signature)?;
                token(tokens, given)?;
                None
            }
        };
        Ok(VerifiedWebhook { source: self, event_id, body })
    }
}

/// Standard Webhooks 1.0.0: `v1,` and the HMAC-SHA256 of `id.timestamp.body`, any of the header's signatures
/// with any of the keys.
fn standard(keys: &[Key], headers: &impl Headers, body: &[u8], now: DateTime<Utc>) -> Result<String, Error> {
    let [id, timestamp, signatures] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| headers.header(name));
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        return Err(missing_signature());
    };
    let signed = [id, b".", timestamp, b".", body].concat();
    let given: Vec<Vec<u8>> = signatures
        .split(|byte| *byte == b' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix(b"v1,")?).ok())
        // A header may hold many; more than a rotation needs is somebody trying his luck.
        .take(10)
        .collect();
    let proven = keys.iter().any(|key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
        given.iter().any(|signature| hmac::verify(&key, &signed, signature).is_ok())
    });
    if !proven {
        return Err(bad_signature());
    }
    fresh(timestamp, now)?;
    String::from_utf8(id.to_vec())
        .ok()
        .filter(|id| (1..=255).contains(&id.len()))
        .ok_or_else(|| super::malformed("The header webhook-id must have 1 to 255 characters."))
}

fn fresh(timestamp: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    let seconds = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse().ok());
    let sent = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if sent.is_some_and(|sent| (now - sent).abs() <= TOLERANCE) {
        return Ok(());
    }
    Err(Error::Unauthenticated {
        code: "stale-timestamp",
        detail: "The header webhook-timestamp is more than five minutes off. Sign each attempt anew, and check the sender's clock.",
    })
}

/// Compared by their hashes, so that neither content nor length shows in the time it takes.
fn token(tokens: &[Key], given: &[u8]) -> Result<(), Error> {
    let given = digest::digest(&digest::SHA256, given);
    let known = |token: &Key| {
        verify_slices_are_equal(digest::digest(&digest::SHA256, &token.0).as_ref(), given.as_ref()).is_ok()
    };
    // No `any`: it would stop at the first match.
    if tokens.iter().filter(|token| known(token)).count() > 0 { Ok(()) } else { Err(bad_signature()) }
}

fn missing_signature() -> Error {
    Error::Unauthenticated {
        code: "missing-signature",
        detail: "Sign the request: send the headers webhook-id, webhook-timestamp and webhook-signature, or this source's token.",
    }
}

fn bad_signature() -> Error {
    Error::Unauthenticated {
        code: "bad-signature",
        detail: "The signature does not fit. Sign the raw bytes of the body with this source's key.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::webhooks::{Sources, SourcesSettings};

    impl Headers for BTreeMap<&str, &str> {
        fn header(&self, name: &str) -> Option<&[u8]> {
            self.get(name).map(|value| value.as_bytes())
        }
    }

    /// The published vectors of the Standard Webhooks project: key, id, timestamp, body, signature.
    const VECTORS: [[&str; 5]; 2] = [
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

    fn verified(
        keys: &[&str],
        [_, id, timestamp, body, signature]: [&str; 5],
        later: i64,
    ) -> Result<Option<String>, String> {
        let settings = serde_json::json!({"s": {"scheme": "standard", "keys": keys, "events": []}});
        let sources: Sources = serde_json::from_value::<SourcesSettings>(settings).unwrap().try_into().unwrap();
        let headers =
            BTreeMap::from([("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]);
        let now = DateTime::from_timestamp(timestamp.parse::<i64>().unwrap() + later, 0).unwrap();
        let source = sources.named("s").unwrap();
        source.verify(&headers, body.as_bytes(), now).map(|webhook| webhook.event_id).map_err(|error| error.to_string())
    }

    #[test]
    fn the_published_vectors_are_accepted() {
        for vector in VECTORS {
            assert_eq!(verified(&[vector[0]], vector, 0), Ok(Some(vector[1].to_owned())));
        }
    }

    #[test]
    fn any_signature_with_any_key_is_enough() {
        let mut vector = VECTORS[0];
        let several = format!("v1a,AAAA v1,AAAA {}", vector[4]);
        vector[4] = &several;

        assert!(verified(&[VECTORS[1][0], VECTORS[0][0]], vector, 0).is_ok());
        assert_eq!(verified(&[VECTORS[1][0]], vector, 0), Err("unauthenticated: bad-signature".to_owned()));
    }

    #[test]
    fn a_changed_body_id_or_time_is_refused() {
        for (place, other) in [(1, "msg_other"), (2, "1649367554"), (3, "{}")] {
            let mut vector = VECTORS[0];
            vector[place] = other;

            assert_eq!(verified(&[vector[0]], vector, 0), Err("unauthenticated: bad-signature".to_owned()));
        }
    }

    #[test]
    fn a_stale_signature_is_refused() {
        let vector = VECTORS[0];

        assert!(verified(&[vector[0]], vector, 300).is_ok() && verified(&[vector[0]], vector, -300).is_ok());
        for off in [301, -301] {
            assert_eq!(verified(&[vector[0]], vector, off), Err("unauthenticated: stale-timestamp".to_owned()));
        }
    }
}
