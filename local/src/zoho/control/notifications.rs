//! `/_control/notifications`: what was sent to whom, what is held, and in which disorder it goes out.

use std::sync::Arc;

use axum::{Json, extract::State};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, body};
use crate::zoho::{watch::Notification, world::Shared};

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Order {
    DeliverHeld {
        #[serde(default)]
        order: Sequence,
        /// For `shuffled`: the same seed, the same order.
        seed: Option<u64>,
        /// How often each is sent, one after the other.
        #[serde(default = "once")]
        times: usize,
        /// Whether those of one kind to one channel become one.
        #[serde(default)]
        merge: bool,
        /// How many are sent, oldest first; the others stay held.
        count: Option<usize>,
    },
    DropHeld,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sequence {
    #[default]
    AsIs,
    Reversed,
    Shuffled,
}

fn once() -> usize {
    1
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.lock().watch.log.listed())
}

/// Answers when all were sent: the status of each, or why there was none.
pub(super) async fn act(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let due = match body(&text)? {
        Order::DropHeld => return Ok(Json(json!({ "dropped": shared.lock().watch.log.drop_held() }))),
        Order::DeliverHeld { order, seed, times, merge, count } => {
            let mut world = shared.lock();
            let mut held = world.watch.log.take_held(count.unwrap_or(usize::MAX));
            if merge {
                held = merged(held);
            }
            match (order, seed) {
                (Sequence::AsIs, _) => {}
                (Sequence::Reversed, _) => held.reverse(),
                (Sequence::Shuffled, Some(seed)) => held.shuffle(&mut StdRng::seed_from_u64(seed)),
                (Sequence::Shuffled, None) => held.shuffle(&mut world.random),
            }
            let often = held.into_iter().flat_map(|notification| std::iter::repeat_n(notification, times));
            often.map(|Notification { url, body, .. }| world.watch.log.due(url, body)).collect::<Vec<_>>()
        }
    };
    let mut statuses: Vec<Value> = Vec::with_capacity(due.len());
    for notification in &due {
        statuses.push(shared.notify(notification).await.map_or_else(Value::from, Value::from));
    }
    Ok(Json(json!({ "statuses": statuses })))
}

/// Those about the same kind of change in the same module, to the same channel, as one with all their records.
fn merged(held: Vec<Notification>) -> Vec<Notification> {
    let mut all: Vec<Notification> = Vec::new();
    for notification in held {
        let kind = |other: &Value| ["channel_id", "module", "operation", "token"].map(|key| other[key].clone());
        match all.iter_mut().find(|earlier| kind(&earlier.body) == kind(&notification.body)) {
            Some(earlier) => join(&mut earlier.body, &notification.body),
            None => all.push(notification),
        }
    }
    all
}

fn join(body: &mut Value, other: &Value) {
    for key in ["ids", "affected_fields", "affected_values"] {
        let Some(more) = other[key].as_array() else { continue };
        if let Some(own) = body[key].as_array_mut() {
            let new: Vec<_> = more.iter().filter(|item| !own.contains(item)).cloned().collect();
            own.extend(new);
        }
    }
    body["server_time"] = other["server_time"].clone();
}
