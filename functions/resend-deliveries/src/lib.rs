//! `POST /api/admin/deliveries/resend`: an admin has an endpoint told again: of one event, or of all since a time.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::Error;
use shared::db::operations::{self, EventPlace, Resent, Since};
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{DeliveryId, FieldCode, FieldError, Form, Invalid};
use shared::lambda::page::{self, Cursor};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::Kind;

/// How many events one request sends where it does not say how many.
const USUAL: i64 = 100;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let queues = start.queues(&[Kind::DeliverWebhook, Kind::DeliverUserWebhook])?;
    let hot = [db::users::HOT, operations::HOT_RESEND, db::tasks::HOT, db::audit::HOT];
    http::run(&start, App { database: start.database(&hot).await?, queues }, handle).await
}

/// 202 with how many deliveries are on their way. A disabled endpoint is enabled by it.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let resent = db::once_more(|| resend(&app.database, &caller, &body)).await?;

    app.queues.wake(&resent.follow_up).await;
    let next = resent.next.as_ref().and_then(page::cursor);
    let answer = Answer { resent: resent.deliveries, more: next.is_some(), next };
    http::reply(StatusCode::ACCEPTED, &answer)
}

#[derive(Debug)]
enum Wanted {
    One(DeliveryId),
    Since(Since),
}

#[derive(Serialize)]
struct Answer {
    resent: usize,
    more: bool,
    /// Where the next request begins: its `cursor`.
    next: Option<String>,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(body).map_err(|error| vec![error])?;
        if !body["delivery_id"].is_null() {
            let one = form.required("delivery_id");
            return form.finish(one.map(Self::One));
        }
        let endpoint = form.required("endpoint");
        let since = form.required("since");
        let after = form.optional::<Cursor<EventPlace>>("cursor").map(|Cursor(place)| place);
        let most = form.number("most", &(1..=1000)).unwrap_or(USUAL);
        let delivered = form.flag("delivered");
        let wanted = endpoint.zip(since);
        let wanted = wanted.map(|(endpoint, Moment(since))| Since { endpoint, since, after, most, delivered });
        form.finish(wanted.map(Self::Since))
    }
}

struct Moment(DateTime<Utc>);

impl FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = DateTime::parse_from_rfc3339(text).map(|moment| Self(moment.to_utc()));
        moment.map_err(|_| Invalid::new(FieldCode::NotATime, "must be a moment like 2026-11-20T00:00:00Z"))
    }
}

async fn resend(database: &Database, caller: &Caller, body: &Value) -> Result<Resent, Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let wanted = Wanted::read(body).map_err(Error::Invalid)?;
    let resent = match &wanted {
        Wanted::One(id) => operations::resend_one(&tx, *id).await?,
        Wanted::Since(since) => operations::resend_since(&tx, since).await?,
    };
    let (subject, endpoint) = match &wanted {
        Wanted::One(id) => (Some(id.0), None),
        Wanted::Since(since) => (None, Some(&since.endpoint)),
    };
    let details = json!({ "endpoint": endpoint, "deliveries": resent.deliveries });
    db::audit::record(&tx, caller, &admin, subject, &details).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, deliveries = resent.deliveries, "an admin has deliveries sent again");
    Ok(resent)
}
