//! `POST /api/admin/alerts/send`: an admin sends what was held, or says what became of a batch that may have gone.

use std::str::FromStr;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::Error;
use shared::db::alerts::{self, Decision, RELEASED_AT_ONCE};
use shared::db::{self, Database};
use shared::domain::access::Caller;
use shared::domain::{AlertBatchId, FieldError, Form, GalleryId, Invalid};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queue;
use shared::tasks::{FollowUp, Kind};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub send_alerts: Queue,
    /// `ENABLE_EMAIL_ALERTS`.
    pub enabled: bool,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start.database(&[db::users::HOT, alerts::HOT_RELEASE, db::tasks::HOT, db::audit::HOT]).await?,
        send_alerts: start.queue(Kind::SendAlerts)?,
        enabled: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
    };
    http::run(&start, app, handle).await
}

/// 202 with how many alerts it concerns.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let mut alerts = 0;
    // A large gallery takes several transactions, each of which stands for itself.
    loop {
        let (number, goes_on, follow_up) = db::once_more(|| act(app, &caller, &body)).await?;
        app.send_alerts.wake(follow_up.keys(Kind::SendAlerts)).await;
        alerts += number;
        if !goes_on {
            break;
        }
    }
    http::reply(StatusCode::ACCEPTED, &Answer { alerts })
}

#[derive(Debug)]
enum Wanted {
    Held(GalleryId),
    Decided(AlertBatchId, Decision),
}

#[derive(Serialize)]
struct Answer {
    alerts: i64,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::of(body).map_err(|error| vec![error])?;
        if body["batch_id"].is_null() {
            let gallery = form.required("gallery_id");
            return form.finish(gallery.map(Self::Held));
        }
        let batch = form.required("batch_id");
        let decision = form.required("decision");
        form.finish(batch.zip(decision).map(|(batch, Decided(decision))| Self::Decided(batch, decision)))
    }

    /// As the request says it.
    fn decision(&self) -> &'static str {
        match self {
            Self::Held(_) => "send-held",
            Self::Decided(_, Decision::Sent) => "sent",
            Self::Decided(_, Decision::SendAgain) => "send-again",
        }
    }

    /// Whether e-mails are to leave because of it.
    fn sends(&self) -> bool {
        match self {
            Self::Held(_) | Self::Decided(_, Decision::SendAgain) => true,
            Self::Decided(_, Decision::Sent) => false,
        }
    }
}

struct Decided(Decision);

impl FromStr for Decided {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sent" => Ok(Self(Decision::Sent)),
            "send-again" => Ok(Self(Decision::SendAgain)),
            _ => Err(Invalid::not_one_of(&["sent", "send-again"])),
        }
    }
}

/// Returns how many alerts it concerned, and whether there may be more.
async fn act(app: &App, caller: &Caller, body: &Value) -> Result<(i64, bool, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let wanted = Wanted::read(body).map_err(Error::Invalid)?;
    if wanted.sends() && !app.enabled {
        return Err(Error::Conflict {
            code: "alerts-are-off",
            detail: "ENABLE_EMAIL_ALERTS is off, so nothing would be sent. Turn it on and send this request again.",
        });
    }
    let (subject, alerts, batches) = match wanted {
        Wanted::Held(gallery) => {
            let released = alerts::release(&tx, gallery).await?;
            (gallery.0, released.alerts, released.batches)
        }
        Wanted::Decided(batch, decision) => {
            let alerts = alerts::decide(&tx, batch, decision).await?;
            (batch.0, alerts, if wanted.sends() { vec![batch.0] } else { vec![] })
        }
    };
    let decision = wanted.decision();
    db::audit::record(&tx, caller, &admin, Some(subject), &json!({ "decision": decision, "alerts": alerts })).await?;
    let follow_up = db::tasks::enqueue(&tx, Kind::SendAlerts, &batches).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, ?wanted, alerts, "an admin has decided on alerts");
    let goes_on = matches!(wanted, Wanted::Held(_)) && alerts >= RELEASED_AT_ONCE;
    Ok((alerts, goes_on, follow_up))
}
