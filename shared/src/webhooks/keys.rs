//! The keys and tokens by which sources prove who they are, as the secret writes them.

use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::{FieldCode, Invalid};

/// The most keys of a source: two while they are exchanged, and room for a sender that has several.
pub(super) const MOST_KEYS: usize = 5;

/// The fewest characters or bytes that nobody guesses.
const SHORTEST: usize = 16;

/// Base64 with or without `=` at its end: the Standard Webhooks libraries disagree about it.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes that prove who somebody is, and how they were written. It prints without them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) bytes: Vec<u8>,
    pub(super) written: String,
}

/// A key of the scheme `standard` (Standard Webhooks 1.0.0, "Signature scheme").
pub(super) enum StandardKey {
    /// `whsec_` and 24 to 64 bytes in base64, for `v1`.
    Shared(Key),
    /// `whpk_` and an ed25519 public key in base64, for `v1a`.
    Public(Key),
}

/// A key of the scheme `hmac`: plain text of at least 16 characters, or at least 16 bytes as `hex:…` or `base64:…`.
/// A text that itself begins like that is written in base64.
pub(super) struct HmacKey(pub(super) Key);

/// A text of at least 16 visible ASCII characters that is sent along as it is.
pub(super) struct Token(pub(super) Key);

impl Key {
    fn new(bytes: Vec<u8>, written: &str) -> Self {
        Self { bytes, written: written.to_owned() }
    }

    /// Compared by their hashes, so that neither content nor length shows in the time it takes.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        let [known, given] = [&self.bytes, given].map(|bytes| digest::digest(&digest::SHA256, bytes));
        verify_slices_are_equal(known.as_ref(), given.as_ref()).is_ok()
    }

    /// Whether any of the keys is it. No `any`: it would stop at the first match.
    pub(super) fn is_among<'k>(keys: impl IntoIterator<Item = &'k Key>, given: &[u8]) -> bool {
        keys.into_iter().filter(|key| key.is(given)).count() > 0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

impl FromStr for StandardKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let decoded = |encoded: &str| BASE64.decode(encoded).ok();
        if let Some(encoded) = text.strip_prefix("whsec_") {
            let bytes = decoded(encoded).filter(|bytes| (24..=64).contains(&bytes.len()));
            return bytes.map(|bytes| Self::Shared(Key::new(bytes, text))).ok_or(WRONG_STANDARD_KEY);
        }
        if let Some(encoded) = text.strip_prefix("whpk_") {
            let bytes = decoded(encoded).filter(|bytes| ParsedPublicKey::new(&ED25519, bytes).is_ok());
            return bytes.map(|bytes| Self::Public(Key::new(bytes, text))).ok_or(WRONG_STANDARD_KEY);
        }
        if text.starts_with("whsk_") {
            let message = "is a sender's private key: have him make a new pair and give its public key, whpk_…";
            return Err(Invalid::new(FieldCode::WrongFormat, message));
        }
        Err(WRONG_STANDARD_KEY)
    }
}

/// All the bytes that a text of the secret can stand for as a key, in whatever scheme; none for what is too short.
pub(super) fn forms(text: &str) -> Vec<Vec<u8>> {
    let decoded = match text.split_at_checked(text.find([':', '_']).map_or(0, |place| place + 1)) {
        Some(("whsec_" | "whpk_" | "base64:", encoded)) => BASE64.decode(encoded).ok(),
        Some(("hex:", hex)) => from_hex(hex.as_bytes()),
        _ => None,
    };
    let forms = [Some(text.as_bytes().to_vec()), decoded].into_iter().flatten();
    forms.filter(|form| form.len() >= SHORTEST).collect()
}

const WRONG_STANDARD_KEY: Invalid = Invalid::constant(
    FieldCode::WrongFormat,
    "must be whsec_ and 24 to 64 bytes in base64, or whpk_ and an ed25519 public key in base64",
);

impl FromStr for HmacKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = match (text.strip_prefix("hex:"), text.strip_prefix("base64:")) {
            (Some(hex), _) => from_hex(hex.as_bytes()),
            (_, Some(encoded)) => BASE64.decode(encoded).ok(),
            _ => Some(text.as_bytes().to_vec()),
        };
        let bytes = bytes.filter(|bytes| bytes.len() >= SHORTEST);
        let message = "must be a text of at least 16 characters, or at least 16 bytes as hex:… or base64:…";
        let wrong = || Invalid::new(FieldCode::WrongFormat, message);
        bytes.map(|bytes| Self(Key::new(bytes, text))).ok_or_else(wrong)
    }
}

impl FromStr for Token {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A header's value loses the blanks at its ends.
        if text.len() < SHORTEST
            || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            || text.trim() != text
        {
            return Err(Invalid::new(FieldCode::WrongFormat, "must be a text of at least 16 visible characters"));
        }
        Ok(Self(Key::new(text.as_bytes().to_vec(), text)))
    }
}

/// Pairs of hexadecimal digits, upper or lower case.
pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// In lower case.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_in_either_case_and_writes_in_lower() {
        assert_eq!(from_hex(b"00fFA1"), Some(vec![0, 255, 161]));
        assert_eq!(to_hex(&[0, 255, 161]), "00ffa1");
        for wrong in ["0", "0g", "é"] {
            assert_eq!(from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_is_text_hex_or_base64_and_long_enough() {
        let bytes = |text: &str| text.parse::<HmacKey>().ok().map(|HmacKey(key)| key.bytes);

        assert_eq!(bytes("sixteen letters!"), Some(b"sixteen letters!".to_vec()));
        assert_eq!(bytes("hex:000102030405060708090A0B0C0D0E0F"), Some((0..16).collect()));
        assert_eq!(bytes("base64:AAECAwQFBgcICQoLDA0ODw=="), Some((0..16).collect()));
        assert_eq!(bytes("base64:AAECAwQFBgcICQoLDA0ODw"), Some((0..16).collect()));
        for wrong in ["fifteen letters", "hex:0001", "hex:zz", "base64:AAEC", "base64:?"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_text_is_the_same_key_however_it_is_written() {
        let bytes: Vec<u8> = (0..24).collect();
        let (base64, hex) = (BASE64.encode(&bytes), to_hex(&bytes));

        for text in
            [format!("whsec_{base64}"), format!("whpk_{base64}"), format!("base64:{base64}"), format!("hex:{hex}")]
        {
            assert_eq!(forms(&text), [text.clone().into_bytes(), bytes.clone()]);
        }
        assert_eq!(forms(&base64), [base64.clone().into_bytes()]);
        assert_eq!(forms("hex:0001020304"), Vec::<Vec<u8>>::new(), "too short for a key");
        assert_eq!(forms("hex:not hex at all"), [b"hex:not hex at all".to_vec()]);
    }

    #[test]
    fn a_shared_key_of_standard_webhooks_has_24_to_64_bytes() {
        let fits = |length: &usize| format!("whsec_{}", BASE64.encode(vec![7; *length])).parse::<StandardKey>().is_ok();

        assert_eq!((0..100).filter(fits).collect::<Vec<_>>(), (24..=64).collect::<Vec<_>>());
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let refused = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

        assert!(refused.parse::<StandardKey>().is_err_and(|problem| problem.message.contains("private key")));
        assert!("whpk_AAAA".parse::<StandardKey>().is_err() && "whsec_AAAA".parse::<StandardKey>().is_err());
    }

    #[test]
    fn a_token_is_visible_and_has_no_blanks_at_its_ends() {
        assert!("Basic dXNlcjpwYXNz".parse::<Token>().is_ok());
        for wrong in ["too short", " sixteen letters", "sixteen\tletters!", "sixteen lettersé"] {
            assert!(wrong.parse::<Token>().is_err(), "{wrong}");
        }
    }
}
