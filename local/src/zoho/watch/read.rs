//! What a client asks of a channel, checked.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    channel::{Channel, Event},
    condition,
};
use crate::zoho::{clock, reply::item_error, world::World};

const TOKEN_LENGTH: usize = 50;
/// How long a channel lives that asks for no time, or for too long a time.
const DEFAULT_LIFE: TimeDelta = TimeDelta::hours(1);

impl Channel {
    /// Reads an item of `watch`. What it leaves out is as it was `before`, or must be there, or has its default.
    pub(super) fn read(world: &World, item: &Value, index: usize, before: Option<&Self>) -> Result<Self, Value> {
        let id = id(item, index)?;
        let given = |name: &str| item.get(name).filter(|value| !value.is_null());
        let required = |name: &str| given(name).ok_or_else(|| missing(name, index));
        let url = match (given("notify_url"), before) {
            (None, Some(before)) => before.url.clone(),
            _ => url(required("notify_url")?, index)?,
        };
        let events = match (given("events"), before) {
            (None, Some(before)) if item["_delete_events"] != true => before.events.clone(),
            _ => events(required("events")?, index)?,
        };
        let token = match given("token") {
            None => before.and_then(|before| before.token.clone()),
            Some(token) => Some(text_of(token, "token", TOKEN_LENGTH, index)?),
        };
        let expiry = match (given("channel_expiry"), before) {
            (None, Some(before)) => before.expiry,
            (asked, _) => expiry(world, asked, index)?,
        };
        let condition = match (given("notification_condition"), before) {
            (None, before) => before.map_or(Value::Null, |before| before.condition.clone()),
            (Some(condition), _) => condition::check(condition, index)?,
        };
        let flag = |name: &str, default: bool| given(name).and_then(Value::as_bool).unwrap_or(default);
        Ok(Self {
            returns_values: flag("return_affected_field_values", before.is_some_and(|before| before.returns_values)),
            on_related_action: flag("notify_on_related_action", before.is_none_or(|before| before.on_related_action)),
            id,
            url,
            events,
            expiry,
            token,
            condition,
        })
    }
}

/// The channel's id, which the client chooses: a long, as a number or as text.
pub(super) fn id(item: &Value, index: usize) -> Result<String, Value> {
    let given = item.get("channel_id").filter(|id| !id.is_null()).ok_or_else(|| missing("channel_id", index))?;
    let text = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    match text.parse::<u64>() {
        Ok(_) if i64::try_from(text.parse::<u64>().unwrap_or(u64::MAX)).is_ok() => Ok(text),
        _ => Err(invalid("channel_id", index, "expected_data_type", "long".into())),
    }
}

/// The error for a channel that nobody has, or that has expired.
pub(super) fn not_subscribed(index: usize) -> Value {
    item_error("NOT_SUBSCRIBED", "the channel is not subscribed", at("channel_id", index))
}

/// The error for a value that cannot be.
pub(super) fn invalid(name: &str, index: usize, key: &str, expected: Value) -> Value {
    let mut details = at(name, index);
    details[key] = expected;
    item_error("INVALID_DATA", "invalid data", details)
}

fn missing(name: &str, index: usize) -> Value {
    item_error("MANDATORY_NOT_FOUND", "required field not found", at(name, index))
}

fn at(name: &str, index: usize) -> Value {
    json!({ "api_name": name, "json_path": format!("$.watch[{index}].{name}") })
}

fn text_of(value: &Value, name: &str, maximum: usize, index: usize) -> Result<String, Value> {
    let text = value.as_str().ok_or_else(|| invalid(name, index, "expected_data_type", "text".into()))?;
    if text.chars().count() > maximum {
        return Err(invalid(name, index, "maximum_length", maximum.into()));
    }
    Ok(text.to_owned())
}

fn url(value: &Value, index: usize) -> Result<Url, Value> {
    let url = value.as_str().and_then(|text| text.parse().ok());
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    url.filter(is_web).ok_or_else(|| invalid("notify_url", index, "expected_data_type", "url".into()))
}

fn events(value: &Value, index: usize) -> Result<Vec<Event>, Value> {
    let wrong = || item_error("INVALID_DATA", "invalid data", at("events", index));
    let names = value.as_array().filter(|names| !names.is_empty()).ok_or_else(wrong)?;
    names.iter().map(|name| name.as_str().and_then(Event::parse).ok_or_else(wrong)).collect()
}

/// Until when it lives: what was asked for, but not more than allowed. Whoever asks for more is not told and gets the
/// default.
fn expiry(world: &World, asked: Option<&Value>, index: usize) -> Result<DateTime<Utc>, Value> {
    let default = world.now + DEFAULT_LIFE;
    let Some(asked) = asked else { return Ok(default) };
    let wrong = || invalid("channel_expiry", index, "expected_data_type", "datetime".into());
    let asked = asked.as_str().and_then(clock::read).filter(|asked| *asked > world.now).ok_or_else(wrong)?;
    let maximum = world.now + TimeDelta::hours(world.settings.watch_maximum_hours.into());
    Ok(if asked > maximum { default } else { asked })
}
