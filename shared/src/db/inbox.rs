//! `webhook_inbox`: every event once, and those that wait for their subject.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::galleries::{self, Gallery};
use super::session::Session;
use super::tasks::{self, Priority};
use crate::domain::GalleryStatus;
use crate::domain::gallery::{Announcement, GalleryEvent};
use crate::error::Error;
use crate::tasks::Kind;
use crate::webhooks::{EventKind, GallerySubject};

/// An event as it is kept.
#[derive(Debug)]
pub struct Entry<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub event_id: &'a str,
    pub kind: EventKind,
    pub at: DateTime<Utc>,
    pub subject: &'a GallerySubject,
    pub data: &'a Value,
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
    let mut announcement = Announcement::None;
    for (at, event) in events {
        let (state, told) = gallery.state.clone().after(event, at);
        gallery.state = state;
        if told == Announcement::Due {
            announcement = Announcement::Due;
        }
    }
    galleries::save_state(tx, gallery.id, &gallery.state).await?;
    // Live and archived again before anybody was told: there is nothing to see any more.
    if gallery.state.status != GalleryStatus::Live {
        return Ok(Announcement::None);
    }
    if announcement == Announcement::Due {
        tasks::enqueue(tx, Kind::FanOutGallery, &[gallery.id.0], Priority::SignUp).await?;
    }
    Ok(announcement)
}

/// Galleries that exist and for which events wait all the same: none, unless somebody made a gallery without
/// asking the inbox. The sweep looks.
pub async fn forgotten(session: &impl Session) -> Result<Vec<GallerySubject>, Error> {
    let rows = session
        .rows(
            "select distinct gallery.host, gallery.external_host_id
             from webhook_inbox as event
             join galleries as gallery on event.subject = 'gallery:' || gallery.host || '/' || gallery.external_host_id
             where event.status = 'pending'
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
