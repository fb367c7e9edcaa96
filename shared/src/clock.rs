//! The one place that asks what time it is. Everything else takes `now` as an argument; follow-up work
//! goes by the database's clock alone.

use chrono::{DateTime, Utc};

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the home of the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
