//! `POST /oauth/v2/token`.

use std::collections::BTreeMap;

use super::{
    pages,
    rule::{Findings, Rule},
};
use crate::zoho::call::Call;

static QUERY: Rule = Rule::violation("secrets-in-query", pages::REFRESH);
static GRANT: Rule = Rule::violation("grant-type", pages::REFRESH);
static MISSING: Rule = Rule::violation("token-parameter-missing", pages::REFRESH);
static UNKNOWN: Rule = Rule::violation("token-parameter-unknown", pages::REFRESH);

pub(super) static RULES: &[&Rule] = &[&QUERY, &GRANT, &MISSING, &UNKNOWN];

pub(super) fn check(call: &Call, findings: &mut Findings) {
    // Zoho takes them there too, but a query ends up in logs of proxies, and Zoho advises the form.
    findings.hold(call.query().is_empty(), &QUERY, || "secrets stand in the form and not in the query".to_owned());
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(call.bytes())
        .chain(call.query().iter().map(|(k, v)| (k.into(), v.into())))
        .collect();
    let grant = form.get("grant_type").map(AsRef::as_ref);
    let needed: &[&str] = match grant {
        Some("refresh_token") => &["client_id", "client_secret", "refresh_token"],
        Some("authorization_code") => &["client_id", "client_secret", "code"],
        _ => {
            findings.add(&GRANT, "grant_type is refresh_token or authorization_code");
            return;
        }
    };
    for name in needed {
        findings
            .hold(form.get(*name).is_some_and(|value| !value.is_empty()), &MISSING, || format!("{name} is missing"));
    }
    for name in form.keys() {
        let known = needed.contains(&name.as_ref()) || ["grant_type", "redirect_uri", "scope"].contains(&name.as_ref());
        findings.hold(known, &UNKNOWN, || format!("there is no parameter {name}"));
    }
}
