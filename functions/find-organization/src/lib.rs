//! `GET /api/organizations?join_code=`: a user looks whose code it is before joining. Wrong codes are counted.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::rosters::Joinable;
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{CodeKey, FieldError, Form, JoinCode};
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::users::HOT, db::join_codes::HOT]).await?, handle).await
}

/// 200 with the organisation.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let found = db::once_more(|| find(database, &caller, &request)).await?;

    http::reply(StatusCode::OK, &found)
}

fn join_code(request: &Request) -> Result<CodeKey, Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let join_code = form.required::<JoinCode>("join_code");
    form.finish(join_code.map(|code| code.key()))
}

async fn find(database: &Database, caller: &Caller, request: &Request) -> Result<Joinable, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    db::users::lock_caller(&tx, caller).await?;
    let join_code = join_code(request).map_err(Error::Invalid)?;
    let found = db::join_codes::find(&tx, &caller.subject, &join_code).await?;
    // A wrong code counts, although the request fails.
    tx.commit().await?;
    found.ok_or_else(db::join_codes::unknown)
}
