//! `POST /api/webhooks/incoming`: the secure door. Size → source → signature on the raw bytes → time → envelope →
//! allowed → one transaction.

use lambda_http::http::{HeaderMap, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde::Serialize;
use shared::db::inbox::{self, Entry, Taken};
use shared::db::{self, Database};
use shared::domain::alert::Receipt;
use shared::domain::gallery::Announcement;
use shared::lambda::http;
use shared::queue::Queue;
use shared::webhooks::{Event, Headers, MOST_BYTES, Source, Sources};
use shared::{Error, clock, ids};
use uuid::Uuid;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub sources: Sources,
    pub database: Database,
    pub fan_out_gallery: Queue,
}

/// 202 for what is new, 200 for what has been here before.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let now = clock::now();
    let body: &[u8] = request.body();
    if body.len() > MOST_BYTES {
        return Err(Error::TooLarge { most_bytes: MOST_BYTES });
    }
    let source = source(&app.sources, &request)?;
    let incoming = source.verify(&RequestHeaders(request.headers()), body, now)?.read(now)?;

    let answer = match &incoming.event {
        Event::Receipts(receipts) => db::once_more(|| receive(&app.database, receipts)).await?,
        Event::Gallery { event_id, subject, at, data, .. } => {
            let entry = Entry {
                id: ids::new(),
                source: source.name.as_str(),
                event_id,
                kind: incoming.kind,
                at: *at,
                subject,
                data,
            };
            let (answer, live) = db::once_more(|| take(&app.database, &entry)).await?;
            if let Some(gallery) = live {
                app.fan_out_gallery.wake(&[gallery]).await;
            }
            answer
        }
    };
    http::reply(answer.code(), &answer)
}

/// What the sender is told. The id is the first one's, also for a duplicate.
#[derive(Debug, Serialize)]
struct Answer {
    id: Uuid,
    status: Status,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Accepted,
    /// Kept until what it is about appears here.
    Pending,
    Duplicate,
}

impl Answer {
    fn code(&self) -> StatusCode {
        match self.status {
            Status::Accepted | Status::Pending => StatusCode::ACCEPTED,
            Status::Duplicate => StatusCode::OK,
        }
    }
}

/// Named in the query or, for senders that cannot have one, in a header. Neither is signed, which is why no two
/// sources share a key.
fn source<'a>(sources: &'a Sources, request: &Request) -> Result<&'a Source, Error> {
    let query = request.query_string_parameters();
    let header = || request.headers().get("webhook-source").and_then(|value| value.to_str().ok());
    sources.named(query.first("source").or_else(header).unwrap_or_default())
}

/// The event and its effect in one transaction; an effect that fails leaves no trace of the event. Returns the
/// gallery whose parents are to be told.
async fn take(database: &Database, entry: &Entry<'_>) -> Result<(Answer, Option<Uuid>), Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    inbox::lock_subject(&tx, entry.subject).await?;
    if let Taken::Duplicate(id) = inbox::take(&tx, entry).await? {
        return Ok((Answer { id, status: Status::Duplicate }, None));
    }
    let Some(mut gallery) = db::galleries::lock(&tx, entry.subject).await? else {
        tx.commit().await?;
        return Ok((Answer { id: entry.id, status: Status::Pending }, None));
    };
    let announcement = inbox::apply_pending(&tx, entry.subject, &mut gallery).await?;
    tx.commit().await?;
    let live = (announcement == Announcement::Due).then_some(gallery.id.0);
    Ok((Answer { id: entry.id, status: Status::Accepted }, live))
}

async fn receive(database: &Database, receipts: &[Receipt]) -> Result<Answer, Error> {
    if !receipts.is_empty() {
        let mut connection = database.connection().await?;
        let tx = connection.transaction().await?;
        db::alerts::receive(&tx, receipts).await?;
        tx.commit().await?;
    }
    Ok(Answer { id: ids::new(), status: Status::Accepted })
}

struct RequestHeaders<'a>(&'a HeaderMap);

impl Headers for RequestHeaders<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(lambda_http::http::HeaderValue::as_bytes)
    }
}
