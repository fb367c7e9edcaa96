//! Keys that sign what goes out, as Standard Webhooks 1.0.0 writes them.

use std::str::FromStr;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::{FieldCode, Invalid};

/// It prints without itself.
pub(super) enum SigningKey {
    /// `v1`: the receiver has the same key.
    Hmac(Box<hmac::Key>),
    /// `v1a`: the receiver has the public half.
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl SigningKey {
    /// The version and the signature, as they stand in `webhook-signature`.
    pub(super) fn sign(&self, signed: &[u8]) -> String {
        match self {
            Self::Hmac(key) => format!("v1,{}", STANDARD.encode(hmac::sign(key, signed))),
            Self::Ed25519(pair) => format!("v1a,{}", STANDARD.encode(pair.sign(signed))),
        }
    }
}

/// `whsec_` and 24 to 64 bytes, or `whsk_` and an ed25519 seed with or without its public half, in base64.
impl FromStr for SigningKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            if let Some(secret) = text.strip_prefix("whsec_") {
                let bytes = STANDARD.decode(secret).ok().filter(|bytes| (24..=64).contains(&bytes.len()))?;
                return Some(Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes))));
            }
            let bytes = STANDARD.decode(text.strip_prefix("whsk_")?).ok()?;
            let pair = match bytes.len() {
                32 => Ed25519KeyPair::from_seed_unchecked(&bytes),
                64 => Ed25519KeyPair::from_seed_and_public_key(&bytes[..32], &bytes[32..]),
                _ => return None,
            };
            pair.ok().map(|pair| Self::Ed25519(Box::new(pair)))
        };
        let message = "must be whsec_ and 24 to 64 bytes, or whsk_ and 32 or 64 bytes, in base64";
        read().ok_or_else(|| Invalid::new(FieldCode::WrongFormat, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};

    #[test]
    fn an_ed25519_signature_is_proven_by_the_public_half() {
        let seed = [7_u8; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = pair.public_key().as_ref();
        let both = [&seed, public].concat();

        for key in [STANDARD.encode(seed), STANDARD.encode(both)] {
            let signature = format!("whsk_{key}").parse::<SigningKey>().unwrap().sign(b"msg_1.1.{}");
            let bytes = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
            UnparsedPublicKey::new(&ED25519, public).verify(b"msg_1.1.{}", &bytes).unwrap();
        }
    }

    #[test]
    fn a_public_half_that_belongs_to_another_seed_is_refused() {
        let wrong = STANDARD.encode([[7_u8; 32], [8_u8; 32]].concat());

        assert!(format!("whsk_{wrong}").parse::<SigningKey>().is_err());
    }

    #[test]
    fn a_key_has_its_prefix_and_its_length() {
        let is_key = |text: &str| text.parse::<SigningKey>().is_ok();
        let taken = |prefix: &str| {
            let fits = |length: &usize| is_key(&format!("{prefix}{}", STANDARD.encode(vec![7; *length])));
            (0..100).filter(fits).collect::<Vec<usize>>()
        };

        assert_eq!(taken("whsec_"), (24..=64).collect::<Vec<_>>());
        assert_eq!(taken("whsk_"), [32], "64 of the same byte are no pair");
        assert_eq!(taken(""), [0; 0]);
        assert!(!is_key("whsec_???") && !is_key("whsk_???"));
    }

    #[test]
    fn a_key_prints_without_itself() {
        let key: SigningKey = format!("whsec_{}", STANDARD.encode([7; 24])).parse().unwrap();

        assert_eq!(format!("{key:?}"), "SigningKey(redacted)");
    }
}
