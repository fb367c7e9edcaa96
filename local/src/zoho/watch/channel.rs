//! One channel: what it hears, and how it is shown.

use chrono::{DateTime, Utc};
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::zoho::{changes::Operation, fields::Module, world::World};

#[derive(Clone, Debug)]
pub(in crate::zoho) struct Channel {
    pub(in crate::zoho) id: String,
    pub(super) url: Url,
    pub(super) events: Vec<Event>,
    pub(super) expiry: DateTime<Utc>,
    /// Stands in every notification; all that proves where it comes from.
    pub(super) token: Option<String>,
    pub(super) returns_values: bool,
    /// Shown, without effect: what is related to a record is not simulated.
    pub(super) on_related_action: bool,
    pub(super) condition: Value,
}

/// What a channel listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    module: Module,
    /// `None` is `all`.
    operation: Option<Operation>,
}

impl Channel {
    /// The modules that it listens to, in the order of its events.
    pub(super) fn modules(&self) -> Vec<Module> {
        let mut modules: Vec<Module> = Vec::new();
        for event in &self.events {
            if !modules.contains(&event.module) {
                modules.push(event.module);
            }
        }
        modules
    }

    pub(super) fn hears(&self, module: Module, operation: Operation) -> bool {
        let is_heard = |event: &Event| event.operation.is_none_or(|heard| heard == operation);
        self.events.iter().any(|event| event.module == module && is_heard(event))
    }

    /// What enabling it answers for one module.
    pub(super) fn event(&self, world: &World, module: Module) -> Value {
        json!({
            "channel_expiry": world.written(self.expiry),
            "resource_uri": format!("{}/crm/v8/{}", world.url, module.name()),
            "resource_id": module.id(),
            "resource_name": module.name(),
            "channel_id": self.id,
        })
    }

    /// What disabling it answers: its first module, or this one.
    pub(super) fn place(&self, world: &World, otherwise: Module) -> Value {
        let module = self.modules().first().copied().unwrap_or(otherwise);
        let uri = format!("{}/crm/v8/{}", world.url, module.name());
        json!({ "resource_uri": uri, "resource_id": module.id(), "channel_id": self.id })
    }

    /// What it is for one module, as the list shows it.
    pub(super) fn shown(&self, world: &World, module: Module) -> Value {
        let events: Vec<_> =
            self.events.iter().filter(|event| event.module == module).map(|event| event.name()).collect();
        let own = [
            ("notify_url", json!(self.url)),
            ("events", json!(events)),
            ("token", json!(self.token)),
            ("fields", Value::Null),
            ("notify_on_related_action", self.on_related_action.into()),
            ("return_affected_field_values", self.returns_values.into()),
            ("notification_condition", self.condition.clone()),
        ];
        let mut shown = self.event(world, module);
        if let Value::Object(shown) = &mut shown {
            shown.extend(own.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<Map<_, _>>());
        }
        shown
    }
}

impl Event {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (module, operation) = text.split_once('.')?;
        let operation = match operation {
            "create" => Some(Operation::Insert),
            "edit" => Some(Operation::Update),
            "delete" => Some(Operation::Delete),
            "all" => None,
            _ => return None,
        };
        Some(Self { module: module.parse().ok()?, operation })
    }

    fn name(self) -> String {
        let operation = match self.operation {
            Some(Operation::Insert) => "create",
            Some(Operation::Update) => "edit",
            Some(Operation::Delete) => "delete",
            None => "all",
        };
        format!("{}.{operation}", self.module.name())
    }
}
