//! `/_control/*`: what tests, the demo and developers do with the simulator that no client of Zoho can. Not authorised.

mod clock;
mod credentials;
mod notifications;
mod receipts;
mod records;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    delete as removal,
    faults::Order,
    fields::Module,
    operation::Operation,
    records::shown,
    traffic,
    world::{Shared, World},
};

pub(super) fn router(shared: Arc<Shared>) -> Router<Arc<Shared>> {
    let control = Router::new()
        .route("/state", get(state))
        .route("/requests", get(requests))
        .route("/violations", get(violations))
        .route("/rules", get(rules))
        .route("/faults", get(faults).post(arm_fault).delete(clear_faults))
        .route("/settings", get(settings).post(change_settings))
        .route("/clock", get(clock::show).post(clock::advance))
        .route("/credentials", post(credentials::change))
        .route("/create", post(records::create))
        .route("/edit", post(records::edit))
        .route("/merge", post(records::merge::merge))
        .route("/delete", post(records::delete))
        .route("/restore", post(records::restore::restore))
        .route("/lock", post(records::lock))
        .route("/notifications", get(notifications::list).post(notifications::act))
        .route("/receipts", post(receipts::send_receipts))
        .route("/webhook", post(receipts::set_webhook))
        .route("/release", post(release))
        .route("/reset", post(reset))
        .fallback(unknown)
        .with_state(shared);
    Router::new().nest("/_control", control)
}

type Answer = Result<Json<Value>, Refused>;

/// A control call that cannot be done, with the sentence that says why.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

fn bad(sentence: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, sentence.into())
}

fn body<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|error| bad(format!("The body does not fit: {error}.")))
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut world = shared.lock();
    let now = world.now;
    let credits = world.credits.used(now);
    world.watch.channels(now);
    let world: &World = &world;
    let all = |module: Module| -> Vec<Value> {
        world.table(module).iter().map(|record| shown(world, module, record)).collect()
    };
    let bin =
        |module: Module| -> Vec<&str> { removal::bin(world, module).map(|gone| gone.record.id.as_str()).collect() };
    let count = |operation: Operation| json!(world.calls.get(&operation).copied().unwrap_or_default());
    let calls: Map<_, _> =
        Operation::ALL.into_iter().map(|operation| (operation.name().to_owned(), count(operation))).collect();
    Json(json!({
        "contacts": all(Module::Contacts),
        "accounts": all(Module::Accounts),
        "recycle_bin": { "Contacts": bin(Module::Contacts), "Accounts": bin(Module::Accounts) },
        "transmissions": world.campaigns.transmissions,
        "calls": calls,
        "credits": credits,
        "watch": world.watch.shown(world),
        "notifications_sent": world.watch.log.count,
    }))
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.lock().requests.listed())
}

/// What the requests so far broke of the rules in Zoho's documents.
async fn violations(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.lock().traffic.listed())
}

/// The rules themselves, each with the page that it comes from.
async fn rules() -> Json<Value> {
    Json(traffic::rules())
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "faults": shared.lock().faults.listed() }))
}

async fn arm_fault(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let order: Order = body(&text)?;
    let mut world = shared.lock();
    world.faults.arm(order).map_err(bad)?;
    Ok(Json(json!({ "faults": world.faults.listed() })))
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.lock().faults.clear();
    Json(json!({ "faults": [] }))
}

async fn settings(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.lock().settings))
}

async fn change_settings(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let changes: Map<String, Value> = body(&text)?;
    let mut world = shared.lock();
    world.settings = world.settings.with(changes).map_err(bad)?;
    Ok(Json(json!(world.settings)))
}

async fn release(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.release_held();
    Json(json!({ "released": true }))
}

/// Back to the first day; what is held is let go.
async fn reset(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.lock().reset();
    shared.release_held();
    Json(json!({ "reset": true }))
}

async fn unknown() -> Refused {
    Refused(StatusCode::NOT_FOUND, "The simulator has no such control call.".to_owned())
}
