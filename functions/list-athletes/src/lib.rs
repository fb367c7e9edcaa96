//! `GET /api/athletes`: a parent's athletes, each with the organisations on whose rosters the athlete is.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::athletes::{self, Listed};
use shared::db::{self, Database};
use shared::domain::{AthleteId, FieldError, Form};
use shared::lambda::page::Page;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[athletes::HOT_LIST, db::users::HOT]).await?, handle).await
}

/// 200 with a page of athletes, in the order in which they were added.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let connection = database.connection().await?;
    let page = match read(&request) {
        Ok(page) => page,
        Err(errors) => {
            // Whether the caller may ask at all comes first.
            db::users::caller(&connection, &caller).await?;
            return Err(Error::Invalid(errors));
        }
    };
    let found = athletes::page(&connection, &caller, page.after, page.rows()).await?;

    http::reply(StatusCode::OK, &page.cut(found, Listed::place))
}

fn read(request: &Request) -> Result<Page<AthleteId>, Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let page = Page::read(&mut form);
    form.finish(Some(page))
}
