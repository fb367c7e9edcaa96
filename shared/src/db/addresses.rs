//! An e-mail address that the identity provider has verified anew, and what follows from it.

use super::users::User;
use super::webhook_events::{self, Happening};
use super::{Transaction, effects, inbox, tasks, users};
use crate::domain::Email;
use crate::domain::event::{EmailHash, EventSubject};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind, Priority};

/// Takes over the address, unless it is the user's already.
///
/// # Errors
/// `email-taken` (409): another user has it.
pub async fn take_over(
    tx: &Transaction<'_>,
    user: &mut User,
    email: &Email,
    priority: Priority,
) -> Result<FollowUp, Error> {
    if user.email == *email {
        return Ok(FollowUp::default());
    }
    users::change_email(tx, user.id, email).await?;
    user.email = email.clone();
    changed(tx, user, priority).await
}

/// What follows from another address: what waited for its user, an event, and the CRM.
pub async fn changed(tx: &Transaction<'_>, user: &User, priority: Priority) -> Result<FollowUp, Error> {
    let mut follow_up = purchases(tx, user).await?;
    follow_up.and(webhook_events::emit(tx, Happening::UserUpdated(user.id)).await?);
    follow_up.and(tasks::enqueue_at(tx, Kind::SyncZoho, &[user.id.0], priority).await?);
    Ok(follow_up)
}

/// Credits the orders and bookings under the user's address that waited for a user to have it.
pub async fn purchases(tx: &Transaction<'_>, user: &User) -> Result<FollowUp, Error> {
    let hash = EmailHash::of(&user.email);
    inbox::lock_subjects(tx, &[EventSubject::Buyer(hash)]).await?;
    Ok(effects::apply_to_buyer(tx, &hash, user.id).await?.follow_up)
}
