//! Every minute: sends messages for tasks that are due and that no message has led to, and applies events that
//! wait although their subject exists. So a lost message, a worker that died and a flag that was off cost time
//! and nothing else. It also registers the endpoints of the secret, which hear of what happens from then on.

mod refused;
mod secrets;

use std::collections::BTreeMap;
use std::slice;

use serde::Serialize;
use shared::config::Route;
use shared::db::{self, Connection, Database};
use shared::deliveries::Guard;
use shared::domain::event::EventSubject;
use shared::lambda::sqs::TimeLeft;
use shared::lambda::{Start, StartError, schedule};
use shared::metrics::Metrics;
use shared::queue::{Queue, Queues};
use shared::secrets::Secret;
use shared::tasks::{FollowUp, Kind};
use shared::{Error, clock};

/// How many tasks of one kind get a message in one sweep: what its workers can do in a few minutes.
const QUOTA: usize = 1000;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    /// The queues of the kinds whose flag is on.
    pub queues: Queues,
    pub metrics: Metrics,
    /// Who is told of events. Read by each sweep: what is wrong with it must not keep the others from their work.
    pub endpoints: Secret,
    /// Who may push events in: read by each sweep to tell the alarm of what is left out.
    pub sources: Secret,
    pub guard: Guard,
    /// Our credentials at Zoho: read only while a kind is stopped because Zoho refuses us.
    pub zoho: Secret,
    /// How people get into the CRM.
    pub route: Route,
    /// Whether changes in the CRM are ours to take over: `ENABLE_ZOHO_SYNC`, on the native route.
    pub reads_crm: bool,
}

/// What was found and done.
#[derive(Debug, Serialize)]
pub struct Swept {
    /// Messages by kind.
    sent: BTreeMap<&'static str, usize>,
    /// Galleries, buyers and users whose events had been left waiting.
    subjects: usize,
    /// Events that have waited for too long.
    expired: i64,
    /// Endpoints that were new, changed or gone.
    endpoints: usize,
    /// Kinds that go on because the secret is another one than that with which Zoho refused us, or because their route does
    /// without it.
    resumed: usize,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let queues = start.queues(&Kind::ALL)?;
    let metrics = Metrics::read(&start.environment)?;
    let app = App {
        database: start
            .database(&[
                db::webhook_endpoints::HOT_SWEEP,
                db::tasks::HOT_SWEEP,
                db::zoho_watch::HOT_SWEEP,
                db::inbox::HOT_SWEEP,
                db::retention::HOT,
            ])
            .await?,
        queues,
        metrics,
        endpoints: start.secrets().named("WEBHOOK_ENDPOINTS_SECRET")?,
        sources: start.secrets().named("WEBHOOK_SOURCES_SECRET")?,
        guard: Guard::read(&start.environment)?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        route: start.environment.parsed("ZOHO_SYNC_ROUTE")?,
        reads_crm: start.reads_crm()?,
    };
    schedule::run(app, handle).await
}

/// The schedule's event says nothing that matters. What fails for one kind or one subject is told at the end and
/// keeps nobody else waiting.
pub async fn handle(app: &App, _: serde_json::Value, _: TimeLeft) -> Result<Swept, Error> {
    let mut connection = app.database.connection().await?;
    let mut swept = Swept { sent: BTreeMap::new(), subjects: 0, expired: 0, endpoints: 0, resumed: 0 };
    let mut failures = Failures::default();
    swept.endpoints = failures.or_default("registering endpoints", secrets::endpoints(app, &mut connection).await);
    failures.or_default("looking for wrong sources", secrets::sources(app).await);
    swept.resumed = failures.or_default("looking for another secret", refused::look(app, &mut connection).await);
    for queue in app.queues.as_slice() {
        let messages = failures.or_default("sending messages", dispatch(&connection, queue).await);
        swept.sent.insert(queue.kind().as_str(), messages);
    }
    failures.or_default("measuring", measure(app, &connection).await);
    let forgotten = db::inbox::forgotten(&connection).await;
    let mut follow_up = FollowUp::default();
    for subject in &failures.or_default("looking for events that wait", forgotten) {
        let applied = apply(&mut connection, subject).await.map(|applied| (1, applied));
        let (subjects, applied) = failures.or_default("applying an event that waits", applied);
        swept.subjects += subjects;
        follow_up.and(applied);
    }
    // Once for all of them: a queue that says nothing costs a second, and not one for each.
    app.queues.wake(&follow_up).await;
    swept.expired = failures.or_default("dropping what is too old", db::retention::apply(&connection).await);
    failures.0.map_or(Ok(swept), Err)
}

/// The last of what went wrong; each is logged where it happens.
#[derive(Default)]
struct Failures(Option<Error>);

impl Failures {
    fn or_default<T: Default>(&mut self, step: &str, result: Result<T, Error>) -> T {
        result.unwrap_or_else(|error| {
            tracing::error!(step, error = error.chain(), "a step of the sweep failed");
            self.0 = Some(error);
            T::default()
        })
    }
}

/// What alarms look at. Work that waits because its flag is off is nobody's trouble.
async fn measure(app: &App, connection: &Connection) -> Result<(), Error> {
    for backlog in db::tasks::backlog(connection).await? {
        let enabled = app.queues.as_slice().iter().any(|queue| queue.kind().as_str() == backlog.kind);
        let values = [
            ("TasksWaiting", backlog.waiting),
            ("TasksFailed", backlog.failed),
            ("OldestTaskSeconds", if enabled { backlog.oldest_seconds } else { 0 }),
            ("Paused", i64::from(backlog.pause.is_some())),
        ];
        app.metrics.put(clock::now(), &backlog.kind, &values);
    }
    let disabled = db::webhook_endpoints::disabled(connection).await?;
    app.metrics.put(clock::now(), "webhook-endpoints", &[("EndpointsDisabled", disabled)]);
    if app.reads_crm {
        let attention = db::zoho_watch::attention(connection).await?;
        let values = [
            ("WatchHoursLeft", attention.watch_hours_left),
            ("ReconciledMinutesAgo", attention.reconciled_minutes_ago),
        ];
        app.metrics.put(clock::now(), "zoho", &values);
    }
    Ok(())
}

async fn dispatch(connection: &Connection, queue: &Queue) -> Result<usize, Error> {
    let kind = queue.kind();
    let due = db::tasks::due_for_dispatch(connection, kind, QUOTA).await?;
    let messages = queue.send(&due.together, &due.apart).await?;
    if messages > 0 {
        tracing::info!(kind = kind.as_str(), tasks = due.tasks(), messages, "swept");
    }
    Ok(messages)
}

/// Events whose subject was made without a look into the inbox: by hand, or by an import.
async fn apply(connection: &mut Connection, subject: &EventSubject) -> Result<FollowUp, Error> {
    let tx = connection.transaction().await?;
    db::inbox::lock_subjects(&tx, slice::from_ref(subject)).await?;
    let applied = db::effects::apply(&tx, subject).await?.unwrap_or_default();
    tx.commit().await?;
    Ok(applied.follow_up)
}
