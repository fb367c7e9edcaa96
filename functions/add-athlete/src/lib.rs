//! `POST /api/athletes`: a parent adds an athlete, with the rosters to put the athlete on. The same child again is the one
//! that is there.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use shared::db::athletes::{self, Athlete, Family};
use shared::db::{self, Database, webhook_events};
use shared::domain::AthleteId;
use shared::domain::access::Caller;
use shared::domain::athlete::{Addition, MOST_ATHLETES};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};
use shared::{Error, clock, ids};

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
    let hot = [db::users::HOT, db::join_codes::HOT, athletes::HOT_ADD, db::rosters::HOT, webhook_events::HOT];
    let app = App {
        database: start.database(&hot).await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 201 with the new athlete, or 200 with the one of the same names and day of birth.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let (status, athlete, follow_up) = db::once_more(|| add(app, &caller, &body)).await?;

    app.queues.wake(&follow_up).await;
    match status {
        StatusCode::CREATED => http::created(&format!("/api/athletes/{}", athlete.id), &athlete),
        _ => http::reply(status, &athlete),
    }
}

async fn add(app: &App, caller: &Caller, body: &Value) -> Result<(StatusCode, Athlete, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_caller(&tx, caller).await?;
    let addition = Addition::read(body, clock::now().date_naive()).map_err(Error::Invalid)?;
    let codes = db::join_codes::find_all(&tx, &caller.subject, &addition.join_codes).await?;
    if !codes.unknown.is_empty() {
        // The wrong codes count, although the request fails.
        tx.commit().await?;
        return Err(Error::Invalid(addition.unknown_codes(&codes.unknown)));
    }
    let family = Family::lock(&tx, user.id).await?;
    let there = family.athletes.iter().find(|(_, athlete)| athlete.is_same_child(&addition.athlete));
    let (status, athlete, follow_up) = if let Some((id, athlete)) = there {
        (StatusCode::OK, Athlete::new(*id, athlete.clone()), FollowUp::default())
    } else {
        if family.athletes.len() >= MOST_ATHLETES {
            return Err(too_many_athletes());
        }
        let id = AthleteId(ids::new());
        athletes::insert(&tx, user.id, &[(id, &addition.athlete)]).await?;
        let follow_up = family.changed(&tx, id, Some(&addition.athlete), app.priority).await?;
        (StatusCode::CREATED, Athlete::new(id, addition.athlete), follow_up)
    };
    db::rosters::join(&tx, &codes.known, &[athlete.id]).await?;
    tx.commit().await?;
    Ok((status, athlete, follow_up))
}

fn too_many_athletes() -> Error {
    Error::Conflict {
        code: "too-many-athletes",
        detail: "You have 20 athletes, and that is the most. Remove one before you add another.",
    }
}
