//! `DELETE /api/user`: a user goes, with all that is hers here, at once. What the CRM has of her is deleted by a task,
//! however long that takes.

use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::users::User;
use shared::db::{self, Database, Transaction};
use shared::domain::event::{EmailHash, EventSubject};
use shared::domain::{Role, Subject};
use shared::lambda::{http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
    /// Where her erasure in the CRM stands in line.
    pub priority: Priority,
}

/// 204 once she is gone; 409 with everything that has to be settled first.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let subject = identity::subject(&request)?;

    let follow_up = loop {
        if let Some(follow_up) = db::once_more(|| delete(app, &subject)).await? {
            break follow_up;
        }
    };

    app.queues.wake(&follow_up).await;
    Ok(http::done())
}

/// `None`: her address has changed in this moment, and nothing was done.
async fn delete(app: &App, subject: &Subject) -> Result<Option<FollowUp>, Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let Some(user) = lock(&tx, subject).await? else { return Ok(None) };
    let hindrances = db::erasures::hindrances(&tx, user.id).await?;
    if !hindrances.is_empty() {
        return Err(Error::CannotBeDeleted(hindrances));
    }
    let told_in_vain = db::webhook_deliveries::failed_of_user(&tx, user.id).await?;
    db::inbox::forget(&tx, &subjects(&user)).await?;
    db::erasures::erase(&tx, user.id).await?;
    // What is left of these finds that nothing is left to tell, and ends; nobody is to look after it any more.
    let mut follow_up = db::tasks::revive(&tx, Kind::DeliverUserWebhook, &told_in_vain).await?;
    follow_up.and(db::tasks::enqueue_at(&tx, Kind::SyncZoho, &[user.id.0], app.priority).await?);
    tx.commit().await?;
    tracing::info!(user = %user.id, "a user was deleted");
    Ok(Some(follow_up))
}

/// The user, and whatever events may say about her, until the transaction ends: an order that comes meanwhile waits here
/// and then finds nobody. Events lock their subject before the user, and so does this: by an address that may be another
/// one once she is locked (`None`).
async fn lock(tx: &Transaction<'_>, subject: &Subject) -> Result<Option<User>, Error> {
    let user = db::users::by_subject(tx, subject).await?.ok_or_else(db::users::not_registered)?;
    if user.role == Role::Admin {
        return Err(Error::Forbidden {
            code: "admins-stay",
            detail: "An admin's account is not deleted here. Ask whoever operates this system.",
        });
    }
    db::inbox::lock_subjects(tx, &subjects(&user)).await?;
    let locked = db::users::lock_by_subject(tx, subject).await?.ok_or_else(db::users::not_registered)?;
    Ok(Some(locked).filter(|locked| (locked.id, &locked.email) == (user.id, &user.email)))
}

fn subjects(user: &User) -> [EventSubject; 2] {
    [EventSubject::Buyer(EmailHash::of(&user.email)), EventSubject::User(user.id)]
}
