//! Every minute: sends messages for tasks that are due and that no message has led to, and applies events that
//! wait although their subject exists. So a lost message, a worker that died and a flag that was off cost time
//! and nothing else.

use std::collections::BTreeMap;
use std::slice;

use serde::Serialize;
use shared::db::{self, Connection, Database};
use shared::domain::event::EventSubject;
use shared::lambda::sqs::TimeLeft;
use shared::metrics::Metrics;
use shared::queue::{Queue, Queues};
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
}

/// The schedule's event says nothing that matters. What fails for one kind or one subject is told at the end and
/// keeps nobody else waiting.
pub async fn handle(app: &App, _: serde_json::Value, _: TimeLeft) -> Result<Swept, Error> {
    let mut connection = app.database.connection().await?;
    let mut swept = Swept { sent: BTreeMap::new(), subjects: 0, expired: 0 };
    let mut failed = None;
    for queue in app.queues.as_slice() {
        match dispatch(&connection, queue).await {
            Ok(messages) => drop(swept.sent.insert(queue.kind().as_str(), messages)),
            Err(error) => failed = Some(error),
        }
    }
    for subject in &db::inbox::forgotten(&connection).await? {
        match apply(app, &mut connection, subject).await {
            Ok(()) => swept.subjects += 1,
            Err(error) => {
                tracing::error!(error = error.chain(), "an event that waits cannot be applied");
                failed = Some(error);
            }
        }
    }
    swept.expired = db::inbox::expire(&connection).await?;
    measure(app, &connection).await?;
    failed.map_or(Ok(swept), Err)
}

/// What alarms look at. Work that waits because its flag is off is nobody's trouble.
async fn measure(app: &App, connection: &Connection) -> Result<(), Error> {
    for backlog in db::tasks::backlog(connection).await? {
        let enabled = app.queues.as_slice().iter().any(|queue| queue.kind().as_str() == backlog.kind);
        let values = [
            ("TasksWaiting", backlog.waiting),
            ("TasksFailed", backlog.failed),
            ("OldestTaskSeconds", if enabled { backlog.oldest_seconds } else { 0 }),
            ("Paused", i64::from(backlog.paused)),
        ];
        app.metrics.put(clock::now(), &backlog.kind, &values);
    }
    Ok(())
}

async fn dispatch(connection: &Connection, queue: &Queue) -> Result<usize, Error> {
    let kind = queue.kind();
    let due = db::tasks::due_for_dispatch(connection, kind, QUOTA).await?;
    let messages = queue.send(&due.together, &due.alone).await?;
    if messages > 0 {
        tracing::info!(kind = kind.as_str(), tasks = due.together.len() + due.alone.len(), messages, "swept");
    }
    Ok(messages)
}

/// Events whose subject was made without a look into the inbox: by hand, or by an import.
async fn apply(app: &App, connection: &mut Connection, subject: &EventSubject) -> Result<(), Error> {
    let tx = connection.transaction().await?;
    db::inbox::lock_subjects(&tx, slice::from_ref(subject)).await?;
    let applied = db::effects::apply(&tx, subject).await?.unwrap_or_default();
    tx.commit().await?;
    app.queues.wake(&applied.follow_up).await;
    Ok(())
}
