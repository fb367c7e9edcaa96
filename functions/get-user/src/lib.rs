//! `GET /api/user`: a user reads what is known about the user here.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::{self, Database};
use shared::lambda::etag::Etag;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::profiles::HOT_OWN]).await?, handle).await
}

/// 200 with the user, the profile (null for an admin) and its etag, and the athletes. One round trip to the database.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let connection = database.connection().await?;
    let own = db::profiles::own(&connection, &caller).await?;
    let etag = Etag::of(&own.profile);
    Ok(etag.on(http::reply(StatusCode::OK, &own)?))
}
