//! The door of the functions that others push events at: which copy of the sources is asked, and when a newer one.

use chrono::{DateTime, Utc};

use super::MOST_BYTES;
use super::diagnosis::Report;
use super::headers::Headers;
use super::sources::{Sources, SourcesSettings};
use super::verify::VerifiedWebhook;
use crate::config::ConfigError;
use crate::error::Error;
use crate::secrets::{FollowedSecret, Secrets};

/// The sources of the secret in `WEBHOOK_SOURCES_SECRET`, followed through its changes. A new key is known within five
/// minutes, and at once where a proof fails by a copy that is over half a minute old: at most one look at the secret
/// in half a minute, however many forgeries come.
#[derive(Debug)]
pub struct Door {
    sources: FollowedSecret<SourcesSettings, Sources>,
}

impl Door {
    /// While the secret cannot be used as a whole, the answer to everybody is that it is unavailable.
    ///
    /// # Errors
    /// The environment does not name the secret.
    pub async fn new(secrets: &Secrets<'_>, now: DateTime<Utc>) -> Result<Self, ConfigError> {
        let sources = secrets.followed_or("WEBHOOK_SOURCES_SECRET", now, Sources::of, Sources::unusable).await?;
        Ok(Self { sources })
    }

    /// Size, then source, then proof.
    ///
    /// # Errors
    /// `too-large` (413), `unknown-source`, `missing-signature`, `bad-signature`, `stale-timestamp` (401), `malformed`
    /// (400) where what is proven has no event id, `unavailable` (503) where the sources are not known.
    pub async fn verify<'a>(
        &self,
        source: &str,
        headers: &dyn Headers,
        body: &'a [u8],
        now: DateTime<Utc>,
    ) -> Result<VerifiedWebhook<'a>, Error> {
        if body.len() > MOST_BYTES {
            return Err(Error::TooLarge { most_bytes: MOST_BYTES });
        }
        let question = |sources: &Sources| sources.named(source)?.verify(headers, body, now);
        self.ask(now, question, |answer| answer.as_ref().is_err_and(may_be_outdated)).await
    }

    /// The report on a request for somebody who has the source's test token.
    ///
    /// # Errors
    /// `bad-test-token`, 401: the same answer where there is no such source.
    pub async fn diagnose(
        &self,
        source: &str,
        token: &[u8],
        headers: &dyn Headers,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Report, Error> {
        let question = |sources: &Sources| Ok(sources.to_be_tested(source, token)?.diagnose(headers, body, now));
        self.ask(now, question, |answer| !answer.as_ref().is_ok_and(Report::accepted)).await
    }

    /// Once more of newer sources where the answer may be due to old ones.
    async fn ask<T>(
        &self,
        now: DateTime<Utc>,
        question: impl Fn(&Sources) -> Result<T, Error>,
        may_be_outdated: impl Fn(&Result<T, Error>) -> bool,
    ) -> Result<T, Error> {
        let answer = question(&*self.sources.current(now).await);
        if !may_be_outdated(&answer) {
            return answer;
        }
        match self.sources.newer(now).await {
            Some(sources) => question(&sources),
            None => answer,
        }
    }
}

/// Whether another key or another source in the secret could make a difference.
fn may_be_outdated(refusal: &Error) -> bool {
    matches!(refusal, Error::Unauthenticated { code: "unknown-source" | "bad-signature", .. })
}

#[cfg(test)]
mod tests {
    use super::super::refusal::{bad_signature, malformed, missing_signature, stale_timestamp, unknown_source};
    use super::*;

    #[test]
    fn only_what_another_secret_could_change_is_asked_again() {
        assert!(may_be_outdated(&unknown_source()) && may_be_outdated(&bad_signature()));
        for refusal in [missing_signature(), stale_timestamp(), malformed("x")] {
            assert!(!may_be_outdated(&refusal), "{refusal}");
        }
    }
}
