//! `POST /api/webhooks/incoming`: the secure door. Size → source → signature on the raw bytes → time → envelope →
//! allowed → one transaction.

use std::slice;

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use shared::db::effects::Refusal;
use shared::db::inbox::{self, Entry, Taken};
use shared::db::{self, Database, effects, users};
use shared::domain::alert::Receipt;
use shared::domain::event::{CrmRecord, EventSubject};
use shared::lambda::webhook::{self, RequestHeaders};
use shared::lambda::{Start, StartError, http};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind};
use shared::webhooks::{Door, Incoming};
use shared::{Error, clock, ids};
use uuid::Uuid;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub door: Door,
    pub database: Database,
    pub queues: Queues,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        door: Door::new(&start.secrets(), clock::now()).await?,
        database: start.lazy_database().await?,
        queues: start.queues(&[
            Kind::FanOutGallery,
            Kind::SyncZoho,
            Kind::PullZoho,
            Kind::DeliverWebhook,
            Kind::DeliverUserWebhook,
        ])?,
    };
    http::run(&start, app, handle).await
}

/// 202 for what is new, 200 for what has been here before.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let source = webhook::source_name(&request);
    answer(app, &source, &request).await.inspect_err(|error| note_refusal(&source, error))
}

async fn answer(app: &App, source: &str, request: &Request) -> Result<Response<Body>, Error> {
    let now = clock::now();
    let headers = RequestHeaders(request.headers());
    let webhook = app.door.verify(source, &headers, request.body(), now).await?;
    let incoming = webhook.read(now)?;

    let (answer, follow_up) = match &incoming {
        Incoming::Event(event) => {
            let entry = Entry { id: ids::new(), source: webhook.source(), event };
            db::once_more(|| take(&app.database, &entry)).await.inspect_err(|error| tell_admins(&entry, error))?
        }
        Incoming::Receipts(receipts) => db::once_more(|| receive(&app.database, receipts)).await?,
        Incoming::RecordsChanged(records) => db::once_more(|| note(&app.database, records)).await?,
        Incoming::Ignored => {
            tracing::info!(source, "a webhook has no meaning here and is ignored");
            (Answer { id: None, status: Status::Ignored }, FollowUp::default())
        }
    };
    app.queues.wake(&follow_up).await;
    http::reply(answer.code(), &answer)
}

/// What the sender is told. The id is the first one's, also for a duplicate; what is ignored has none.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    status: Status,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Accepted,
    /// Kept until what it is about appears here.
    Pending,
    Duplicate,
    /// It has no meaning here.
    Ignored,
}

impl Answer {
    fn accepted() -> Self {
        Self { id: Some(ids::new()), status: Status::Accepted }
    }

    fn code(&self) -> StatusCode {
        match self.status {
            Status::Accepted | Status::Pending => StatusCode::ACCEPTED,
            Status::Duplicate | Status::Ignored => StatusCode::OK,
        }
    }
}

/// The event and its effect in one transaction; an effect that fails leaves no trace of the event.
async fn take(database: &Database, entry: &Entry<'_>) -> Result<(Answer, FollowUp), Error> {
    let subject = &entry.event.subject;
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    inbox::lock_subjects(&tx, slice::from_ref(subject)).await?;
    if let Taken::Duplicate(id) = inbox::take(&tx, entry).await? {
        return Ok((Answer { id: Some(id), status: Status::Duplicate }, FollowUp::default()));
    }
    let applied = effects::apply(&tx, subject).await?;
    match applied.as_ref().and_then(|applied| applied.refused.get(&entry.id)) {
        None => {}
        Some(Refusal::LinkedOtherwise) => return Err(users::linked_otherwise()),
        Some(Refusal::Unreadable) => {
            return Err(Error::internal("an event cannot be read that was found good", entry.event.kind.as_str()));
        }
    }
    tx.commit().await?;
    let status = if applied.is_some() { Status::Accepted } else { Status::Pending };
    Ok((Answer { id: Some(entry.id), status }, applied.unwrap_or_default().follow_up))
}

/// For who is asked why a source's events do not arrive. A name that is not registered, or was not looked for, is any
/// stranger's text.
fn note_refusal(source: &str, error: &Error) {
    let code = match error {
        Error::Unauthenticated { code: "unknown-source", .. } => return,
        Error::Unauthenticated { code, .. } | Error::Forbidden { code, .. } | Error::Conflict { code, .. } => code,
        Error::Malformed { .. } => "malformed",
        _ => return,
    };
    tracing::info!(source, code, "a webhook was refused");
}

/// A conflict leaves no row that an admin could find, and its sender is a machine.
fn tell_admins(entry: &Entry<'_>, error: &Error) {
    if let (Error::Conflict { code, .. }, EventSubject::User(user)) = (error, &entry.event.subject) {
        tracing::warn!(user = %user.0, source = entry.source, code, "a link to the CRM was refused");
    }
}

async fn receive(database: &Database, receipts: &[Receipt]) -> Result<(Answer, FollowUp), Error> {
    if !receipts.is_empty() {
        let mut connection = database.connection().await?;
        let tx = connection.transaction().await?;
        db::alerts::receive(&tx, receipts).await?;
        tx.commit().await?;
    }
    Ok((Answer::accepted(), FollowUp::default()))
}

/// Records that changed in the CRM are fetched by whoever works on their tasks.
async fn note(database: &Database, records: &[CrmRecord]) -> Result<(Answer, FollowUp), Error> {
    let keys: Vec<Uuid> = records.iter().map(|record| record.key()).collect();
    if keys.is_empty() {
        return Ok((Answer::accepted(), FollowUp::default()));
    }
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let follow_up = db::tasks::enqueue(&tx, Kind::PullZoho, &keys).await?;
    tx.commit().await?;
    Ok((Answer::accepted(), follow_up))
}
