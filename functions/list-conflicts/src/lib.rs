//! `GET /api/admin/conflicts`: an admin reads where our side and the CRM did not agree, and whose record is gone over
//! there.

use std::str::FromStr;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::operations::{self, Disagreement, DisagreementFilter, DisagreementPlace};
use shared::db::{self, Database};
use shared::domain::{FieldError, Form, Invalid};
use shared::lambda::page::Page;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::users::HOT, operations::HOT_CONFLICTS]).await?, handle).await
}

/// 200 with a page of them, the newest first.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let connection = database.connection().await?;
    db::users::caller(&connection, &caller).await?;
    let (wanted, page) = read(&request).map_err(Error::Invalid)?;
    let found = operations::disagreements(&connection, &wanted, page.after.as_ref(), page.rows()).await?;

    http::reply(StatusCode::OK, &page.cut(found, Disagreement::place))
}

fn read(request: &Request) -> Result<(DisagreementFilter, Page<DisagreementPlace>), Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let wanted = DisagreementFilter {
        user: form.optional("user_id"),
        module: form.optional("module"),
        gone: form.optional("state").map(|state| matches!(state, State::Gone)),
    };
    let page = Page::read(&mut form);
    form.finish(Some((wanted, page)))
}

enum State {
    Conflict,
    Gone,
}

impl FromStr for State {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "conflict" => Ok(Self::Conflict),
            "gone" => Ok(Self::Gone),
            _ => Err(Invalid::not_one_of(&["conflict", "gone"])),
        }
    }
}
