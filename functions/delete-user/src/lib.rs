//! `DELETE /api/user`: a user goes, with all that is hers here, at once. What the CRM has of her is deleted by a task,
//! however long that takes.

use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::users::User;
use shared::db::webhook_events::{self, Happening};
use shared::db::{self, Database, Transaction};
use shared::domain::access::Caller;
use shared::domain::event::{EmailHash, EventSubject};
use shared::lambda::{Start, StartError, http, identity};
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

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start
            .database(&[db::users::HOT, db::inbox::HOT, db::erasures::HOT, db::tasks::HOT_REVIVE, webhook_events::HOT])
            .await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 204 once she is gone; 409 with everything that has to be settled first.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let follow_up = loop {
        if let Some(follow_up) = db::once_more(|| delete(app, &caller)).await? {
            break follow_up;
        }
    };

    app.queues.wake(&follow_up).await;
    Ok(http::done())
}

/// `None`: the address has changed in this moment, and nothing was done.
async fn delete(app: &App, caller: &Caller) -> Result<Option<FollowUp>, Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let Some(Locked { user, former, subjects }) = lock(&tx, caller).await? else { return Ok(None) };
    let hindrances = db::erasures::hindrances(&tx, user.id).await?;
    if !hindrances.is_empty() {
        return Err(Error::CannotBeDeleted(hindrances));
    }
    let told_in_vain = db::webhook_deliveries::failed_of_user(&tx, user.id).await?;
    db::inbox::forget(&tx, &subjects).await?;
    db::inbox::end_waiting(&tx, &former).await?;
    db::erasures::erase(&tx, user.id).await?;
    // What is left of these finds that nothing is left to tell, and ends; nobody is to look after it any more.
    let mut follow_up = db::tasks::revive(&tx, Kind::DeliverUserWebhook, &told_in_vain).await?;
    follow_up.and(webhook_events::emit(&tx, Happening::UserDeleted(user.id)).await?);
    follow_up.and(db::tasks::enqueue_at(&tx, Kind::SyncZoho, &[user.id.0], app.priority).await?);
    tx.commit().await?;
    tracing::info!(user = %user.id, "a user was deleted");
    Ok(Some(follow_up))
}

/// The user, and what events may say about the user.
struct Locked {
    user: User,
    /// The addresses that the user had before.
    former: Vec<EmailHash>,
    subjects: Vec<EventSubject>,
}

/// Locked until the transaction ends: an order that comes meanwhile waits here and then finds no buyer. Events lock their
/// subject before the user, and so does this: by addresses that may be others once the user is locked (`None`).
async fn lock(tx: &Transaction<'_>, caller: &Caller) -> Result<Option<Locked>, Error> {
    let user = db::users::caller(tx, caller).await?;
    let former = db::users::former_emails(tx, user.id).await?;
    let buyers = former.iter().copied().chain([EmailHash::of(&user.email)]).map(EventSubject::Buyer);
    let subjects: Vec<EventSubject> = buyers.chain([EventSubject::User(user.id)]).collect();
    db::inbox::lock_subjects(tx, &subjects).await?;
    let locked = db::users::lock_caller(tx, caller).await?;
    let is_the_same =
        (locked.id, &locked.email) == (user.id, &user.email) && db::users::former_emails(tx, user.id).await? == former;
    // An address that the user has again is no former one: what waits for it waits for its next user.
    let former = former.into_iter().filter(|hash| *hash != EmailHash::of(&user.email)).collect();
    Ok(is_the_same.then_some(Locked { user: locked, former, subjects }))
}
