//! What is probably wrong with a proof that fails. Every guess is computed, and only its name is told: no signature
//! that would be right leaves this module.

use super::headers::Headers;
use super::hmac::{Algorithm, Encoding, Hmac};
use super::keys::Key;
use super::readable::Readable;
use super::scheme::Scheme;
use super::standard::{ID, SIGNATURE, Standard, TIMESTAMP, verifies};
use super::token::{InPlace, Place};
use super::variants::{self, Variant};

/// Where other services put what is looked for.
const ELSEWHERE: [&str; 10] = [
    "authorization",
    "signature",
    "svix-signature",
    "x-api-key",
    "x-hub-signature-256",
    "x-signature",
    "x-token",
    "x-webhook-signature",
    "x-webhook-token",
    "webhook-signature",
];

/// A sentence or two for the sender of a request that [`Scheme::prove`] has refused.
pub(super) fn guess(scheme: &Scheme, headers: &dyn Headers, body: &[u8]) -> String {
    match scheme {
        Scheme::Standard(standard) => of_standard(standard, headers, body),
        Scheme::Hmac(hmac) => of_hmac(hmac, headers, body),
        Scheme::Token(token) => of_token(token, headers, body),
    }
}

fn of_standard(standard: &Standard, headers: &dyn Headers, body: &[u8]) -> String {
    let [id, timestamp, signatures] = [ID, TIMESTAMP, SIGNATURE].map(|name| headers.trimmed(name));
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        let missing = [ID, TIMESTAMP, SIGNATURE].into_iter().filter(|name| headers.header(name).is_none());
        return missing_headers(&missing.collect::<Vec<_>>(), headers);
    };
    let contents = variants::standard_contents(id, timestamp, body);
    let entries = signatures.split(|byte| *byte == b' ').filter(|entry| !entry.is_empty()).take(4);
    let given: Vec<Variant> = entries.flat_map(entry_of_standard).collect();
    if given.is_empty() {
        return "The header webhook-signature has no signature that can be read: write v1, and the signature in base64, with spaces between several.".to_owned();
    }
    let by_shared = shared_fits(&standard.shared, &contents, &given, Algorithm::Sha256);
    let by_public = public_fits(&standard.public, &contents, &given);
    match fewest(by_shared.into_iter().chain(by_public)) {
        Some(faults) => told(&faults),
        None if standard.shared.is_empty() => with_hint(
            "Only ed25519 is agreed for this source: sign with the private key, and write v1a, before the signature.",
        ),
        None => with_hint("A key whsec_… is the base64 of the key's bytes."),
    }
}

/// One entry of `webhook-signature`, with its version or without.
fn entry_of_standard(entry: &[u8]) -> Vec<Variant> {
    let versions: [(&[u8], Option<&'static str>); 6] = [
        (b"v1,", None),
        (b"v1a,", None),
        (b"v1=", Some("v1 and the signature are divided by a comma")),
        (b"v1:", Some("v1 and the signature are divided by a comma")),
        (b"sha256=", Some("v1, must stand before the signature")),
        (b"", Some("v1, must stand before the signature")),
    ];
    let known = versions.into_iter().find_map(|(version, fault)| Some((entry.strip_prefix(version)?, fault)));
    let Some((encoded, fault)) = known else { return Vec::new() };
    let mut read = variants::signatures(encoded, Encoding::Base64);
    for variant in &mut read {
        variant.faults.extend(fault);
    }
    read
}

fn of_hmac(hmac: &Hmac, headers: &dyn Headers, body: &[u8]) -> String {
    let needed = std::iter::once(&hmac.header).chain(&hmac.timestamp_header);
    let missing: Vec<&str> = needed.filter(|name| headers.header(name).is_none()).map(|name| &**name).collect();
    let Some(given) = headers.header(&hmac.header).filter(|_| missing.is_empty()) else {
        return missing_headers(&missing, headers);
    };
    let timestamp = hmac.timestamp_header.as_ref().and_then(|name| headers.trimmed(name));
    let contents = variants::hmac_contents(timestamp, body);
    let given = signatures_of_hmac(hmac, given);
    if given.is_empty() {
        return format!("The value of the header {} is neither hex nor base64.", hmac.header);
    }
    match fewest(shared_fits(&hmac.keys, &contents, &given, hmac.algorithm)) {
        Some(faults) => told(&faults),
        None => with_hint("A key without hex: or base64: before it is a text whose bytes are the key."),
    }
}

/// The signature behind what is agreed to stand before it, or behind what others have there.
fn signatures_of_hmac(hmac: &Hmac, given: &[u8]) -> Vec<Variant> {
    if let Some(encoded) = hmac.encoded(given) {
        return variants::signatures(encoded, hmac.encoding);
    }
    let others: [&[u8]; 6] = [b"sha256=", b"sha512=", b"v1=", b"v1,", b"HMAC ", b""];
    let given = given.trim_ascii();
    let encoded = others.into_iter().find_map(|prefix| given.strip_prefix(prefix)).unwrap_or(given).trim_ascii();
    let mut read = variants::signatures(encoded, hmac.encoding);
    for variant in &mut read {
        variant.faults.push("what is agreed does not stand before it");
    }
    read
}

fn of_token(token: &InPlace, headers: &dyn Headers, body: &[u8]) -> String {
    match &token.place {
        Place::Header(name) => match headers.header(name) {
            None => missing_headers(&[name], headers),
            Some(given) if variants::bare_tokens(given).iter().any(|bare| Key::is_among(&token.tokens, bare)) => {
                format!(
                    "The token is right, but something stands before or around it: send it alone as the value of {name}."
                )
            }
            Some(_) => format!("The value of the header {name} is none of this source's tokens."),
        },
        Place::Body(pointer) => match pointer.text_in(&Readable::of(body)) {
            None => format!("No text stands at {}, or the body is not JSON.", pointer.as_str()),
            Some(_) => format!("What stands at {} is none of this source's tokens.", pointer.as_str()),
        },
    }
}

fn missing_headers(missing: &[&str], headers: &dyn Headers) -> String {
    let missing = missing.join(" and ");
    let there: Vec<&str> = ELSEWHERE.into_iter().filter(|name| headers.header(name).is_some()).collect();
    let there = match &*there {
        [] => String::new(),
        names => format!(" There is {}, which counts for nothing here.", names.join(" and ")),
    };
    format!("{missing} is missing among the headers, or stands there more than once.{there}")
}

/// The mistakes behind every signature that one of the keys can have made.
fn shared_fits(keys: &[Key], contents: &[Variant], given: &[Variant], right: Algorithm) -> Vec<Vec<&'static str>> {
    let algorithms = [Algorithm::Sha256, Algorithm::Sha512]
        .map(|algorithm| (algorithm, (algorithm != right).then_some("another hash function was used than agreed")));
    let mut fits = Vec::new();
    for key in keys.iter().flat_map(variants::keys) {
        for (algorithm, fault) in algorithms {
            for content in contents {
                let tag = algorithm.sign(&key.bytes, None, &content.bytes);
                let tag = Key { bytes: tag.as_ref().to_vec(), written: String::new() };
                let fitting = given.iter().filter(|given| tag.is(&given.bytes));
                fits.extend(
                    fitting.map(|given| [&*content.faults, &key.faults, &given.faults, fault.as_slice()].concat()),
                );
            }
        }
    }
    fits
}

/// The mistakes behind every signature that the owner of one of the public keys can have made.
fn public_fits(keys: &[Key], contents: &[Variant], given: &[Variant]) -> Vec<Vec<&'static str>> {
    let mut fits = Vec::new();
    for key in keys {
        for content in contents {
            let fitting = given.iter().filter(|given| verifies(key, &content.bytes, &given.bytes));
            fits.extend(fitting.map(|given| [&*content.faults, &*given.faults].concat()));
        }
    }
    fits
}

fn fewest(fits: impl IntoIterator<Item = Vec<&'static str>>) -> Option<Vec<&'static str>> {
    fits.into_iter().min_by_key(Vec::len)
}

fn told(faults: &[&str]) -> String {
    match faults {
        [] => "The signature is right, but not in the place or under the version that is agreed.".to_owned(),
        faults => format!("The signature is made with one of this source's keys, but {}.", faults.join("; and ")),
    }
}

fn with_hint(hint: &str) -> String {
    format!(
        "The signature fits none of this source's keys, not even by a usual mistake. Check that the key is this source's and not an old one, and that the bytes that are sent are those that were signed. {hint}"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::super::keys::to_hex;
    use super::super::testing::source;
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = b"{\"type\": \"gallery.published\", \"data\": {}}\n";

    fn tag(algorithm: Algorithm, key: &[u8], signed: &[u8]) -> Vec<u8> {
        algorithm.sign(key, None, signed).as_ref().to_vec()
    }

    fn guessed(settings: &Value, headers: &[(&str, &str)], body: &[u8]) -> String {
        let headers: BTreeMap<&str, &str> = headers.iter().copied().collect();
        let source = source(settings);
        assert!(
            source.verify(&headers, body, super::super::testing::at(1_649_367_553)).is_err(),
            "it is right after all"
        );
        guess(&source.scheme, &headers, body)
    }

    fn of_standard(signature: &str) -> String {
        let headers = [(ID, "msg_1"), (TIMESTAMP, "1649367553"), (SIGNATURE, signature)];
        guessed(&json!({"scheme": "standard", "keys": [KEY]}), &headers, BODY)
    }

    #[test]
    fn the_usual_mistakes_of_standard_webhooks_are_named() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = [b"msg_1.1649367553.", BODY].concat();
        let right = tag(Algorithm::Sha256, &key, &signed);
        let v1 = |tag: Vec<u8>| format!("v1,{}", STANDARD.encode(tag));
        let of = |content: &[u8]| v1(tag(Algorithm::Sha256, &key, content));
        let minified = br#"msg_1.1649367553.{"type":"gallery.published","data":{}}"#;

        for (signature, told) in [
            (STANDARD.encode(&right), "but v1, must stand before the signature."),
            (format!("v1={}", STANDARD.encode(&right)), "divided by a comma."),
            (format!("v1,{}", to_hex(&right)), "but it is not written in base64."),
            (format!("v1,{}", STANDARD.encode(to_hex(&right))), "in hex and that in base64."),
            (of(&[b"1649367553.", BODY].concat()), "but the id was not signed: sign id.timestamp.body."),
            (of(BODY), "but the body alone was signed: sign id.timestamp.body."),
            (of(&signed[..signed.len() - 1]), "but the line break at the body's end was not signed."),
            (of(&[&*signed, b"\n"].concat()), "but a line break was signed after the body."),
            (of(minified), "but the body was written anew between signing and sending: "),
            (of(&[b"msg_1.1649367553000.", BODY].concat()), "but the time was signed in another unit"),
            (v1(tag(Algorithm::Sha256, KEY.as_bytes(), &signed)), "but the key's text was used"),
            (v1(tag(Algorithm::Sha256, &KEY.as_bytes()[6..], &signed)), "but the key's text was used"),
            (v1(tag(Algorithm::Sha512, &key, &signed)), "but another hash function was used"),
            (v1(tag(Algorithm::Sha256, b"another key", &signed)), "fits none of this source's keys"),
            (
                to_hex(&tag(Algorithm::Sha256, &key, BODY)),
                "sign id.timestamp.body; and it is not written in base64; and v1,",
            ),
            ("v1,???".to_owned(), "has no signature that can be read"),
        ] {
            let guess = of_standard(&signature);

            assert!(guess.contains(told), "{told}: {guess}");
            assert!(!guess.contains(&STANDARD.encode(&right)) && !guess.contains("MfKQ"), "{guess}");
        }
    }

    #[test]
    fn missing_and_misspelt_headers_are_named() {
        let headers = [(ID, "msg_1"), ("svix-signature", "v1,AAAA")];

        let guess = guessed(&json!({"scheme": "standard", "keys": [KEY]}), &headers, BODY);

        assert_eq!(
            guess,
            "webhook-timestamp and webhook-signature is missing among the headers, or stands there more than once. \
             There is svix-signature, which counts for nothing here."
        );
    }

    #[test]
    fn the_usual_mistakes_of_a_hosts_own_scheme_are_named() {
        let settings = json!({"scheme": "hmac", "header": "x-s", "prefix": "sha256=", "encoding": "hex",
            "signs": "timestamp.body", "timestamp_header": "x-t", "keys": ["base64:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]});
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = [b"1649367553.", BODY].concat();
        let hex = |key: &[u8], content: &[u8]| to_hex(&tag(Algorithm::Sha256, key, content));
        let told = |signature: String| guessed(&settings, &[("x-s", &signature), ("x-t", "1649367553")], BODY);

        for (guess, expected) in [
            (told(hex(&key, &signed)), "but what is agreed does not stand before it."),
            (told(format!("sha512={}", hex(&key, &signed))), "but what is agreed does not stand before it."),
            (told(format!("sha256={}", hex(&key, BODY))), "but the time was not signed: sign timestamp.body."),
            (
                told(format!("sha256={}", hex(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &signed))),
                "but the key's text was used",
            ),
            (told(format!("sha256={}", STANDARD.encode(tag(Algorithm::Sha256, &key, &signed)))), "not written in hex."),
            (told("sha256=?".to_owned()), "is neither hex nor base64."),
            (guessed(&settings, &[("x-s", "sha256=00")], BODY), "x-t is missing among the headers"),
        ] {
            assert!(guess.contains(expected), "{expected}: {guess}");
        }
    }

    #[test]
    fn the_usual_mistakes_with_a_token_are_named() {
        let in_header = json!({"scheme": "token", "header": "x-token", "keys": ["sixteen letters!"]});
        let in_body = json!({"scheme": "token", "body": "/token", "keys": ["sixteen letters!"]});

        for (guess, expected) in [
            (guessed(&in_header, &[("x-token", "Bearer sixteen letters!")], BODY), "stands before or around it"),
            (guessed(&in_header, &[("x-token", "\"sixteen letters!\"")], BODY), "stands before or around it"),
            (guessed(&in_header, &[("x-token", "seventeen letters")], BODY), "is none of this source's tokens."),
            (guessed(&in_header, &[("authorization", "sixteen letters!")], BODY), "There is authorization, which"),
            (guessed(&in_body, &[], BODY), "No text stands at /token"),
            (guessed(&in_body, &[], br#"{"token":"x"}"#), "is none of this source's tokens."),
        ] {
            assert!(guess.contains(expected), "{expected}: {guess}");
        }
    }
}
