//! `POST /api/user/email`: a user has changed the e-mail address where the user signs in, and has it taken over here.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use shared::Error;
use shared::db::users::User;
use shared::db::{self, Database, webhook_events};
use shared::domain::Email;
use shared::domain::access::Caller;
use shared::lambda::identity::EmailClaim;
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub email_claim: EmailClaim,
    pub queues: Queues,
    /// Where the user's task for the CRM stands in line.
    pub priority: Priority,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, db::users::HOT_EMAIL, db::inbox::HOT, webhook_events::HOT];
    let app = App {
        database: start.database(&hot).await?,
        email_claim: EmailClaim::read(&start.environment)?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 200 with the user as of now, also if the address is the same.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let email = identity::verified_email(&request, &app.email_claim)?;

    let (user, follow_up) = db::once_more(|| confirm(app, &caller, &email)).await?;

    app.queues.wake(&follow_up).await;
    http::reply(StatusCode::OK, &Answer { user })
}

#[derive(Serialize)]
struct Answer {
    user: User,
}

async fn confirm(app: &App, caller: &Caller, email: &Email) -> Result<(User, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let mut user = db::users::caller(&tx, caller).await?;
    let follow_up = db::addresses::take_over(&tx, &mut user, email, app.priority).await?;
    tx.commit().await?;
    Ok((user, follow_up))
}
