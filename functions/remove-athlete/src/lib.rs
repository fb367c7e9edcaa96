//! `DELETE /api/athletes/{id}`: a parent removes an athlete, also from all rosters. No e-mail goes out for an athlete who is
//! gone, and the CRM follows.

use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::athletes::{self, Family};
use shared::db::{self, Database, alerts, webhook_events};
use shared::domain::AthleteId;
use shared::domain::access::Caller;
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
    /// Where the parent's task for the CRM stands in line.
    pub priority: Priority,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, athletes::HOT_REMOVE, alerts::HOT_DROP, webhook_events::HOT];
    let app = App {
        database: start.database(&hot).await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 204: the athlete is gone.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let id = http::path::<AthleteId>(&request, "id");

    let follow_up = db::once_more(|| remove(app, &caller, id)).await?;

    app.queues.wake(&follow_up).await;
    Ok(http::done())
}

async fn remove(app: &App, caller: &Caller, id: Option<AthleteId>) -> Result<FollowUp, Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_caller(&tx, caller).await?;
    let family = Family::lock(&tx, user.id).await?;
    let (id, _) = family.get(id)?;
    let organizations = athletes::remove(&tx, id).await?;
    alerts::drop_unsent(&tx, user.id, &organizations).await?;
    let follow_up = family.changed(&tx, id, None, app.priority).await?;
    tx.commit().await?;
    Ok(follow_up)
}
