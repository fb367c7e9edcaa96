//! `webhook_inbox`: every event once, and those that wait for what they are about.

use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::column::stored;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::event::{EmailHash, EventSubject};
use crate::error::Error;
use crate::webhooks::KeptEvent;

/// To apply what waits for a subject.
pub static HOT: Hot = &[&LOCK_SUBJECTS, &TAKE_OUT];

/// To look for what waits although its subject exists.
pub static HOT_SWEEP: Hot = &[&FORGOTTEN];

/// How many waiting subjects one sweep looks at.
const FEW: i64 = 5000;

/// An event on its way into the inbox.
#[derive(Debug)]
pub struct Entry<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub event: &'a KeptEvent,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// It has been here before, under this id.
    Duplicate(Uuid),
}

/// Lets one transaction at a time deal with subjects that may not exist yet, in an order that is everybody's.
pub async fn lock_subjects(tx: &Transaction<'_>, subjects: &[EventSubject]) -> Result<(), Error> {
    let texts: Vec<String> = subjects.iter().map(EventSubject::text).collect();
    tx.rows(&LOCK_SUBJECTS, [&texts]).await?;
    Ok(())
}

static LOCK_SUBJECTS: Statement<1> = Statement::new(
    "select pg_advisory_xact_lock(key)
     from (select distinct hashtextextended(subject, 0) as key from unnest($1) as subject order by key) as subject",
    [Type::TEXT_ARRAY],
);

/// Drops what events about these subjects have said, with the hash of a buyer's address; what has been done about them
/// stays.
pub async fn forget(tx: &Transaction<'_>, subjects: &[EventSubject]) -> Result<(), Error> {
    let texts: Vec<String> = subjects.iter().map(EventSubject::text).collect();
    tx.rows(&FORGET, [&texts]).await?;
    Ok(())
}

pub(super) static FORGET: Statement<1> = Statement::new(
    "update webhook_inbox set
         payload = null,
         subject = case when subject like 'buyer:%' then 'buyer:' else subject end
     where subject = any ($1) and payload is not null and status <> 'pending'",
    [Type::TEXT_ARRAY],
);

/// Ends what waits for these buyers, who will not come back under that address, and drops what it said.
pub async fn end_waiting(tx: &Transaction<'_>, buyers: &[EmailHash]) -> Result<(), Error> {
    let texts: Vec<String> = buyers.iter().map(|hash| EventSubject::Buyer(*hash).text()).collect();
    tx.rows(&END_WAITING, [&texts]).await?;
    Ok(())
}

pub(super) static END_WAITING: Statement<1> = Statement::new(
    "update webhook_inbox set status = 'expired', ended_at = now(), payload = null, subject = 'buyer:'
     where subject = any ($1) and status = 'pending'",
    [Type::TEXT_ARRAY],
);

/// Takes the event in, as pending. A copy that arrives at the same instant waits here and is a duplicate.
pub async fn take(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<Taken, Error> {
    let row = tx
        .row(
            &TAKE,
            [
                &entry.id,
                &entry.source,
                &entry.event.event_id.as_str(),
                &entry.event.kind.as_str(),
                &entry.event.at,
                &entry.event.subject.text(),
                &Json(entry.event.effect.to_keep()),
            ],
        )
        .await?;
    match row.map(|row| row.get::<_, Uuid>("id")) {
        Some(id) if id == entry.id => Ok(Taken::New),
        Some(id) => Ok(Taken::Duplicate(id)),
        // The copy committed after this statement began, so its row is not visible to it: look again.
        None => first_id(tx, entry).await.map(Taken::Duplicate),
    }
}

static TAKE: Statement<7> = Statement::new(
    "with new as (
         insert into webhook_inbox (id, source, event_id, type, status, occurred_at, subject, payload)
         values ($1, $2, $3, $4, 'pending', $5, $6, $7)
         on conflict (source, event_id) do nothing
         returning id
     )
     select id from new
     union all
     select id from webhook_inbox where source = $2 and event_id = $3",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TEXT, Type::JSONB],
);

async fn first_id(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<Uuid, Error> {
    let row = tx.row(&FIRST_ID, [&entry.source, &entry.event.event_id.as_str()]).await?;
    row.map(|row| row.get("id"))
        .ok_or_else(|| Error::internal("an event is neither new nor known", entry.source.to_owned()))
}

static FIRST_ID: Statement<2> =
    Statement::new("select id from webhook_inbox where source = $1 and event_id = $2", [Type::TEXT, Type::TEXT]);

/// Subjects that exist and for which events wait all the same: none, unless somebody made one without asking the
/// inbox. The sweep looks: at all that wait, or at a sixtieth of them each minute where they are many, since hosts tell
/// of the orders of people whom nobody here will ever know.
pub async fn forgotten(session: &impl Session) -> Result<Vec<EventSubject>, Error> {
    let rows = session.rows(&FORGOTTEN, [&FEW]).await?;
    let mut subjects = Vec::with_capacity(rows.len());
    for row in &rows {
        match stored(row, "subject") {
            Ok(subject) => subjects.push(subject),
            // Without the text: a buyer's is the hash of an address.
            Err(error) => tracing::error!(error = error.chain(), "the subject of an event cannot be read"),
        }
    }
    Ok(subjects)
}

static FORGOTTEN: Statement<1> = Statement::new(
    "with waiting as materialized (select distinct subject from webhook_inbox where status = 'pending')
     select subject
     from waiting
     where (
         (select count(*) from waiting) <= $1
         or abs(hashtext(subject) % 60) = extract(minute from now())::integer
     )
     -- a subject of another shape is nothing that could exist, and must not fail the statement
     and case
         when subject like 'gallery:%' then exists (
             -- 'gallery:host/id', where the id may have slashes of its own
             select from galleries
             where host = split_part(substr(subject, 9), '/', 1)
               and external_host_id = substr(subject, 10 + length(split_part(substr(subject, 9), '/', 1)))
         )
         when subject ~ '^buyer:[0-9a-f]{64}$' then exists (
             select from users where email_sha256(email) = decode(substr(subject, 7), 'hex')
         )
         when subject ~ '^user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then exists (
             select from users where id = substr(subject, 6)::uuid
         )
     end
     -- at random, so that some that fail again and again do not keep the others waiting
     order by random()
     limit 100",
    [Type::INT8],
);

/// A waiting event, taken out to be applied.
pub(super) struct Waiting {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) at: chrono::DateTime<chrono::Utc>,
    pub(super) payload: Value,
}

/// Marks whatever waits for a subject as applied, and returns it, oldest first.
pub(super) async fn take_out(tx: &Transaction<'_>, subject: &EventSubject) -> Result<Vec<Waiting>, Error> {
    let rows = tx.rows(&TAKE_OUT, [&subject.text()]).await?;
    Ok(rows
        .iter()
        .map(|row| Waiting {
            id: row.get("id"),
            kind: row.get("type"),
            at: row.get("occurred_at"),
            payload: row.get::<_, Option<Value>>("payload").unwrap_or_default(),
        })
        .collect())
}

static TAKE_OUT: Statement<1> = Statement::new(
    "with applied as (
         update webhook_inbox set status = 'applied', applied_at = now()
         where subject = $1 and status = 'pending'
         returning id, type, occurred_at, payload
     )
     select id, type, occurred_at, payload from applied order by occurred_at, id",
    [Type::TEXT],
);

/// It could not be applied, for this reason: an admin sees it.
pub(super) async fn refuse(tx: &Transaction<'_>, id: Uuid, reason: &str) -> Result<(), Error> {
    tx.rows(&REFUSE, [&id, &reason]).await?;
    Ok(())
}

static REFUSE: Statement<2> = Statement::new(
    "update webhook_inbox set status = 'refused', applied_at = null, ended_at = now(), reason = $2 where id = $1",
    [Type::UUID, Type::TEXT],
);
