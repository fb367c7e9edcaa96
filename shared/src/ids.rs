//! The one place where ids and other random things come from.

use uuid::Uuid;

/// A UUIDv7: ordered by time, so that indexes grow at one end and "newest first" is the order of ids.
#[expect(clippy::disallowed_methods, reason = "this is the home of ids")]
pub fn new() -> Uuid {
    Uuid::now_v7()
}

/// A random byte, for codes that people type.
#[expect(clippy::disallowed_methods, reason = "this is the home of randomness")]
pub fn random_byte() -> u8 {
    rand::random()
}

/// A random fraction in `0.0..1.0`, for jitter.
#[expect(clippy::disallowed_methods, reason = "this is the home of randomness")]
pub fn random_fraction() -> f64 {
    rand::random()
}
