//! `GET /api/user/context`: a plugin asks who is logged in, and gets it as data and as a sentence.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use shared::Error;
use shared::db::context::{Athlete, Gallery, Organization, OwnOrganization, Photographer, UserContext};
use shared::db::{self, Database};
use shared::domain::access::Scope;
use shared::domain::context::{self, Plain};
use shared::domain::{Role, UserId};
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::context::HOT]).await?, handle).await
}

/// Answers with one round trip to the database.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let connection = database.connection().await?;
    let found = db::context::of_subject(&connection, &caller.subject).await?;
    let context = found.ok_or_else(db::users::not_registered)?;
    let reads_names = caller.client.may(&[Scope::AthletesRead]);
    let context = if reads_names { context } else { context.without_names_of_athletes() };
    http::reply(StatusCode::OK, &Answer::from(context))
}

#[derive(Serialize)]
struct Answer {
    user: User,
    summary: String,
    athletes: Vec<Athlete>,
    organizations: Vec<Organization>,
    galleries: Vec<Gallery>,
    photographer: Option<Photographer>,
    organization: Option<OwnOrganization>,
}

#[derive(Serialize)]
struct User {
    id: UserId,
    role: Role,
    first_name: Option<Plain>,
}

impl From<UserContext> for Answer {
    fn from(found: UserContext) -> Self {
        Self {
            summary: context::summary(&found.person),
            user: User { id: found.id, role: found.role, first_name: found.first_name },
            athletes: found.athletes,
            organizations: found.organizations,
            galleries: found.galleries,
            photographer: found.photographer,
            organization: found.organization,
        }
    }
}
