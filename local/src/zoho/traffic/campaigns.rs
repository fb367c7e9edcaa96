//! `POST /emailapi/v1/transmission`.

use serde_json::{Map, Value};

use super::{
    pages,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::call::Call;

const NAME: usize = 150;
const ADDRESS: usize = 100;
const SUBJECT: usize = 200;

static KEY: Rule = Rule::violation("transmission-key", pages::TRANSMISSION);
static WHO: Rule = Rule::violation("transmission-recipients", pages::TRANSMISSION);
static RECIPIENT: Rule = Rule::violation("transmission-recipient", pages::TRANSMISSION);
static CONTENT: Rule = Rule::violation("transmission-content", pages::TRANSMISSION);
static OPTIONS: Rule = Rule::violation("transmission-options", pages::TRANSMISSION);
static LENGTH: Rule = Rule::violation("transmission-length", pages::TRANSMISSION);
static TRACKING: Rule = Rule::note("transmission-tracking", pages::TRANSMISSION);

pub(super) static RULES: &[&Rule] = &[&KEY, &WHO, &RECIPIENT, &CONTENT, &OPTIONS, &LENGTH, &TRACKING];

pub(super) fn check(call: &Call, findings: &mut Findings) {
    let Some(body) = call.json().and_then(Value::as_object) else { return };
    let known = ["transmission_name", "recipients", "recipient_list_id", "content", "options"];
    for key in shape::unknown_keys(body, &known) {
        findings.add(&KEY, format!("the body has no key {key}"));
    }
    check_length(body.get("transmission_name"), NAME, "transmission_name", findings);
    let recipients = body.get("recipients").and_then(Value::as_array).filter(|recipients| !recipients.is_empty());
    let either = recipients.is_some() != body.get("recipient_list_id").is_some_and(Value::is_string);
    findings.hold(either, &WHO, || "there are either recipients or a recipient_list_id".to_owned());
    for (index, recipient) in recipients.into_iter().flatten().enumerate() {
        check_recipient(recipient, index, findings);
    }
    match body.get("content").and_then(Value::as_object) {
        Some(content) => check_content(content, findings),
        None => findings.add(&CONTENT, "content is an object"),
    }
    if let Some(options) = body.get("options") {
        check_options(options, findings);
    }
}

fn check_recipient(recipient: &Value, index: usize, findings: &mut Findings) {
    let Some(recipient) = recipient.as_object() else {
        findings.add(&RECIPIENT, format!("recipients[{index}] is an object"));
        return;
    };
    for key in shape::unknown_keys(recipient, &["address", "name", "additional_data", "merge_data"]) {
        findings.add(&RECIPIENT, format!("recipients[{index}] has no key {key}"));
    }
    let address = recipient.get("address").and_then(Value::as_str);
    findings.hold(address.is_some_and(shape::is_email), &RECIPIENT, || {
        format!("recipients[{index}].address does not look like one")
    });
    for key in ["address", "name"] {
        check_length(recipient.get(key), ADDRESS, &format!("recipients[{index}].{key}"), findings);
    }
    for key in ["additional_data", "merge_data"] {
        let sound = recipient.get(key).is_none_or(Value::is_object);
        findings.hold(sound, &RECIPIENT, || format!("recipients[{index}].{key} is an object"));
    }
}

fn check_content(content: &Map<String, Value>, findings: &mut Findings) {
    for key in shape::unknown_keys(content, &["from", "reply_to", "subject", "html", "text", "template_id"]) {
        findings.add(&CONTENT, format!("content has no key {key}"));
    }
    let from = content.get("from").and_then(|from| from.get("address")).and_then(Value::as_str);
    findings.hold(from.is_some_and(shape::is_email), &CONTENT, || {
        "content.from.address does not look like an address".to_owned()
    });
    let subject = content.get("subject").and_then(Value::as_str).is_some_and(|subject| !subject.is_empty());
    findings.hold(subject, &CONTENT, || "content.subject is missing".to_owned());
    check_length(content.get("subject"), SUBJECT, "content.subject", findings);
    let texts = ["html", "text", "template_id"].iter().any(|key| content.get(*key).is_some_and(Value::is_string));
    findings.hold(texts, &CONTENT, || "content has html, text or a template_id".to_owned());
}

fn check_options(options: &Value, findings: &mut Findings) {
    let Some(options) = options.as_object() else {
        findings.add(&OPTIONS, "options is an object");
        return;
    };
    let switches = ["tracking", "open_tracking", "click_tracking"];
    for (key, value) in options {
        let sound = if switches.contains(&key.as_str()) {
            value == "enabled" || value == "disabled"
        } else {
            key == "schedule_at" && value.is_u64()
        };
        findings.hold(sound, &OPTIONS, || format!("options.{key} is none that there is, or not as it should be"));
    }
    findings.hold(!options.contains_key("tracking"), &TRACKING, || {
        "options.tracking is going to be removed: open_tracking and click_tracking take its place".to_owned()
    });
}

fn check_length(value: Option<&Value>, maximum: usize, what: &str, findings: &mut Findings) {
    let length = value.and_then(Value::as_str).map_or(0, shape::length);
    findings.hold(length <= maximum, &LENGTH, || format!("{what} is longer than {maximum} characters"));
}
