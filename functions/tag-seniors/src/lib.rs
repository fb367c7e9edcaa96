//! Every day: parents of athletes in their last year at school get the tag of that year, and lose it when the year is
//! over. This only asks for their sync, which sets the tags that are right by then.
//!
//! Whoever cannot get the tag from us is asked for every day: where other people's tags leave no room for it, and where
//! sales have set it themselves, which makes it theirs. For every hundred of them that is one read, and no write.

use serde::Serialize;
use serde_json::Value;
use shared::db::{self, Database};
use shared::lambda::sqs::TimeLeft;
use shared::lambda::{Start, StartError, schedule};
use shared::{Error, clock};

/// What was done.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// Parents whose tags are to be changed and who were not waiting for a sync yet.
    asked: i64,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    schedule::run(start.database(&[db::seniors::HOT]).await?, handle).await
}

/// The schedule's event says nothing that matters: what is right follows from the day and from what was agreed on with the
/// CRM, so a day that was missed is made up for by the next.
pub async fn handle(database: &Database, _: Value, _: TimeLeft) -> Result<Asked, Error> {
    let connection = database.connection().await?;
    let asked = db::seniors::enqueue(&connection, clock::now().date_naive()).await?;
    tracing::info!(asked, "parents whose tags the school year has changed");
    Ok(Asked { asked })
}
