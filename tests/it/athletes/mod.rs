//! A parent's athletes: they are listed, added, corrected and removed.

mod add_athlete;
mod list_athletes;
mod remove_athlete;
mod update_athlete;

use tests::System;
use uuid::Uuid;

const ATHLETES: &str = "/api/athletes";

/// How often the CRM's task of a parent was asked for, and how many events there are that the parent has changed.
async fn follow_up(system: &System, parent: Uuid) -> (i64, i64) {
    let revision = system.task("sync-zoho", parent).await.map_or(0, |task| task.revision);
    let events = "select count(*) from webhook_events where user_id = $1 and type = 'user.updated'";
    (revision, system.value(events, &[&parent]).await)
}

/// The round trips of what was said: each `S` and each `Q`.
fn round_trips(said: &str) -> usize {
    said.chars().filter(|letter| matches!(letter, 'S' | 'Q')).count()
}
