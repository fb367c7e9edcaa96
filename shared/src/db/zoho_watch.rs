//! `zoho_watch`: the one channel by which Zoho tells us of changes.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;

/// To keep the channel open.
pub static HOT: Hot = &[&INSERT, &CHANNEL, &CHECKED];

/// To measure for alarms.
pub static HOT_SWEEP: Hot = &[&ATTENTION];

/// What we last asked Zoho for, and until when it said that it would last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: i64,
    /// Of the token that Zoho sends along.
    pub token_sha256: [u8; 32],
    pub notify_url: String,
    /// In the past where it was never granted.
    pub expires_at: DateTime<Utc>,
}

/// The channel that there is, or this one from now on: of two who come at the same time, both get the same, so that
/// Zoho never has two channels of ours.
pub async fn channel(session: &impl Session, new: &Channel) -> Result<Channel, Error> {
    session.rows(&INSERT, [&new.id, &new.token_sha256.as_slice(), &new.notify_url, &new.expires_at]).await?;
    let row = session
        .row(&CHANNEL, [])
        .await?
        .ok_or_else(|| Error::internal("zoho_watch has lost its row", "it was there a moment ago"))?;
    let token_sha256 = row.get::<_, &[u8]>("token_sha256").try_into();
    Ok(Channel {
        id: row.get("channel_id"),
        token_sha256: token_sha256.map_err(|error| Error::internal("a stored value is not valid", error))?,
        notify_url: row.get("notify_url"),
        expires_at: row.get("expires_at"),
    })
}

static INSERT: Statement<4> = Statement::new(
    "insert into zoho_watch (channel_id, token_sha256, notify_url, expires_at) values ($1, $2, $3, $4)
     on conflict do nothing",
    [Type::INT8, Type::BYTEA, Type::TEXT, Type::TIMESTAMPTZ],
);

static CHANNEL: Statement<0> =
    Statement::new("select channel_id, token_sha256, notify_url, expires_at from zoho_watch", []);

/// Writes down what Zoho has just said of the channel.
pub async fn checked(session: &impl Session, channel: &Channel) -> Result<(), Error> {
    session
        .rows(&CHECKED, [&channel.id, &channel.token_sha256.as_slice(), &channel.notify_url, &channel.expires_at])
        .await?;
    Ok(())
}

static CHECKED: Statement<4> = Statement::new(
    "update zoho_watch set token_sha256 = $2, notify_url = $3, expires_at = $4, checked_at = now()
     where channel_id = $1",
    [Type::INT8, Type::BYTEA, Type::TEXT, Type::TIMESTAMPTZ],
);

/// How long changes in the CRM are still told of, and how long ago they were last looked for to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// 0: they are not told of.
    pub watch_hours_left: i64,
    /// A day or more is a day, and so is never.
    pub reconciled_minutes_ago: i64,
}

/// For alarms.
pub async fn attention(session: &impl Session) -> Result<Attention, Error> {
    let row = session
        .row(&ATTENTION, [])
        .await?
        .ok_or_else(|| Error::internal("a query without a table gave no row", "zoho_watch"))?;
    Ok(Attention { watch_hours_left: row.get("hours_left"), reconciled_minutes_ago: row.get("minutes_ago") })
}

static ATTENTION: Statement<0> = Statement::new(
    "select
         greatest(0, coalesce(
             (select floor(extract(epoch from expires_at - now()) / 3600) from zoho_watch), 0
         ))::bigint as hours_left,
         least(1440, (
             select max(coalesce(extract(epoch from now() - ran_at) / 60, 1440)) from zoho_cursors
         ))::bigint as minutes_ago",
    [],
);
