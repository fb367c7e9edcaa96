//! `POST /api/admin/tasks/replay`: an admin has mended what was broken and lets failed work run again.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::Error;
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{FieldCode, FieldError, Form, TaskKey};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind};
use uuid::Uuid;

/// How many tasks one request revives at most.
const MOST: usize = 1000;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start.database(&[db::users::HOT, db::tasks::HOT, db::tasks::HOT_REPLAY, db::audit::HOT]).await?,
        queues: start.queues(&Kind::ALL)?,
    };
    http::run(&start, app, handle).await
}

/// 200 with how many tasks run again and how many of the kind still wait for a person.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let (kind, answer, follow_up) = db::once_more(|| replay(app, &caller, &body)).await?;

    app.queues.wake(&follow_up).await;
    if answer.resumed
        && let Err(error) = app.queues.nudge(kind).await
    {
        tracing::warn!(error = error.chain(), "no message was sent; the sweep will send one");
    }
    http::reply(StatusCode::OK, &answer)
}

#[derive(Debug)]
struct Wanted {
    kind: Kind,
    /// `None`: all that have failed.
    keys: Option<Vec<Uuid>>,
    /// The kind's pause ends.
    resume: bool,
    /// Records that are gone in the CRM are made anew for the users whom the keys name.
    recreate: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    replayed: usize,
    resumed: bool,
    /// At most a thousand are counted.
    left: i64,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(body).map_err(|error| vec![error])?;
        let kind = form.required("kind");
        let keys: Vec<TaskKey> = form.list("keys", MOST);
        let all = form.flag("all");
        let resume = form.flag("resume");
        let recreate = form.flag("recreate");
        // What is there and no list has been told already.
        let named = body["keys"].as_array().map_or(!body["keys"].is_null(), |keys| !keys.is_empty());
        if named == all {
            let code = if all { FieldCode::Contradiction } else { FieldCode::Required };
            form.reject::<()>("keys", code, "must name tasks, or `all` must be true: one of the two");
        }
        if recreate && (all || kind.is_some_and(|kind| kind != Kind::SyncZoho)) {
            form.reject::<()>(
                "recreate",
                FieldCode::Contradiction,
                "goes with the kind sync-zoho and `keys`: the users whose records are to be made",
            );
        }
        let keys = (!all).then(|| keys.into_iter().map(|key| key.0).collect());
        form.finish(kind.map(|kind| Self { kind, keys, resume, recreate }))
    }
}

async fn replay(app: &App, caller: &Caller, body: &Value) -> Result<(Kind, Answer, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let wanted = Wanted::read(body).map_err(Error::Invalid)?;
    let kind = wanted.kind;
    // Before any task is locked: users come first.
    let to_recreate = match &wanted.keys {
        Some(keys) if wanted.recreate => db::operations::forget_gone(&tx, keys).await?,
        _ => Vec::new(),
    };
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let keys = db::tasks::failed_keys(&tx, kind, wanted.keys.as_deref(), most).await?;
    if matches!(kind, Kind::DeliverWebhook | Kind::DeliverUserWebhook) {
        db::operations::reopen(&tx, &keys).await?;
    }
    // Who gets a task anew is not revived as well, so that nobody is counted twice.
    let keys: Vec<Uuid> = keys.into_iter().filter(|key| !to_recreate.contains(key)).collect();
    let mut follow_up = db::tasks::revive(&tx, kind, &keys).await?;
    follow_up.and(db::tasks::enqueue(&tx, kind, &to_recreate).await?);
    let resumed = wanted.resume && db::tasks::resume(&tx, kind).await?;
    let left = db::tasks::failed(&tx, kind).await?;
    let (replayed, recreated) = (follow_up.keys(kind).len(), to_recreate.len());
    let details = json!({"kind": kind.as_str(), "keys": wanted.keys, "replayed": replayed, "recreated": recreated, "resumed": resumed});
    db::audit::record(&tx, caller, &admin, None, &details).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, kind = kind.as_str(), replayed, recreated, resumed, "an admin lets failed tasks run again");
    Ok((kind, Answer { replayed, resumed, left }, follow_up))
}
