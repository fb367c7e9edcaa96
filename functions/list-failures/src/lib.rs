//! `GET /api/admin/failures`: an admin reads which follow-up work did not succeed, and why.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use shared::Error;
use shared::db::tasks::{Failed, Failures, Place, State};
use shared::db::{self, Database};
use shared::domain::{FieldError, Form, Invalid, TaskKey};
use shared::lambda::page::Page;
use shared::lambda::{Start, StartError, http, identity};
use shared::tasks::Failure;

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::users::HOT, db::tasks::HOT_FAILURES]).await?, handle).await
}

/// 200 with a page of failures, the newest first.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let connection = database.connection().await?;
    db::users::caller(&connection, &caller).await?;
    let (wanted, page) = read(&request).map_err(Error::Invalid)?;
    let found = db::tasks::failures(&connection, &wanted, page.after.as_ref(), page.rows()).await?;

    http::reply(StatusCode::OK, &page.cut(found, Failed::place).map(Shown::from))
}

#[derive(Serialize)]
struct Shown {
    kind: String,
    key: TaskKey,
    state: &'static str,
    attempts: i32,
    failed_at: Option<DateTime<Utc>>,
    not_before: DateTime<Utc>,
    failure: Reason,
}

#[derive(Serialize)]
struct Reason {
    code: String,
    message: String,
    field: Option<String>,
    record: Option<String>,
}

impl From<Failed> for Shown {
    fn from(failed: Failed) -> Self {
        Self {
            state: match failed.state() {
                State::Failed => "failed",
                State::Retrying => "retrying",
            },
            kind: failed.kind,
            key: TaskKey(failed.key),
            attempts: failed.attempts,
            failed_at: failed.failed_at,
            not_before: failed.not_before,
            failure: {
                let Failure { code, message, field, record } = failed.failure;
                Reason { code, message, field, record }
            },
        }
    }
}

fn read(request: &Request) -> Result<(Failures, Page<Place>), Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let wanted =
        Failures { kind: form.optional("kind"), state: form.optional::<Wanted>("state").map(|Wanted(state)| state) };
    let page = Page::read(&mut form);
    form.finish(Some((wanted, page)))
}

struct Wanted(State);

impl FromStr for Wanted {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "failed" => Ok(Self(State::Failed)),
            "retrying" => Ok(Self(State::Retrying)),
            _ => Err(Invalid::not_one_of(&["failed", "retrying"])),
        }
    }
}
