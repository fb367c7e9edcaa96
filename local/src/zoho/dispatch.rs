//! Zoho's side of one request: authorisation, limits, and the operation, in one synchronous step.

use axum::http::StatusCode;
use serde_json::json;

use super::{
    call::Call, campaigns, coql, create_update, delete, faults::Plan, fields::Module, limits, oauth,
    operation::Operation, read, reply::Reply, search, tags, upsert, watch, world::World,
};

/// Does what the call asks for and says what Zoho would say.
pub(super) fn answer(world: &mut World, call: &Call, plan: &Plan) -> Reply {
    if call.operation == Operation::Token {
        return oauth::grant(world, call);
    }
    if let Err(refusal) = oauth::authorize(world, call) {
        return unauthorized(call, refusal);
    }
    if call.operation.is_campaigns() {
        return campaigns::answer(world, call, plan);
    }
    if !call.operation.is_crm() {
        return Reply::invalid_url();
    }
    let reply = limits::charge(world, call).and_then(|()| crm(world, call, plan)).unwrap_or_else(|refusal| refusal);
    limits::show_remaining(world, reply)
}

/// A 401 in the manner of the service that was called.
pub(super) fn unauthorized(call: &Call, crm: Reply) -> Reply {
    if !call.operation.is_campaigns() {
        return crm;
    }
    // Campaigns spells these keys with capitals when it does not know the caller.
    let body = json!({
        "message": "Unauthorized request.", "version": "1.0", "URI": call.path, "Code": "1007", "status": "error",
    });
    Reply::json(StatusCode::UNAUTHORIZED, body)
}

/// A refusal with this status, in the manner of the service that was called: what the fault `status-NNN` shows.
pub(super) fn refusal(call: &Call, status: StatusCode) -> Reply {
    if call.operation.is_campaigns() {
        if status == StatusCode::UNAUTHORIZED {
            return unauthorized(call, Reply::invalid_token());
        }
        return campaigns::error(status, campaigns::code_of(status), "The request could not be completed");
    }
    if call.operation == Operation::Token {
        return Reply::json(status, json!({ "error": "general_error" }));
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS => Reply::too_many_requests(),
        StatusCode::UNAUTHORIZED => Reply::invalid_token(),
        StatusCode::NOT_FOUND => Reply::invalid_url(),
        StatusCode::FORBIDDEN => Reply::no_permission(call.module.as_deref()),
        StatusCode::BAD_REQUEST => Reply::crm(status, "INVALID_REQUEST", "invalid request", json!({})),
        status => Reply::crm(status, "INTERNAL_ERROR", "Internal Server Error", json!({})),
    }
}

fn crm(world: &mut World, call: &Call, plan: &Plan) -> Result<Reply, Reply> {
    if call.operation == Operation::Coql {
        return coql::answer(world, call);
    }
    if call.operation.is_watch() {
        return watch::answer(world, call);
    }
    let module: Module = call.module.as_deref().unwrap_or_default().parse().map_err(|()| Reply::invalid_module())?;
    match call.operation {
        Operation::Upsert => upsert::upsert(world, module, call, plan),
        Operation::Create => create_update::create(world, module, call, plan),
        Operation::Update => create_update::update(world, module, call, plan),
        Operation::GetRecords => read::get(world, module, call),
        Operation::Search => search::search(world, module, call),
        Operation::Delete => delete::delete(world, module, call, plan),
        Operation::Deleted => delete::deleted(world, module, call),
        Operation::AddTags | Operation::RemoveTags => tags::change(world, module, call, plan),
        Operation::Token
        | Operation::Coql
        | Operation::EnableWatch
        | Operation::GetWatch
        | Operation::ReplaceWatch
        | Operation::PatchWatch
        | Operation::DeleteWatch
        | Operation::Transmission
        | Operation::GetTransmission
        | Operation::Suppression
        | Operation::WebhookSettings
        | Operation::Unknown => Err(Reply::invalid_url()),
    }
}
