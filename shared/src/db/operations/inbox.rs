//! What sources have told us that has not had its effect.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::error::Error;

/// How many waiting events are shown.
const SHOWN: i64 = 50;

/// At most a thousand of each are counted.
#[derive(Debug, Serialize)]
pub struct Inbox {
    /// They wait for what they are about.
    pub pending: i64,
    /// They could not be applied when it appeared.
    pub refused: i64,
    /// It never appeared.
    pub expired: i64,
    /// The oldest of those that wait.
    pub waiting: Vec<WaitingEvent>,
}

#[derive(Debug, Serialize)]
pub struct WaitingEvent {
    pub id: Uuid,
    pub source: String,
    pub r#type: String,
    /// A buyer is only said to be one: even the hash of an address can be guessed by who has the address.
    pub subject: String,
    pub received_at: DateTime<Utc>,
}

pub async fn inbox(session: &impl Session) -> Result<Inbox, Error> {
    let (counts, waiting) = tokio::try_join!(counts(session), waiting(session))?;
    let count = |status: &str| counts.get(status).copied().unwrap_or_default();
    Ok(Inbox { pending: count("pending"), refused: count("refused"), expired: count("expired"), waiting })
}

async fn counts(session: &impl Session) -> Result<BTreeMap<String, i64>, Error> {
    let rows = session.rows(&COUNTS, []).await?;
    Ok(rows.iter().map(|row| (row.get("status"), row.get("events"))).collect())
}

pub(super) static COUNTS: Statement<0> = Statement::new(
    "select 'pending' as status, count(*) as events
     from (select from webhook_inbox where status = 'pending' limit 1000) as pending
     union all
     select ended.status, (
         select count(*) from (
             select from webhook_inbox
             where webhook_inbox.status = ended.status::webhook_status and ended_at is not null
             limit 1000
         ) as event
     )
     from (values ('refused'), ('expired')) as ended (status)",
    [],
);

async fn waiting(session: &impl Session) -> Result<Vec<WaitingEvent>, Error> {
    let rows = session.rows(&WAITING, [&SHOWN]).await?;
    Ok(rows
        .iter()
        .map(|row| WaitingEvent {
            id: row.get("id"),
            source: row.get("source"),
            r#type: row.get("type"),
            subject: row.get("subject"),
            received_at: row.get("received_at"),
        })
        .collect())
}

pub(super) static WAITING: Statement<1> = Statement::new(
    "select id, source, type, received_at,
         case when subject like 'buyer:%' then 'buyer' else subject end as subject
     from webhook_inbox
     where status = 'pending'
     order by received_at
     limit $1",
    [Type::INT8],
);

/// When each of these sources last sent an event that went through the inbox.
pub async fn last_events(
    session: &impl Session,
    sources: &[&str],
) -> Result<BTreeMap<String, Option<DateTime<Utc>>>, Error> {
    let rows = session.rows(&LAST_EVENTS, [&sources]).await?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("last_event_at"))).collect())
}

pub(super) static LAST_EVENTS: Statement<1> = Statement::new(
    "select name, (select max(received_at) from webhook_inbox where source = name) as last_event_at
     from unnest($1) as name",
    [Type::TEXT_ARRAY],
);
