//! How long other systems may take, all of it in one place: every call out of a function ends by itself. What a call costs
//! when it runs into its bound is said where it is made; nothing that is committed is lost by it.
//!
//! Sizes and tries are bounded beside what they belong to: [`tasks::backoff`](crate::tasks::backoff) and the kinds'
//! batch sizes, [`db::insist`](crate::db::insist), the size of an answer in `zoho::http` and `deliveries::client`.

use std::time::Duration;

/// Waking workers after a commit, over all queues together. The caller waits for its answer meanwhile, and the sweep
/// sends within a minute what could not be sent.
pub const WAKE: Duration = Duration::from_secs(1);

/// AWS: a connection, one attempt, and a call with all its attempts.
pub const AWS_CONNECT: Duration = Duration::from_secs(1);
pub const AWS_ATTEMPT: Duration = Duration::from_secs(2);
pub const AWS_CALL: Duration = Duration::from_secs(4);

/// Reading a secret anew while there is a former copy: a request waits for it.
pub const NEWER_SECRET: Duration = Duration::from_secs(2);

/// PostgreSQL: one attempt to connect and log in; all of them, with the reading of logins between; the question whether a
/// connection that was idle still lives.
pub const DATABASE_LOGIN: Duration = Duration::from_secs(3);
pub const DATABASE_CONNECTION: Duration = Duration::from_secs(6);
pub const DATABASE_LIVES: Duration = Duration::from_secs(1);

/// Reading the login, connecting, logging in and preparing statements while a function starts. Lambda gives a start ten
/// seconds, and another secret may take [`AWS_CALL`] of them; what is not ready by then, the first event makes ready.
pub const DATABASE_READY: Duration = Duration::from_secs(5);

/// How long a peer that is gone, with its machine or its network, keeps a connection to PostgreSQL: between what is sent
/// and what acknowledges it, and between two looks at a connection on which nothing is sent.
pub const DATABASE_PEER: Duration = Duration::from_secs(10);

/// How long PostgreSQL may be silent after something was sent. For the API a little longer than the `statement_timeout` of
/// the role (`migrations/V0001__roles.sql`), with which it answers itself unless it hangs; for workers a little shorter
/// than the shortest timeout of their functions, so that there is time to say what was done on another connection. `None`:
/// the owner, whose migrations take as long as they take.
pub fn database_silence(role: &str) -> Option<Duration> {
    // A pooler may want the project's name behind the role's.
    if role.starts_with("isoxp_api") {
        Some(Duration::from_secs(7))
    } else if role.starts_with("isoxp_worker") {
        Some(Duration::from_secs(40))
    } else {
        None
    }
}

/// Zoho: a connection, one exchange, and a call to the CRM, a new token and a second attempt included.
pub const ZOHO_CONNECT: Duration = Duration::from_secs(5);
pub const ZOHO_EXCHANGE: Duration = Duration::from_secs(15);
pub const ZOHO_CALL: Duration = Duration::from_secs(35);
/// Campaigns: getting ready to send, and the transmission.
pub const CAMPAIGNS_PREPARE: Duration = Duration::from_secs(30);
pub const CAMPAIGNS_TRANSMIT: Duration = Duration::from_secs(45);

/// One call to an endpoint, name resolution and the answer included.
pub const ENDPOINT_CALL: Duration = Duration::from_secs(15);
