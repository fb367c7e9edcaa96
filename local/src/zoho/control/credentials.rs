//! `POST /_control/credentials`: the customer revokes what he gave us, and perhaps gives us something new.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, body};
use crate::zoho::world::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

/// What is not named stays. Every access token ends.
pub(super) async fn change(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: Order = body(&text)?;
    let mut world = shared.lock();
    let known = &mut world.credentials;
    for (new, place) in [
        (order.client_id, &mut known.client_id),
        (order.client_secret, &mut known.client_secret),
        (order.refresh_token, &mut known.refresh_token),
    ] {
        if let Some(new) = new {
            *place = new;
        }
    }
    world.tokens.revoke();
    Ok(Json(json!({ "changed": true })))
}
