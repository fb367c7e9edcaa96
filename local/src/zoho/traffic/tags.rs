//! `actions/add_tags` and `actions/remove_tags`. Since v3 they take JSON; v2 had parameters.

use serde_json::{Map, Value};

use super::{
    asked::Asked,
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::call::Call;

pub(super) const NAME_LENGTH: usize = 25;
const IDS: usize = 500;

static KEY: Rule = Rule::violation("tags-key", "");
static TAGS: Rule = Rule::violation("tags-missing", "");
static TAG_KEY: Rule = Rule::violation("tag-key", "");
static NAME: Rule = Rule::violation("tag-name-length", "");
static RECORDS: Rule = Rule::violation("tags-ids", "");
static OVER_WRITE: Rule = Rule::violation("tags-over-write", pages::ADD_TAGS);

pub(super) static RULES: &[&Rule] = &[&KEY, &TAGS, &TAG_KEY, &NAME, &RECORDS, &OVER_WRITE];

pub(super) fn check(call: &Call, asked: &Asked<'_>, findings: &mut Findings) {
    let Some(body) = call.json().and_then(Value::as_object) else { return };
    let known: &[&str] =
        if asked.endpoint == Endpoint::AddTags { &["tags", "ids", "over_write"] } else { &["tags", "ids"] };
    for key in shape::unknown_keys(body, known) {
        findings.add(&KEY, format!("the body has no key {key}"));
    }
    check_tags(body, findings);
    if asked.id.is_none() {
        check_ids(body, findings);
    }
    let sound = body.get("over_write").is_none_or(|value| value.is_boolean() || value.is_null());
    findings.hold(sound, &OVER_WRITE, || "over_write is true or false".to_owned());
}

fn check_tags(body: &Map<String, Value>, findings: &mut Findings) {
    let tags = body.get("tags").and_then(Value::as_array).filter(|tags| !tags.is_empty());
    let Some(tags) = tags else {
        findings.add(&TAGS, "tags lists at least one");
        return;
    };
    for (index, tag) in tags.iter().enumerate() {
        let Some(tag) = tag.as_object() else {
            findings.add(&TAGS, format!("tags[{index}] is an object"));
            continue;
        };
        for key in shape::unknown_keys(tag, &["name", "id", "color_code"]) {
            findings.add(&TAG_KEY, format!("tags[{index}] has no key {key}"));
        }
        let name = tag.get("name").and_then(Value::as_str);
        let named = name.is_some() || tag.get("id").is_some_and(Value::is_string);
        findings.hold(named, &TAGS, || format!("tags[{index}] has neither name nor id"));
        let fits = name.is_none_or(|name| (1..=NAME_LENGTH).contains(&shape::length(name)));
        findings.hold(fits, &NAME, || format!("tags[{index}].name has 1 to {NAME_LENGTH} characters"));
    }
}

fn check_ids(body: &Map<String, Value>, findings: &mut Findings) {
    let ids = body.get("ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fits = (1..=IDS).contains(&ids.len());
    findings.hold(fits, &RECORDS, || format!("ids lists 1 to {IDS} records, not {}", ids.len()));
    let sound = ids.iter().all(|id| id.as_str().is_some_and(shape::is_id));
    findings.hold(sound, &RECORDS, || "ids lists digits in quotes".to_owned());
}
