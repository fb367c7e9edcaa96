//! `/_control/clock`: the simulator's own time. Tokens, channels, credits, page tokens, the recycle bin and the index of
//! `search` go by it.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, bad, body};
use crate::zoho::world::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default)]
    advance_seconds: u64,
    /// The instant to advance to, to the second; not one that is over.
    at: Option<DateTime<Utc>>,
}

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(told(shared.lock().now))
}

pub(super) async fn advance(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: Order = body(&text)?;
    let mut world = shared.lock();
    let until = order.at.map_or(0, |at| (at - world.now).num_milliseconds());
    if until < 0 {
        return Err(bad("at is over; the clock goes forward alone."));
    }
    // Up to the next second, so that it is never a moment before the instant.
    let until = until / 1000 + i64::from(until % 1000 != 0);
    let by = i64::try_from(order.advance_seconds).unwrap_or(i64::MAX).saturating_add(until);
    let offset = world.settings.clock_offset_seconds.saturating_add(by);
    let change = Map::from_iter([("clock_offset_seconds".to_owned(), offset.into())]);
    world.settings = world.settings.with(change).map_err(bad)?;
    drop(world);
    Ok(Json(told(shared.lock().now)))
}

fn told(now: DateTime<Utc>) -> Value {
    json!({ "now": now.to_rfc3339_opts(SecondsFormat::Millis, true) })
}
