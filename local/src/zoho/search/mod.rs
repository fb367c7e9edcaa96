//! `GET /{module}/search`: by criteria, e-mail, phone or word, over an index that lags behind.
//!
//! Two quirks are switchable: a new record is not found for `search_delay_seconds`, and `equals` finds what contains.

mod criteria;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{call::Call, fields::Module, page::Page, read, records::Record, reply::Reply, world::World};
use criteria::{Criteria, CriteriaError};

/// Rows that a search can reach in all.
const REACH: usize = 2_000;

pub(super) fn search(world: &World, module: Module, call: &Call) -> Result<Reply, Reply> {
    let wanted = Wanted::of(world, module, call)?;
    let page = Page::of(call)?;
    if page.offset() >= REACH {
        return Err(Reply::bad_request(
            "LIMIT_REACHED",
            "the limit has been reached",
            json!({ "limit": REACH.to_string() }),
        ));
    }
    let fields = read::fields(world, module, call)?;
    let delay = TimeDelta::seconds(world.settings.search_delay_seconds.into());
    let indexed = |record: &&Record| record.created + delay <= world.now;
    let found = world.table(module).iter().rev().filter(indexed).filter(|record| wanted.matches(world, module, record));
    let rows = found.take(REACH).map(|record| read::shown(world, module, record, fields.as_deref())).collect();
    Ok(page.reply(rows))
}

/// What is searched for; the first of these that a request has counts.
enum Wanted {
    Criteria(Criteria),
    Email(String),
    Phone(String),
    Word(String),
}

impl Wanted {
    fn of(world: &World, module: Module, call: &Call) -> Result<Self, Reply> {
        if let Some(text) = call.parameter("criteria") {
            return Criteria::parse(text, |field| module.kind(field, &world.options).is_some())
                .map(Self::Criteria)
                .map_err(|error| match error {
                    CriteriaError::TooMany => {
                        Reply::bad_request("CRITERIA_LIMIT_EXCEEDED", "too many criteria", json!({}))
                    }
                    CriteriaError::Wrong(reason) => {
                        let details = json!({ "reason": reason, "api_name": "criteria" });
                        Reply::bad_request("INVALID_QUERY", "Invalid query formed", details)
                    }
                });
        }
        let parameter = |name: &str| call.parameter(name).map(str::to_lowercase);
        let wanted = parameter("email").map(Self::Email);
        let wanted = wanted.or_else(|| parameter("phone").map(Self::Phone));
        let wanted = wanted.or_else(|| parameter("word").map(Self::Word));
        wanted.ok_or_else(|| {
            let details = json!({ "param_names": ["criteria", "email", "phone", "word"] });
            Reply::bad_request("EXPECTED_PARAM_MISSING", "One of the expected parameter is missing", details)
        })
    }

    fn matches(&self, world: &World, module: Module, record: &Record) -> bool {
        let any = |matches: &dyn Fn(&str, &str) -> bool| {
            record
                .fields
                .iter()
                .any(|(name, value)| value.as_str().is_some_and(|text| matches(name, &text.to_lowercase())))
        };
        match self {
            Self::Criteria(criteria) => criteria.matches(world, module, record),
            Self::Email(email) => any(&|name, text| name.contains("Email") && text == email),
            Self::Phone(phone) => any(&|name, text| (name.contains("Phone") || name == "Mobile") && text == phone),
            Self::Word(part) => any(&|_, text| text.contains(part.as_str())),
        }
    }
}

/// A field as text, for comparison.
fn text_of(world: &World, module: Module, record: &Record, field: &str) -> String {
    match super::records::shown_field(world, module, record, field) {
        Value::Null => String::new(),
        Value::String(text) => text.to_lowercase(),
        // A lookup is searched by its name.
        Value::Object(lookup) => lookup.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
        other => other.to_string(),
    }
}
