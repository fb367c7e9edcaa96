//! `POST /api/rosters`: a parent puts her athletes on an organisation's roster with its join code.

use std::slice;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::Value;
use shared::Error;
use shared::db::rosters::Organization;
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{AthleteId, CodeKey, FieldCode, FieldError, Form, JoinCode};
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, db::join_codes::HOT, db::athletes::HOT, db::rosters::HOT];
    http::run(&start, start.database(&hot).await?, handle).await
}

/// 200 with the organisation and the athletes who are on its roster now; asking again changes nothing.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let joined = db::once_more(|| join(database, &caller, &body)).await?;

    http::reply(StatusCode::OK, &joined)
}

#[derive(Debug)]
struct Wanted {
    join_code: CodeKey,
    athletes: Vec<AthleteId>,
}

#[derive(Debug, Serialize)]
struct Joined {
    organization: Organization,
    athlete_ids: Vec<AthleteId>,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(body).map_err(|error| vec![error])?;
        let join_code: Option<JoinCode> = form.required("join_code");
        let athletes: Vec<AthleteId> = form.list("athlete_ids", 20);
        // What is there and no list has been told already.
        let missing = match &body["athlete_ids"] {
            Value::Null => Some(FieldCode::Required),
            Value::Array(list) if list.is_empty() => Some(FieldCode::Empty),
            _ => None,
        };
        if let Some(code) = missing {
            form.reject::<()>("athlete_ids", code, "must name at least one athlete");
        }
        form.finish(join_code.map(|code| Self { join_code: code.key(), athletes }))
    }
}

async fn join(database: &Database, caller: &Caller, body: &Value) -> Result<Joined, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_caller(&tx, caller).await?;
    let wanted = Wanted::read(body).map_err(Error::Invalid)?;
    let Some(found) = db::join_codes::find(&tx, &caller.subject, &wanted.join_code).await? else {
        // The wrong code counts, although the request fails.
        tx.commit().await?;
        return Err(db::join_codes::unknown());
    };
    let hers = db::athletes::ids_of_parent(&tx, user.id).await?;
    let strangers: Vec<FieldError> = wanted
        .athletes
        .iter()
        .enumerate()
        .filter(|(_, athlete)| !hers.contains(athlete))
        .map(|(index, _)| {
            let pointer = format!("/athlete_ids/{index}");
            FieldError::new(pointer, FieldCode::NotYours, "is not one of your athletes")
        })
        .collect();
    if !strangers.is_empty() {
        return Err(Error::Invalid(strangers));
    }
    db::rosters::join(&tx, slice::from_ref(&wanted.join_code), &wanted.athletes).await?;
    tx.commit().await?;
    Ok(Joined { organization: found.organization, athlete_ids: wanted.athletes })
}
