//! From what a step changed to the notifications of it.

use serde_json::{Map, Value, json};

use super::{Channel, Notification, condition};
use crate::zoho::{
    call::Call,
    changes::{Change, Operation},
    fields::Module,
    settings::{self, Notifications},
    world::World,
};

/// Who took the step.
#[derive(Clone, Copy, Debug)]
pub(in crate::zoho) enum Cause {
    Api {
        /// Whether the call asked for no workflow: `"trigger":[]`.
        untriggered: bool,
    },
    /// Somebody in Zoho's own pages.
    Person,
}

impl Cause {
    pub(in crate::zoho) fn of(call: &Call) -> Self {
        let trigger = call.json().and_then(|body| body.get("trigger")?.as_array());
        Self::Api { untriggered: trigger.is_some_and(Vec::is_empty) }
    }
}

/// The notifications that are due for what the step changed, to be sent now. One holds all records of a module that the
/// step inserted, updated or deleted.
pub(in crate::zoho) fn settle(world: &mut World, cause: Cause) -> Vec<Notification> {
    let mut changes = std::mem::take(&mut world.changes);
    if changes.is_empty() || !is_told(&world.settings, cause) {
        return Vec::new();
    }
    if !world.settings.notify_tags {
        changes.retain_mut(|change| change.fields.remove("Tag").is_none() || !change.fields.is_empty());
    }
    if !world.settings.notify_unchanged_writes {
        changes.retain(|change| change.operation != Operation::Update || !change.fields.is_empty());
    }
    let channels: Vec<Channel> = world.watch.channels(world.now).values().cloned().collect();
    let groups = grouped(changes);
    let bodies = channels.iter().flat_map(|channel| groups.iter().filter_map(|group| body(world, channel, group)));
    let due: Vec<_> = bodies.collect();
    match world.settings.notifications {
        Notifications::Deliver => due.into_iter().map(|(url, body)| world.watch.log.due(url, body)).collect(),
        Notifications::Hold => {
            for (url, body) in due {
                world.watch.log.hold(url, body);
            }
            Vec::new()
        }
        Notifications::Drop => {
            world.watch.log.dropped += due.len();
            Vec::new()
        }
    }
}

fn is_told(settings: &settings::Settings, cause: Cause) -> bool {
    match cause {
        Cause::Person => true,
        Cause::Api { untriggered } => {
            settings.notify_own_writes && !(untriggered && settings.trigger_suppresses_notifications)
        }
    }
}

/// Changes of one kind in one module, a record once.
struct Group {
    module: Module,
    operation: Operation,
    records: Vec<(String, Map<String, Value>)>,
}

fn grouped(changes: Vec<Change>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Change { module, operation, id, fields } in changes {
        let found = groups.iter().position(|group| (group.module, group.operation) == (module, operation));
        let place = found.unwrap_or_else(|| {
            groups.push(Group { module, operation, records: Vec::new() });
            groups.len() - 1
        });
        let records = &mut groups[place].records;
        match records.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) => known.extend(fields),
            None => records.push((id, fields)),
        }
    }
    groups
}

/// What a channel is told of a group, and where.
fn body(world: &World, channel: &Channel, group: &Group) -> Option<(reqwest::Url, Value)> {
    if !channel.hears(group.module, group.operation) {
        return None;
    }
    let is_update = group.operation == Operation::Update;
    let is_heard =
        |fields: &Map<String, Value>| !is_update || condition::holds(&channel.condition, group.module, fields);
    let records: Vec<_> = group.records.iter().filter(|(_, fields)| is_heard(fields)).collect();
    if records.is_empty() {
        return None;
    }
    let ids: Vec<_> = records.iter().map(|(id, _)| id).collect();
    let names = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
    let affected = records.iter().filter(|_| is_update).map(|(id, fields)| json!({ id: names(fields) }));
    let query: Map<String, Value> =
        channel.url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned().into())).collect();
    let mut body = json!({
        "server_time": world.now.timestamp_millis(),
        "query_params": query,
        "module": group.module.name(),
        // Of v2, whatever version was asked.
        "resource_uri": format!("{}/crm/v2/{}", world.url, group.module.name()),
        "ids": ids,
        "affected_fields": affected.collect::<Vec<_>>(),
        "operation": group.operation.name(),
        "channel_id": channel.id,
        "token": channel.token,
    });
    if channel.returns_values && is_update {
        let values = records.iter().map(|(id, fields)| json!({ "record_id": id, "values": fields }));
        body["affected_values"] = values.collect();
    }
    Some((channel.url.clone(), body))
}
