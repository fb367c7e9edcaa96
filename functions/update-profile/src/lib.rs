//! `PATCH /api/user/profile`: a user changes what her role may change about herself. Others are told, and the CRM
//! follows.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::Value;
use shared::Error;
use shared::db::users::User;
use shared::db::webhook_events::{self, Happening};
use shared::db::{self, Database};
use shared::domain::profile::ProfileChanges;
use shared::domain::{Role, Subject};
use shared::lambda::{http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
    /// Where her task for the CRM stands in line.
    pub priority: Priority,
}

/// 200 with the user and her profile as they are now.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let subject = identity::subject(&request)?;
    let patch = http::json_body(&request)?;

    let (updated, follow_up) = db::once_more(|| update(app, &subject, &patch)).await?;

    app.queues.wake(&follow_up).await;
    http::reply(StatusCode::OK, &updated)
}

#[derive(Serialize)]
struct Updated {
    user: User,
    profile: Value,
}

async fn update(app: &App, subject: &Subject, patch: &Value) -> Result<(Updated, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_by_subject(&tx, subject).await?.ok_or_else(db::users::not_registered)?;
    if user.role == Role::Admin {
        return Err(Error::Forbidden {
            code: "no-profile",
            detail: "An admin has no profile. Sign in as the parent, organisation or photographer whose profile it is.",
        });
    }
    let current = db::profiles::shown(&tx, user.id).await?.unwrap_or_default();
    let changes = ProfileChanges::read(user.role, patch, &current).map_err(Error::Invalid)?;
    if changes.is_empty() {
        return Ok((Updated { user, profile: current }, FollowUp::default()));
    }
    db::profiles::update(&tx, user.id, &changes).await?;
    let mut follow_up = webhook_events::emit(&tx, Happening::UserUpdated(user.id)).await?;
    follow_up.and(db::tasks::enqueue_at(&tx, Kind::SyncZoho, &[user.id.0], app.priority).await?);
    tx.commit().await?;
    Ok((Updated { user, profile: changes.applied_to(current) }, follow_up))
}
