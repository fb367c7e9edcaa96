//! `PUT /api/admin/organizations/{id}/verification`: an admin has looked at who an organisation is. From now on what it
//! publishes reaches parents.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::json;
use shared::Error;
use shared::db::verification::{self, Organization};
use shared::db::{self, Database, webhook_events};
use shared::domain::UserId;
use shared::domain::access::Caller;
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, verification::HOT, webhook_events::HOT, db::audit::HOT];
    let app = App { database: start.database(&hot).await?, queues: start.queues(&[Kind::DeliverWebhook])? };
    http::run(&start, app, handle).await
}

/// 200 with the organisation; the same again for one that is verified.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let id = http::path::<UserId>(&request, "id");

    let (organization, follow_up) = db::once_more(|| verify(app, &caller, id)).await?;

    app.queues.wake(&follow_up).await;
    http::reply(StatusCode::OK, &organization)
}

async fn verify(app: &App, caller: &Caller, id: Option<UserId>) -> Result<(Organization, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let id = id.ok_or_else(db::organizations::unknown)?;
    let (organization, follow_up) = verification::verify(&tx, id).await?;
    db::audit::record(&tx, caller, &admin, Some(id.0), &json!({})).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, organization = %id, "an organisation was verified");
    Ok((organization, follow_up))
}
