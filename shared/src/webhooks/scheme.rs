//! How a source proves that it is the sender.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::headers::Headers;
use super::hmac::Hmac;
use super::keys::Key;
use super::standard::Standard;
use super::token::InPlace;
use crate::domain::{EventId, FieldCode, Form, Invalid};
use crate::error::Error;

/// A scheme with its keys, any of which is good.
#[derive(Debug)]
pub(super) enum Scheme {
    /// Standard Webhooks 1.0.0.
    Standard(Standard),
    /// A host's own habit of signing.
    Hmac(Hmac),
    /// A token that is sent along.
    Token(InPlace),
}

enum Name {
    Standard,
    Hmac,
    Token,
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "standard" => Ok(Self::Standard),
            "hmac" => Ok(Self::Hmac),
            "token" => Ok(Self::Token),
            _ => Err(Invalid::new(FieldCode::UnknownValue, "must be standard, hmac or token")),
        }
    }
}

impl Scheme {
    /// Reads a source's settings, as far as they are about its scheme.
    pub(super) fn read(form: &mut Form<'_>) -> Option<Self> {
        match form.required::<Name>("scheme")? {
            Name::Standard => Standard::read(form).map(Self::Standard),
            Name::Hmac => Hmac::read(form).map(Self::Hmac),
            Name::Token => InPlace::read(form).map(Self::Token),
        }
    }

    /// As the settings call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Standard(_) => "standard",
            Self::Hmac(_) => "hmac",
            Self::Token(_) => "token",
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        let (keys, more): (&[Key], &[Key]) = match self {
            Self::Standard(standard) => (&standard.shared, &standard.public),
            Self::Hmac(hmac) => (&hmac.keys, &[]),
            Self::Token(token) => (&token.tokens, &[]),
        };
        keys.iter().chain(more)
    }

    /// Looks for the proof, and returns the event's id where the scheme itself has one.
    ///
    /// # Errors
    /// `missing-signature`, `bad-signature`, `stale-timestamp`, all 401.
    pub(super) fn prove(
        &self,
        headers: &dyn Headers,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<EventId>, Error> {
        match self {
            Self::Standard(standard) => standard.prove(headers, body, now).map(Some),
            Self::Hmac(hmac) => hmac.prove(headers, body, now).map(|()| None),
            Self::Token(token) => token.prove(headers, body).map(|()| None),
        }
    }
}
