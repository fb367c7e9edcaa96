//! What comes from the laptop itself: the time, randomness and `PATH`. The only place of the local services that asks.

use std::{ffi::OsString, time::SystemTime};

use chrono::{DateTime, Utc};

#[expect(clippy::disallowed_methods, reason = "the local Lambda and its neighbours take the time from here")]
pub(crate) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

#[expect(clippy::disallowed_methods, reason = "a function finds the machine's programs as its developer does")]
pub(crate) fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A random (version 4) UUID, which is what Lambda takes for request ids.
pub(crate) fn request_id() -> String {
    uuid::Builder::from_random_bytes(random()).into_uuid().to_string()
}

#[expect(clippy::disallowed_methods, reason = "request ids of the local services, never of the product")]
pub(crate) fn random<const N: usize>() -> [u8; N]
where
    rand::distr::StandardUniform: rand::distr::Distribution<[u8; N]>,
{
    rand::random()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
