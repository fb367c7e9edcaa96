//! `webhook_inbox`: every event once, and those that wait for their subject.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::alerts;
use super::galleries::{self, Gallery};
use super::session::Session;
use super::tasks::{self};
use crate::domain::GalleryStatus;
use crate::domain::gallery::GallerySubject;
use crate::domain::gallery::{Announcement, GalleryEvent};
use crate::error::Error;
use crate::tasks::Kind;
use crate::webhooks::EventKind;

/// An event as it is kept.
pub struct Entry<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub event_id: &'a str,
    pub kind: EventKind,
    pub at: DateTime<Utc>,
    pub subject: &'a GallerySubject,
    pub data: &'a Value,
}

/// Without the data, which may speak of people.
impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}, {} {})", self.id, self.source, self.kind.as_str())
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// It has been here before, under this id.
    Duplicate(Uuid),
}

/// Lets one transaction at a time deal with a subject that may not exist yet.
pub async fn lock_subject(tx: &Transaction<'_>, subject: &GallerySubject) -> Result<(), Error> {
    tx.rows("select pg_advisory_xact_lock(hashtextextended($1, 0))", &[(&subject.text(), Type::TEXT)]).await?;
    Ok(())
}

/// Takes the event in, as pending. A copy that arrives at the same instant waits here and is a duplicate.
pub async fn take(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<Taken, Error> {
    let row = tx
        .row(
            "with new as (
                 insert into webhook_inbox (id, source, event_id, type, status, occurred_at, subject, payload)
                 values ($1, $2, $3, $4, 'pending', $5, $6, $7)
                 on conflict (source, event_id) do nothing
                 returning id
             )
             select id from new
             union all
             select id from webhook_inbox where source = $2 and event_id = $3",
            &[
                (&entry.id, Type::UUID),
                (&entry.source, Type::TEXT),
                (&entry.event_id, Type::TEXT),
                (&entry.kind.as_str(), Type::TEXT),
                (&entry.at, Type::TIMESTAMPTZ),
                (&entry.subject.text(), Type::TEXT),
                (&Json(entry.data), Type::JSONB),
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

async fn first_id(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<Uuid, Error> {
    let row = tx
        .row(
            "select id from webhook_inbox where source = $1 and event_id = $2",
            &[(&entry.source, Type::TEXT), (&entry.event_id, Type::TEXT)],
        )
        .await?;
    row.map(|row| row.get("id"))
        .ok_or_else(|| Error::internal("an event is neither new nor known", entry.source.to_owned()))
}

/// Applies whatever waits for this gallery, oldest first, and asks for the parents to be told if that made it
/// live. Returns whether it did.
pub async fn apply_pending(
    tx: &Transaction<'_>,
    subject: &GallerySubject,
    gallery: &mut Gallery,
) -> Result<Announcement, Error> {
    let rows = tx
        .rows(
            "update webhook_inbox set status = 'applied', applied_at = now()
             where subject = $1 and status = 'pending'
             returning type, occurred_at, payload",
            &[(&subject.text(), Type::TEXT)],
        )
        .await?;
    let mut events: Vec<(DateTime<Utc>, GalleryEvent)> = rows
        .iter()
        .filter_map(|row| {
            let data: Option<Value> = row.get("payload");
            Some((row.get("occurred_at"), GalleryEvent::kept(row.get("type"), &data.unwrap_or_default())?))
        })
        .collect();
    if events.is_empty() {
        return Ok(Announcement::None);
    }
    events.sort_by_key(|(at, _)| *at);
    let was = gallery.state.status;
    for (at, event) in events {
        gallery.state = gallery.state.clone().after(event, at);
    }
    galleries::save_state(tx, gallery.id, &gallery.state).await?;
    // Parents are told once. A gallery that was archived before anybody was told is announced when it comes back.
    let goes_live = was != GalleryStatus::Live && gallery.state.status == GalleryStatus::Live;
    if !goes_live || alerts::were_made(tx, gallery.id).await? {
        return Ok(Announcement::None);
    }
    tasks::enqueue(tx, Kind::FanOutGallery, &[gallery.id.0]).await?;
    Ok(Announcement::Due)
}

/// Galleries that exist and for which events wait all the same: none, unless somebody made a gallery without
/// asking the inbox. The sweep looks.
pub async fn forgotten(session: &impl Session) -> Result<Vec<GallerySubject>, Error> {
    let rows = session
        .rows(
            "with waiting as materialized (
                 -- 'gallery:host/id', where the id may have slashes of its own
                 select distinct split_part(substr(subject, 9), '/', 1) as host,
                     substr(subject, 10 + length(split_part(substr(subject, 9), '/', 1))) as external_host_id
                 from webhook_inbox
                 where status = 'pending'
             )
             select gallery.host, gallery.external_host_id
             from waiting
             cross join lateral (
                 select host, external_host_id from galleries
                 where galleries.host = waiting.host and galleries.external_host_id = waiting.external_host_id
                 limit 1
             ) as gallery
             limit 100",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(GallerySubject {
                host: super::column::stored(row, "host")?,
                external_host_id: super::column::stored(row, "external_host_id")?,
            })
        })
        .collect()
}
