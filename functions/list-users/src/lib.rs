//! `GET /api/admin/users`: an admin finds users by what is known of them, and lists those of a kind.

use std::str::FromStr;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::operations::{self, FoundUser, UserPlace};
use shared::db::{self, Database};
use shared::domain::user_search::Search;
use shared::domain::{FieldCode, FieldError, Form, Invalid};
use shared::lambda::page::Page;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::users::HOT, operations::HOT_USERS]).await?, handle).await
}

/// 200 with a page of users.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let connection = database.connection().await?;
    db::users::caller(&connection, &caller).await?;
    let (wanted, page) = read(&request).map_err(Error::Invalid)?;
    let found = operations::users(&connection, &wanted, page.after.as_ref(), page.rows()).await?;

    http::reply(StatusCode::OK, &page.cut(found, FoundUser::place))
}

fn read(request: &Request) -> Result<(Search, Page<UserPlace>), Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let wanted = Search::new(
        form.optional("q"),
        form.optional("role"),
        form.optional::<Verified>("verified").map(|Verified(verified)| verified),
        form.optional("zip"),
        form.optional("level"),
    );
    let page: Page<UserPlace> = Page::read(&mut form);
    let (wanted, page) = form.finish(Some((wanted, page)))?;
    if page.after.as_ref().is_some_and(|place| place.order() != wanted.order()) {
        let message = "must be the `next` of an earlier answer to the same search";
        return Err(vec![FieldError::new("/cursor", FieldCode::NotACursor, message)]);
    }
    Ok((wanted, page))
}

struct Verified(bool);

impl FromStr for Verified {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(Invalid::not_one_of(&["true", "false"])),
        }
    }
}
