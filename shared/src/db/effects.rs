//! What events change: galleries, the ledger, links to the CRM. Whoever makes a subject asks here for what has been
//! waiting for it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Transaction;
use super::galleries::{self, Gallery};
use super::webhook_events::{self, Happening};
use super::{inbox, referrals, tasks, users};
use crate::domain::event::{Earning, Effect, EmailHash, EventSubject};
use crate::domain::{GalleryId, GalleryStatus, UserId};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind};

/// What came of the events that waited for a subject.
#[derive(Debug, Default)]
#[must_use = "workers are woken after the commit"]
pub struct Applied {
    pub follow_up: FollowUp,
    /// Events that could not be applied, by their ids in the inbox.
    pub refused: HashMap<Uuid, Refusal>,
}

/// Why an event could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The first link stays.
    LinkedOtherwise,
    /// What the inbox has kept of it is none of what it keeps: our fault.
    Unreadable,
}

impl Refusal {
    /// For whoever looks into the inbox.
    fn reason(self) -> &'static str {
        match self {
            Self::LinkedOtherwise => "Another Contact is linked to this user, or another user to this Contact.",
            Self::Unreadable => "Its payload cannot be read.",
        }
    }
}

impl Applied {
    async fn refuse(&mut self, tx: &Transaction<'_>, id: Uuid, refusal: Refusal) -> Result<(), Error> {
        inbox::refuse(tx, id, refusal.reason()).await?;
        self.refused.insert(id, refusal);
        Ok(())
    }
}

/// Applies whatever waits for a subject. `None`: it does not exist yet.
pub async fn apply(tx: &Transaction<'_>, subject: &EventSubject) -> Result<Option<Applied>, Error> {
    match subject {
        EventSubject::Gallery(key) => match galleries::lock(tx, key).await? {
            Some(mut gallery) => apply_to_gallery(tx, subject, &mut gallery).await.map(Some),
            None => Ok(None),
        },
        EventSubject::Buyer(hash) => match users::by_email_hash(tx, hash).await? {
            Some(buyer) => apply_to_buyer(tx, hash, buyer).await.map(Some),
            None => Ok(None),
        },
        EventSubject::User(user) if users::lock(tx, *user).await? => apply_to_user(tx, *user).await.map(Some),
        EventSubject::User(_) => Ok(None),
    }
}

/// Moves the gallery on by its host's events, and asks for its parents to be told if that made it live.
pub async fn apply_to_gallery(
    tx: &Transaction<'_>,
    subject: &EventSubject,
    gallery: &mut Gallery,
) -> Result<Applied, Error> {
    let (ready, mut applied) = waiting(tx, subject).await?;
    if ready.is_empty() {
        return Ok(applied);
    }
    let was = gallery.state.status;
    for Ready { at, effect, .. } in ready {
        if let Effect::Gallery(event) = effect {
            gallery.state = gallery.state.clone().after(event, at);
        }
    }
    galleries::save_state(tx, gallery.id, &gallery.state).await?;
    if was != GalleryStatus::Live && gallery.state.status == GalleryStatus::Live {
        applied.follow_up.and(announce(tx, gallery.id).await?);
    }
    Ok(applied)
}

/// Asks for the parents of a gallery that has gone live to be told, and tells endpoints: once. A gallery that was archived
/// before anybody was told is announced when it comes back, and endpoints hear of none whose organisation is not verified
/// before it is.
async fn announce(tx: &Transaction<'_>, gallery: GalleryId) -> Result<FollowUp, Error> {
    let Some(standing) = galleries::standing(tx, gallery).await? else { return Ok(FollowUp::default()) };
    let mut follow_up = FollowUp::default();
    if !standing.has_alerts {
        follow_up.and(tasks::enqueue(tx, Kind::FanOutGallery, &[gallery.0]).await?);
    }
    if !standing.has_alerts || standing.live_untold {
        if standing.verified {
            follow_up.and(webhook_events::emit(tx, Happening::GalleriesLive(&[gallery])).await?);
        }
        if standing.live_untold == standing.verified {
            galleries::set_live_untold(tx, gallery, !standing.verified).await?;
        }
    }
    Ok(follow_up)
}

/// Credits orders and bookings to the photographer who brought the buyer in.
pub async fn apply_to_buyer(tx: &Transaction<'_>, hash: &EmailHash, buyer: UserId) -> Result<Applied, Error> {
    let (ready, mut applied) = waiting(tx, &EventSubject::Buyer(*hash)).await?;
    let earned = |ready: Ready| match ready.effect {
        Effect::Earned(earning) => Some(earning),
        Effect::Gallery(_) | Effect::Linked(_) => None,
    };
    let earnings: Vec<Earning> = ready.into_iter().filter_map(earned).collect();
    let credited = referrals::credit(tx, buyer, &earnings).await?;
    applied.follow_up.and(webhook_events::emit(tx, Happening::ReferralsEarned(&credited)).await?);
    Ok(applied)
}

/// Links the user's Contact. The first link stays: another one is refused.
async fn apply_to_user(tx: &Transaction<'_>, user: UserId) -> Result<Applied, Error> {
    let (ready, mut applied) = waiting(tx, &EventSubject::User(user)).await?;
    for Ready { id, effect, .. } in ready {
        let Effect::Linked(contact) = effect else { continue };
        if users::link_contact(tx, user, &contact).await? {
            applied.follow_up.and(tasks::enqueue(tx, Kind::SyncZoho, &[user.0]).await?);
        } else {
            applied.refuse(tx, id, Refusal::LinkedOtherwise).await?;
        }
    }
    Ok(applied)
}

/// A waiting event that can be read.
struct Ready {
    id: Uuid,
    at: DateTime<Utc>,
    effect: Effect,
}

/// What waits for a subject, oldest first; what cannot be read is refused.
async fn waiting(tx: &Transaction<'_>, subject: &EventSubject) -> Result<(Vec<Ready>, Applied), Error> {
    let (mut ready, mut applied) = (Vec::new(), Applied::default());
    for event in inbox::take_out(tx, subject).await? {
        if let Some(effect) = Effect::kept(&event.kind, &event.payload) {
            ready.push(Ready { id: event.id, at: event.at, effect });
        } else {
            applied.refuse(tx, event.id, Refusal::Unreadable).await?;
        }
    }
    Ok((ready, applied))
}
