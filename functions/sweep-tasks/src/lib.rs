//! Every minute: sends messages for tasks that are due and that no message has led to, and applies events that
//! wait although their gallery exists. So a lost message, a worker that died and a flag that was off cost time
//! and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::Error;
use shared::db::{self, Connection, Database};
use shared::lambda::sqs::TimeLeft;
use shared::queue::Queue;
use shared::tasks::Kind;

/// How many tasks of one kind get a message in one sweep: what its workers can do in a few minutes.
const QUOTA: usize = 1000;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    /// The queues of the kinds whose flag is on.
    pub queues: Vec<Queue>,
}

/// What was found and done.
#[derive(Debug, Serialize)]
pub struct Swept {
    /// Messages by kind.
    sent: BTreeMap<&'static str, usize>,
    /// Galleries whose events had been left waiting.
    galleries: usize,
}

/// The schedule's event says nothing that matters.
pub async fn handle(app: &App, _: serde_json::Value, _: TimeLeft) -> Result<Swept, Error> {
    let mut connection = app.database.connection().await?;
    let galleries = apply_forgotten(&mut connection).await?;
    let mut sent = BTreeMap::new();
    for queue in &app.queues {
        let kind: Kind = queue.kind();
        let due = db::tasks::due_for_dispatch(&connection, kind, QUOTA).await?;
        let messages = queue.send(&due.together, &due.alone).await?;
        if messages > 0 {
            tracing::info!(kind = kind.as_str(), tasks = due.together.len() + due.alone.len(), messages, "swept");
        }
        sent.insert(kind.as_str(), messages);
    }
    Ok(Swept { sent, galleries })
}

/// Events whose gallery was made without a look into the inbox: by hand, or by an import.
async fn apply_forgotten(connection: &mut Connection) -> Result<usize, Error> {
    let forgotten = db::inbox::forgotten(connection).await?;
    for subject in &forgotten {
        let tx = connection.transaction().await?;
        db::inbox::lock_subject(&tx, subject).await?;
        if let Some(mut gallery) = db::galleries::lock(&tx, subject).await? {
            db::inbox::apply_pending(&tx, subject, &mut gallery).await?;
        }
        tx.commit().await?;
    }
    Ok(forgotten.len())
}
