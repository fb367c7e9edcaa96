//! What holds for every request: path, parameters, headers, and whether there is a body.

use axum::http::{Method, header};

use super::{
    asked::{Asked, Unknown},
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::{call::Call, fields::Module};

static VERSION: Rule = Rule::violation("version", pages::REQUEST_METHODS);
static PATH: Rule = Rule::violation("unknown-path", pages::REQUEST_METHODS);
static MODULE: Rule = Rule::violation("unknown-module", pages::MODULES);
static RECORD_ID: Rule = Rule::violation("record-id-in-path", "");
static PARAMETER: Rule = Rule::violation("unknown-parameter", "");
static REPEATED: Rule = Rule::violation("repeated-parameter", "");
static AUTHORIZATION: Rule = Rule::violation("authorization", "");
static BODY: Rule = Rule::violation("body-without-use", "");
static NO_BODY: Rule = Rule::violation("body-missing", "");
static CONTENT_TYPE: Rule = Rule::violation("content-type", "");
static CONDITION: Rule = Rule::violation("condition-without-use", "");
static TIME: Rule = Rule::violation("time-in-header", pages::GET_RECORDS);

pub(super) static RULES: &[&Rule] = &[
    &VERSION,
    &PATH,
    &MODULE,
    &RECORD_ID,
    &PARAMETER,
    &REPEATED,
    &AUTHORIZATION,
    &BODY,
    &NO_BODY,
    &CONTENT_TYPE,
    &CONDITION,
    &TIME,
];

/// What the request asks for, if it is one of the documented ones.
pub(super) fn asked<'a>(call: &'a Call, findings: &mut Findings) -> Option<Asked<'a>> {
    match Asked::of(call.method.as_str(), &call.path) {
        Ok(asked) => Some(asked),
        Err(Unknown::Version) => {
            findings.add(&VERSION, "we talk to v8 of the CRM and to v1 of the Email API");
            None
        }
        Err(Unknown::Path) => {
            findings.add(&PATH, format!("no page describes {} of this path", call.method));
            None
        }
    }
}

pub(super) fn check(call: &Call, asked: &Asked<'_>, findings: &mut Findings) {
    if let Some(module) = asked.module {
        findings.hold(module.parse::<Module>().is_ok(), &MODULE, || format!("there is no module {module}"));
    }
    if let Some(id) = asked.id {
        findings.hold(shape::is_id(id), &RECORD_ID, || "a record's id is digits".to_owned());
    }
    check_parameters(call, asked.endpoint, findings);
    check_headers(call, asked.endpoint, findings);
    check_body(call, asked.endpoint, findings);
}

fn check_parameters(call: &Call, endpoint: Endpoint, findings: &mut Findings) {
    // What is wrong with a token request's query is the token's rule to say.
    if endpoint == Endpoint::Token {
        return;
    }
    let known = endpoint.parameters(call.method.as_str());
    for (position, (name, _)) in call.query().iter().enumerate() {
        findings.hold(known.contains(&name.as_str()), &PARAMETER, || format!("it has no parameter {name}"));
        let again = call.query()[..position].iter().any(|(other, _)| other == name);
        findings.hold(!again, &REPEATED, || format!("{name} is there twice"));
    }
}

fn check_headers(call: &Call, endpoint: Endpoint, findings: &mut Findings) {
    if endpoint != Endpoint::Token {
        let token = call.header(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Zoho-oauthtoken "));
        let sound = token.is_some_and(|token| !token.is_empty() && !token.contains(char::is_whitespace));
        findings.hold(sound, &AUTHORIZATION, || "the header Authorization is \"Zoho-oauthtoken <token>\"".to_owned());
    }
    let conditions = [
        (header::IF_MODIFIED_SINCE, endpoint.may_ask_if_modified_since()),
        (header::IF_UNMODIFIED_SINCE, endpoint.may_ask_if_unmodified_since()),
    ];
    for (name, allowed) in conditions {
        let Some(value) = call.header(name.clone()) else { continue };
        findings.hold(allowed, &CONDITION, || format!("it does not heed {name}"));
        findings.hold(shape::is_time(value), &TIME, || {
            format!("{name} is whole seconds with a numeric offset, like 2024-01-15T15:26:49+05:30")
        });
    }
}

fn check_body(call: &Call, endpoint: Endpoint, findings: &mut Findings) {
    let is_read = [Method::GET, Method::DELETE].contains(&call.method) && endpoint != Endpoint::Campaigns;
    if is_read {
        findings.hold(call.bytes().is_empty(), &BODY, || format!("a {} has no body", call.method));
        return;
    }
    // A campaign's GET and a DELETE of addresses may have one or not: nothing is published.
    if call.method == Method::GET || (endpoint == Endpoint::Campaigns && call.bytes().is_empty()) {
        return;
    }
    let kind = call.header(header::CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let expected = if endpoint.takes_a_form() { "application/x-www-form-urlencoded" } else { "application/json" };
    findings.hold(kind.eq_ignore_ascii_case(expected), &CONTENT_TYPE, || format!("Content-Type is {expected}"));
    let there = endpoint.takes_a_form() || call.json().is_some_and(serde_json::Value::is_object);
    findings.hold(there, &NO_BODY, || "the body is a JSON object".to_owned());
}
