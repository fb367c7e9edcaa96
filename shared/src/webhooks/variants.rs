//! What senders do to a key, to what is signed and to a signature: the usual mistakes, each with its bytes and a
//! sentence's half that says what to do instead.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::hmac::Encoding;
use super::keys::{BASE64, Key, from_hex};

/// Larger bodies are tried as they are only: each variant of one costs as much as the body is long.
const LARGEST_REWRITTEN: usize = 64 * 1024;

/// Bytes, and the mistakes by which one comes to them; none for the right ones.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) bytes: Vec<u8>,
    pub(super) faults: Vec<&'static str>,
}

impl Variant {
    pub(super) fn right(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), faults: Vec::new() }
    }

    pub(super) fn wrong(bytes: impl Into<Vec<u8>>, fault: &'static str) -> Self {
        Self { bytes: bytes.into(), faults: vec![fault] }
    }

    /// These bytes and then those, with the mistakes of both.
    fn then(&self, other: &Self) -> Self {
        Self { bytes: [&*self.bytes, &*other.bytes].concat(), faults: [&*self.faults, &*other.faults].concat() }
    }
}

/// What can be signed in the scheme `standard`.
pub(super) fn standard_contents(id: &[u8], timestamp: &[u8], body: &[u8]) -> Vec<Variant> {
    let before = |id: &[u8], timestamp: &[u8]| [id, b".", timestamp, b"."].concat();
    let mut prefixes = vec![
        Variant::right(before(id, timestamp)),
        Variant::wrong([timestamp, b"."].concat(), "the id was not signed: sign id.timestamp.body"),
        Variant::wrong([id, b"."].concat(), "the time was not signed: sign id.timestamp.body"),
        Variant::wrong(*b"", "the body alone was signed: sign id.timestamp.body"),
        Variant::wrong([id, timestamp].concat(), "the full stops were not signed: sign id.timestamp.body"),
        Variant::wrong(before(timestamp, id), "id and time were signed in the wrong order: sign id.timestamp.body"),
    ];
    let other_times = other_units(timestamp).into_iter();
    prefixes.extend(other_times.map(|time| Variant::wrong(before(id, &time), OTHER_UNIT)));
    crossed(&prefixes, &bodies(body))
}

/// What can be signed in the scheme `hmac`, with a time or without.
pub(super) fn hmac_contents(timestamp: Option<&[u8]>, body: &[u8]) -> Vec<Variant> {
    let Some(timestamp) = timestamp else { return bodies(body) };
    let mut prefixes = vec![
        Variant::right([timestamp, b"."].concat()),
        Variant::wrong(*b"", "the time was not signed: sign timestamp.body"),
        Variant::wrong(timestamp, "the full stop was not signed: sign timestamp.body"),
    ];
    let other_times = other_units(timestamp).into_iter();
    prefixes.extend(other_times.map(|time| Variant::wrong([&*time, b"."].concat(), OTHER_UNIT)));
    crossed(&prefixes, &bodies(body))
}

const OTHER_UNIT: &str = "the time was signed in another unit than it is sent in: sign what the header says";

/// The same time in milliseconds or in seconds.
fn other_units(timestamp: &[u8]) -> Vec<Vec<u8>> {
    let number: Option<u64> = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse().ok());
    let units = number.into_iter().flat_map(|number| [number.checked_mul(1000), Some(number / 1000)]);
    units.flatten().map(|number| number.to_string().into_bytes()).collect()
}

fn bodies(body: &[u8]) -> Vec<Variant> {
    let mut bodies = vec![Variant::right(body)];
    if body.len() > LARGEST_REWRITTEN {
        return bodies;
    }
    let anew = "the body was written anew between signing and sending: send the bytes that were signed";
    let others = [
        (body.trim_ascii_end().to_vec(), "the line break at the body's end was not signed"),
        ([body, b"\n"].concat(), "a line break was signed after the body"),
        ([body, b"\r\n"].concat(), "a line break was signed after the body"),
        (rewritten(body, ""), anew),
        (rewritten(body, " "), anew),
    ];
    bodies.extend(
        others.into_iter().filter(|(other, _)| other != body).map(|(other, fault)| Variant::wrong(other, fault)),
    );
    bodies
}

/// JSON with this blank, and no other, behind each comma and colon.
fn rewritten(body: &[u8], blank: &str) -> Vec<u8> {
    let (mut written, mut in_text, mut escaped) = (Vec::with_capacity(body.len()), false, false);
    for byte in body {
        if in_text {
            written.push(*byte);
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if !byte.is_ascii_whitespace() {
            written.push(*byte);
            in_text = *byte == b'"';
            if matches!(byte, b',' | b':') {
                written.extend_from_slice(blank.as_bytes());
            }
        }
    }
    written
}

/// The forms in which a key is used, right or wrong.
pub(super) fn keys(key: &Key) -> Vec<Variant> {
    let mut keys = vec![Variant::right(&*key.bytes)];
    let text = "the key's text was used: decode it first, and leave out what stands before it";
    let encoded =
        key.written.split_once(':').filter(|(name, _)| ["hex", "base64"].contains(name)).map(|(_, text)| text);
    if let Some(encoded) = key.written.strip_prefix("whsec_").or(encoded) {
        keys.extend([Variant::wrong(encoded, text), Variant::wrong(&*key.written, text)]);
    } else {
        let decoded = [from_hex(key.written.as_bytes()), BASE64.decode(&key.written).ok()];
        let fault = "the key was decoded: it is a text, and its bytes are the key";
        keys.extend(decoded.into_iter().flatten().map(|bytes| Variant::wrong(bytes, fault)));
    }
    keys
}

/// A signature as it is given, in the right encoding or in another.
pub(super) fn signatures(given: &[u8], right: Encoding) -> Vec<Variant> {
    let hex = from_hex(given).map(|bytes| (Encoding::Hex, bytes));
    let base64 = BASE64.decode(given).ok().map(|bytes| (Encoding::Base64, bytes));
    let fault = match right {
        Encoding::Hex => "it is not written in hex",
        Encoding::Base64 => "it is not written in base64",
    };
    let read = [hex, base64]
        .into_iter()
        .flatten()
        .map(|(encoding, bytes)| if encoding == right { Variant::right(bytes) } else { Variant::wrong(bytes, fault) });
    let url_safe = [URL_SAFE.decode(given), URL_SAFE_NO_PAD.decode(given)].into_iter().flatten();
    let url_safe = url_safe.map(|bytes| Variant::wrong(bytes, "it is written in base64 for URLs, with - and _"));
    // Hex that was then written in base64.
    let twice = BASE64.decode(given).ok().and_then(|text| from_hex(&text)).into_iter();
    let twice = twice.map(|bytes| Variant::wrong(bytes, "it is written in hex and that in base64"));
    read.chain(url_safe).chain(twice).collect()
}

/// A token with something before it or around it that does not belong to it.
pub(super) fn bare_tokens(given: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(given);
    let text = text.trim();
    let after_word = text.split_once(' ').map(|(_, rest)| rest.trim());
    let unquoted = text.trim_matches(['"', '\'']);
    let credentials = after_word.and_then(|encoded| STANDARD.decode(encoded).ok());
    let password = credentials.as_deref().and_then(|pair| pair.splitn(2, |byte| *byte == b':').nth(1));
    let texts = [Some(text), after_word, Some(unquoted)].into_iter().flatten().map(|text| text.as_bytes().to_vec());
    texts.chain(password.map(<[u8]>::to_vec)).collect()
}

fn crossed(prefixes: &[Variant], bodies: &[Variant]) -> Vec<Variant> {
    prefixes.iter().flat_map(|prefix| bodies.iter().map(|body| prefix.then(body))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_rewritten_outside_of_its_texts() {
        let body = br#"{ "a" : [1, "x, \"y\" : \\"],
            "b":2 }"#;

        assert_eq!(rewritten(body, ""), br#"{"a":[1,"x, \"y\" : \\"],"b":2}"#);
        assert_eq!(rewritten(body, " "), br#"{"a": [1, "x, \"y\" : \\"], "b": 2}"#);
    }

    #[test]
    fn the_right_bytes_come_first_and_without_a_fault() {
        let first = |variants: Vec<Variant>| variants.into_iter().next().filter(|variant| variant.faults.is_empty());

        assert_eq!(first(standard_contents(b"a", b"1", b"{}")).unwrap().bytes, b"a.1.{}");
        assert_eq!(first(hmac_contents(Some(b"1"), b"{}")).unwrap().bytes, b"1.{}");
        assert_eq!(first(hmac_contents(None, b"{}")).unwrap().bytes, b"{}");
        assert_eq!(first(signatures(b"00FF", Encoding::Hex)).unwrap().bytes, [0, 255]);
    }

    #[test]
    fn base64_for_urls_is_told_from_base64() {
        let [variant] = &*signatures(b"-_8", Encoding::Base64) else { panic!("it reads in one way") };

        assert_eq!((&*variant.bytes, variant.faults.len()), (&[251, 255][..], 1));
    }
}
