//! Two people edit the same thing: an answer carries a strong `etag` of what a PATCH can change, and a PATCH with an
//! `if-match` that is not this any more is refused (RFC 9110, 8.8.3 and 13.1.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::http::{HeaderValue, header};
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// The hash of a JSON value, in quotes. Objects have their names in order, so one value has one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    pub fn of(value: &Value) -> Self {
        let hash = Sha256::digest(value.to_string());
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..16])))
    }

    /// The answer with this tag.
    #[must_use]
    pub fn on(&self, mut answer: Response<Body>) -> Response<Body> {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            answer.headers_mut().insert(header::ETAG, value);
        }
        answer
    }
}

/// What a caller knows of what it changes.
#[derive(Clone, Debug, Default)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Several headers are one list.
    pub fn of(request: &Request) -> Self {
        let mut given =
            request.headers().get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default());
        Self(given.next().map(|first| given.fold(first.to_owned(), |list, next| format!("{list},{next}"))))
    }

    /// Compare under the lock of the row.
    ///
    /// # Errors
    /// `changed-meanwhile` (412), unless the caller names this tag, any (`*`), or none at all. A weak tag names none.
    pub fn check(&self, now: &Etag) -> Result<(), Error> {
        let Some(list) = &self.0 else { return Ok(()) };
        let names = |tag: &str| tag == "*" || tag == now.0;
        if list.split(',').map(str::trim).any(names) { Ok(()) } else { Err(Error::ChangedMeanwhile) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(headers: &[&str], now: &Etag) -> bool {
        let mut request = Request::default();
        for value in headers {
            request.headers_mut().append(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        }
        IfMatch::of(&request).check(now).is_ok()
    }

    #[test]
    fn one_value_has_one_tag_and_another_has_another() {
        let tag = Etag::of(&json!({"a": 1, "b": [2]}));

        assert_eq!(tag, Etag::of(&json!({"b": [2], "a": 1})));
        assert_ne!(tag, Etag::of(&json!({"a": 1, "b": [3]})));
        assert!(tag.0.starts_with('"') && tag.0.ends_with('"') && tag.0.len() == 24, "{tag:?}");
    }

    #[test]
    fn a_change_goes_through_with_the_tag_of_now_with_any_or_without_one() {
        let (now, before) = (Etag::of(&json!({"a": 1})), Etag::of(&json!({"a": 0})));
        let both = format!("{}, {}", before.0, now.0);
        let weak = format!("W/{}", now.0);

        for headers in [&[][..], &[&*now.0], &["*"], &[&*both], &[&*before.0, &*now.0]] {
            assert!(checked(headers, &now), "{headers:?}");
        }
        for headers in [&[&*before.0][..], &[&weak], &[""], &[now.0.trim_matches('"')]] {
            assert!(!checked(headers, &now), "{headers:?}");
        }
    }
}
