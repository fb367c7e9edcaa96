//! `POST /api/admin/organizations/{id}/hand-over`: the staff of schools changes, and with it who signs in for the organisation.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::Error;
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{Email, FieldError, Form, UserId};
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, db::hand_overs::HOT, db::audit::HOT];
    http::run(&start, start.database(&hot).await?, handle).await
}

/// 202: the organisation's next login has to sign up.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let id = http::path::<UserId>(&request, "id");
    let body = http::json_body(&request)?;

    let answer = db::once_more(|| ask(database, &caller, id, &body)).await?;

    http::reply(StatusCode::ACCEPTED, &answer)
}

#[derive(Serialize)]
struct Answer {
    organization_id: UserId,
    /// When it is too late.
    until: DateTime<Utc>,
}

fn email(body: &Value) -> Result<Email, Vec<FieldError>> {
    let mut form = Form::of(body).map_err(|error| vec![error])?;
    let email = form.required("email");
    form.finish(email)
}

async fn ask(database: &Database, caller: &Caller, id: Option<UserId>, body: &Value) -> Result<Answer, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let id = id.ok_or_else(db::organizations::unknown)?;
    if !db::organizations::exists(&tx, id).await? {
        return Err(db::organizations::unknown());
    }
    let email = email(body).map_err(Error::Invalid)?;
    let until = db::hand_overs::ask(&tx, id, &email).await?;
    db::audit::record(&tx, caller, &admin, Some(id.0), &json!({})).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, organization = %id, "an organisation is to be handed over");
    Ok(Answer { organization_id: id, until })
}
