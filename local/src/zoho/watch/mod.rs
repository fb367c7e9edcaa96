//! CRM Notifications: `/actions/watch`, by which a client says what it wants to hear of, and what it then hears.

mod channel;
mod condition;
mod log;
mod notify;
mod read;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    call::Call, fields::Module, operation::Operation, page::Page, reply::Reply, reply::item_success, world::World,
};
pub(super) use channel::Channel;
pub(super) use log::{Log, Notification};
pub(super) use notify::{Cause, settle};

/// The channels there are, and what was sent to them.
#[derive(Debug, Default)]
pub(super) struct Watch {
    channels: BTreeMap<String, Channel>,
    pub(super) log: Log,
}

impl Watch {
    /// The channels that have not expired.
    pub(super) fn channels(&mut self, now: DateTime<Utc>) -> &BTreeMap<String, Channel> {
        self.channels.retain(|_, channel| channel.expiry > now);
        &self.channels
    }

    /// The channels as of the last look, module by module.
    pub(super) fn shown(&self, world: &World) -> Vec<Value> {
        let shown =
            |channel: &Channel| channel.modules().into_iter().map(|module| channel.shown(world, module)).collect();
        self.channels.values().flat_map::<Vec<_>, _>(shown).collect()
    }
}

pub(super) fn answer(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    // Whoever let a channel expire has none.
    world.watch.channels(world.now);
    match call.operation {
        Operation::GetWatch => list(world, call),
        Operation::DeleteWatch => delete(world, call),
        _ => change(world, call),
    }
}

/// One row for each module of each channel.
fn list(world: &World, call: &Call) -> Result<Reply, Reply> {
    let (id, module) = (call.parameter("channel_id"), call.parameter("module"));
    let wanted = |channel: &&Channel| id.is_none_or(|id| channel.id == id);
    let rows = world.watch.channels.values().filter(wanted).flat_map(|channel| {
        let modules = channel.modules().into_iter().filter(|name| module.is_none_or(|wanted| wanted == name.name()));
        modules.map(|module| channel.shown(world, module))
    });
    Ok(Page::of(call)?.reply_as("watch", rows.collect(), Map::new()))
}

fn delete(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let ids = call.list("channel_ids").ok_or_else(|| Reply::missing_parameter("channel_ids"))?;
    let results = ids
        .into_iter()
        .enumerate()
        .map(|(index, id)| {
            let channel = world.watch.channels.remove(id).ok_or_else(|| read::not_subscribed(index))?;
            Ok(item_success("Successfully un-subscribed from actions-watch", channel.place(world, Module::Contacts)))
        })
        .collect();
    Ok(reply(world, results, StatusCode::OK))
}

/// POST, PUT and PATCH: channel by channel.
fn change(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let body = call.object()?;
    let items = body.get("watch").ok_or_else(|| Reply::missing_key("watch"))?;
    let wrong = || Reply::invalid_data(json!({ "api_name": "watch", "json_path": "$.watch" }));
    let items = items.as_array().filter(|items| !items.is_empty()).ok_or_else(wrong)?;
    let results = items
        .iter()
        .enumerate()
        .map(|(index, item)| match call.operation {
            Operation::PatchWatch => patch(world, item, index),
            operation => put(world, operation, item, index),
        })
        .collect();
    let all_done = if call.operation == Operation::EnableWatch { StatusCode::CREATED } else { StatusCode::OK };
    Ok(reply(world, results, all_done))
}

/// Enables a channel or takes the place of what it was. Enabled again, it takes its own place, and lives longer.
fn put(world: &mut World, operation: Operation, item: &Value, index: usize) -> Result<Value, Value> {
    let channel = Channel::read(world, item, index, None)?;
    let is_known = world.watch.channels.contains_key(&channel.id);
    let message = match operation {
        Operation::ReplaceWatch if !is_known => return Err(read::not_subscribed(index)),
        Operation::ReplaceWatch => "Successfully updated the subscribe details",
        _ => "Successfully subscribed for actions-watch of the given module",
    };
    Ok(store(world, channel, message))
}

/// Changes what is named, or takes events out with `_delete_events`.
fn patch(world: &mut World, item: &Value, index: usize) -> Result<Value, Value> {
    let id = read::id(item, index)?;
    let known = world.watch.channels.get(&id).cloned().ok_or_else(|| read::not_subscribed(index))?;
    let mut channel = Channel::read(world, item, index, Some(&known))?;
    if item["_delete_events"] != true {
        return Ok(store(world, channel, "Successfully updated the subscribe details"));
    }
    let first = channel.modules().first().copied().unwrap_or(Module::Contacts);
    channel.events = known.events.iter().filter(|event| !channel.events.contains(event)).copied().collect();
    let details = channel.place(world, first);
    if channel.events.is_empty() {
        world.watch.channels.remove(&id);
    } else {
        world.watch.channels.insert(id, channel);
    }
    Ok(item_success("Successfully removed the subscribe details", details))
}

fn store(world: &mut World, channel: Channel, message: &str) -> Value {
    let events: Vec<_> = channel.modules().into_iter().map(|module| channel.event(world, module)).collect();
    world.watch.channels.insert(channel.id.clone(), channel);
    item_success(message, json!({ "events": events }))
}

fn reply(world: &World, results: Vec<Result<Value, Value>>, all_done: StatusCode) -> Reply {
    if let ([Err(error)], false) = (results.as_slice(), world.settings.watch_errors_wrapped) {
        return Reply::json(StatusCode::BAD_REQUEST, error.clone());
    }
    let failed = StatusCode::from_u16(world.settings.watch_failed_status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::per_item("watch", results, all_done, failed)
}
