//! The door's refusals: the same words for every scheme, so that they tell a stranger nothing about a source.

use crate::error::Error;

pub(super) fn unknown_source() -> Error {
    Error::Unauthenticated {
        code: "unknown-source",
        detail: "Name a source that is registered here, as ?source=… or in the header webhook-source.",
    }
}

pub(super) fn missing_signature() -> Error {
    Error::Unauthenticated {
        code: "missing-signature",
        detail: "Sign the request: send the signature or the token that was agreed for this source, with all it needs.",
    }
}

pub(super) fn bad_signature() -> Error {
    Error::Unauthenticated {
        code: "bad-signature",
        detail: "The signature or token does not fit. Sign the raw bytes of the body with this source's key.",
    }
}

pub(super) fn stale_timestamp() -> Error {
    Error::Unauthenticated {
        code: "stale-timestamp",
        detail: "The time that was signed is more than five minutes off. Sign each attempt anew, and check the sender's clock.",
    }
}

pub(super) fn bad_test_token() -> Error {
    Error::Unauthenticated {
        code: "bad-test-token",
        detail: "Send the test token of a source that is registered here in the header webhook-test-token.",
    }
}

pub(super) fn event_not_allowed() -> Error {
    Error::Forbidden {
        code: "event-not-allowed",
        detail: "This source may not send this event, or not for this host. Its events and hosts stand in its registration here.",
    }
}

pub(super) fn malformed(detail: impl Into<String>) -> Error {
    Error::Malformed { detail: detail.into() }
}
