//! `PATCH /api/athletes/{id}`: a parent corrects what is known about an athlete. The CRM follows.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use shared::db::athletes::{self, Athlete, Family};
use shared::db::{self, Database, webhook_events};
use shared::domain::AthleteId;
use shared::domain::access::Caller;
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};
use shared::{Error, clock};

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
    let hot = [db::users::HOT, athletes::HOT_UPDATE, webhook_events::HOT];
    let app = App {
        database: start.database(&hot).await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 200 with the athlete as they are now.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let id = http::path::<AthleteId>(&request, "id");
    let patch = http::json_body(&request)?;

    let (athlete, follow_up) = db::once_more(|| update(app, &caller, id, &patch)).await?;

    app.queues.wake(&follow_up).await;
    http::reply(StatusCode::OK, &athlete)
}

async fn update(
    app: &App,
    caller: &Caller,
    id: Option<AthleteId>,
    patch: &Value,
) -> Result<(Athlete, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_caller(&tx, caller).await?;
    let family = Family::lock(&tx, user.id).await?;
    let (id, current) = family.get(id)?;
    let patched = current.patched(patch, clock::now().date_naive()).map_err(Error::Invalid)?;
    let mut follow_up = FollowUp::default();
    if patched != *current {
        athletes::update(&tx, id, &patched).await?;
        follow_up = family.changed(&tx, id, Some(&patched), app.priority).await?;
    }
    tx.commit().await?;
    Ok((Athlete::new(id, patched), follow_up))
}
