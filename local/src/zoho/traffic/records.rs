//! Bodies of insert, update and upsert; the values of their records are held against the rules in `values`.

use serde_json::{Map, Value};

use super::{
    asked::Asked,
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
    shape, values,
};
use crate::zoho::{Options, call::Call, fields::Module};

const RECORDS: usize = 100;
const KEYS: [&str; 7] =
    ["data", "trigger", "process", "wf_trigger", "lar_id", "skip_feature_execution", "apply_feature_execution"];
const TRIGGERS: [&str; 3] = ["workflow", "approval", "blueprint"];

static KEY: Rule = Rule::violation("write-key", "");
static DATA: Rule = Rule::violation("write-data", "");
static COUNT: Rule = Rule::violation("write-count", "");
static TRIGGER: Rule = Rule::violation("write-trigger", "");
static DUPLICATES: Rule = Rule::violation("duplicate-check-fields", pages::UPSERT);
static ID_SHAPE: Rule = Rule::violation("write-id-shape", "");
static ID_MISSING: Rule = Rule::violation("update-without-id", pages::UPDATE);
static ID_OF_NEW: Rule = Rule::violation("insert-with-id", pages::INSERT);
static ONE: Rule = Rule::violation("update-of-one", pages::UPDATE);

pub(super) static RULES: &[&Rule] =
    &[&KEY, &DATA, &COUNT, &TRIGGER, &DUPLICATES, &ID_SHAPE, &ID_MISSING, &ID_OF_NEW, &ONE];

pub(super) fn check(options: &Options, call: &Call, asked: &Asked<'_>, findings: &mut Findings) {
    let Some(body) = call.json().and_then(Value::as_object) else { return };
    check_keys(body, asked.endpoint, findings);
    let module = asked.module.and_then(|module| module.parse::<Module>().ok());
    if let Some(module) = module {
        check_duplicate_fields(options, module, body, findings);
    }
    let Some(records) = body.get("data").and_then(Value::as_array) else {
        findings.add(&DATA, "data is an array");
        return;
    };
    let fits = (1..=RECORDS).contains(&records.len());
    findings.hold(fits, &COUNT, || format!("data has 1 to {RECORDS} records, not {}", records.len()));
    let one = asked.id.is_none() || records.len() == 1;
    findings.hold(one, &ONE, || "with the id in the path there is one record".to_owned());
    for (index, record) in records.iter().enumerate() {
        let Some(record) = record.as_object() else {
            findings.add(&DATA, format!("data[{index}] is an object"));
            continue;
        };
        check_id(record, index, asked, findings);
        if let Some(module) = module {
            values::check(options, module, asked.endpoint, record, index, findings);
        }
    }
}

fn check_keys(body: &Map<String, Value>, endpoint: Endpoint, findings: &mut Findings) {
    for key in shape::unknown_keys(body, &KEYS) {
        let known = endpoint == Endpoint::Upsert && key == "duplicate_check_fields";
        findings.hold(known, &KEY, || format!("the body has no key {key}"));
    }
    let known = |trigger: &Value| trigger.as_str().is_some_and(|name| TRIGGERS.contains(&name));
    let sound = body.get("trigger").is_none_or(|list| list.as_array().is_some_and(|list| list.iter().all(known)));
    findings.hold(sound, &TRIGGER, || "trigger lists some of workflow, approval and blueprint".to_owned());
}

/// Only the module's own duplicate field, and unique ones.
fn check_duplicate_fields(options: &Options, module: Module, body: &Map<String, Value>, findings: &mut Findings) {
    let Some(fields) = body.get("duplicate_check_fields") else { return };
    let allowed = [module.duplicate_field(), module.key(options)];
    let known = |field: &Value| field.as_str().is_some_and(|name| allowed.contains(&name));
    let sound = fields.as_array().is_some_and(|fields| fields.iter().all(known));
    findings.hold(sound, &DUPLICATES, || format!("duplicates are found by {} alone", allowed.join(" and ")));
}

fn check_id(record: &Map<String, Value>, index: usize, asked: &Asked<'_>, findings: &mut Findings) {
    let Some(id) = record.get("id") else {
        let named = asked.endpoint != Endpoint::Update || asked.id.is_some();
        findings.hold(named, &ID_MISSING, || format!("data[{index}] has no id"));
        return;
    };
    findings.hold(asked.endpoint != Endpoint::Insert, &ID_OF_NEW, || format!("data[{index}] has an id"));
    let sound = id.as_str().is_some_and(shape::is_id);
    findings.hold(sound, &ID_SHAPE, || format!("data[{index}].id is digits in quotes"));
}
