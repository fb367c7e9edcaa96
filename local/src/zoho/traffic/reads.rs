//! Parameters of reads (lists, one record, search, deleted records) and of deletions.

use super::{
    asked::Asked,
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::{Options, call::Call, fields::Module};

const FIELDS: usize = 50;
const IDS: usize = 100;
const PER_PAGE: usize = 200;
/// Rows that can be reached by a page's number.
const ROWS_BY_NUMBER: usize = 2_000;

static FIELDS_MISSING: Rule = Rule::violation("fields-missing", pages::GET_RECORDS);
static FIELDS_LIMIT: Rule = Rule::violation("fields-limit", pages::GET_RECORDS);
static FIELD_UNKNOWN: Rule = Rule::violation("fields-unknown", pages::FIELDS);
static IDS_LIMIT: Rule = Rule::violation("ids-limit", "");
static IDS_SHAPE: Rule = Rule::violation("ids-shape", "");
static DELETE_WHAT: Rule = Rule::violation("delete-without-ids", pages::DELETE);
static PAGE_NUMBER: Rule = Rule::violation("page-number", "");
static PAGE_SIZE: Rule = Rule::violation("page-size", "");
static PAGE_REACH: Rule = Rule::violation("page-reach", "");
static PAGE_AND_TOKEN: Rule = Rule::violation("page-and-page-token", pages::GET_RECORDS);
static SORT: Rule = Rule::violation("sort", pages::GET_RECORDS);
static SEARCH_WHAT: Rule = Rule::violation("search-for-nothing", pages::SEARCH);
static DELETED_TYPE: Rule = Rule::violation("deleted-type", pages::DELETED);

pub(super) static RULES: &[&Rule] = &[
    &FIELDS_MISSING,
    &FIELDS_LIMIT,
    &FIELD_UNKNOWN,
    &IDS_LIMIT,
    &IDS_SHAPE,
    &DELETE_WHAT,
    &PAGE_NUMBER,
    &PAGE_SIZE,
    &PAGE_REACH,
    &PAGE_AND_TOKEN,
    &SORT,
    &SEARCH_WHAT,
    &DELETED_TYPE,
];

pub(super) fn check(options: &Options, call: &Call, asked: &Asked<'_>, findings: &mut Findings) {
    check_fields(options, call, asked, findings);
    check_ids(call, findings);
    check_pages(call, asked.endpoint, findings);
    match asked.endpoint {
        Endpoint::List => check_sort(call, findings),
        Endpoint::Search => {
            let wanted = ["criteria", "email", "phone", "word"].iter().any(|name| call.parameter(name).is_some());
            findings.hold(wanted, &SEARCH_WHAT, || "one of criteria, email, phone and word must be there".to_owned());
        }
        Endpoint::Deleted => {
            let known = call.parameter("type").is_none_or(|kind| ["all", "recycle", "permanent"].contains(&kind));
            findings.hold(known, &DELETED_TYPE, || "type is all, recycle or permanent".to_owned());
        }
        Endpoint::Delete => {
            let named = asked.id.is_some() || call.list("ids").is_some_and(|ids| !ids.is_empty());
            findings.hold(named, &DELETE_WHAT, || "ids is missing".to_owned());
        }
        _ => {}
    }
}

fn check_fields(options: &Options, call: &Call, asked: &Asked<'_>, findings: &mut Findings) {
    let Some(fields) = call.list("fields") else {
        let optional = asked.endpoint != Endpoint::List;
        findings.hold(optional, &FIELDS_MISSING, || "a list needs fields".to_owned());
        return;
    };
    findings.hold(fields.len() <= FIELDS, &FIELDS_LIMIT, || format!("{} fields are more than {FIELDS}", fields.len()));
    let Some(Ok(module)) = asked.module.map(str::parse::<Module>) else { return };
    for field in fields {
        findings.hold(module.kind(field, options).is_some(), &FIELD_UNKNOWN, || format!("there is no field {field}"));
    }
}

fn check_ids(call: &Call, findings: &mut Findings) {
    let Some(ids) = call.list("ids") else { return };
    findings.hold(ids.len() <= IDS, &IDS_LIMIT, || format!("{} ids are more than {IDS}", ids.len()));
    findings.hold(ids.iter().all(|id| shape::is_id(id)), &IDS_SHAPE, || "a record's id is digits".to_owned());
}

/// Also for whoever else has pages.
pub(super) fn check_pages(call: &Call, endpoint: Endpoint, findings: &mut Findings) {
    let number = |name: &str| call.parameter(name).map(|text| text.parse::<usize>().unwrap_or_default());
    let (page, size) = (number("page"), number("per_page"));
    findings.hold(page != Some(0), &PAGE_NUMBER, || "page is a number from 1 on".to_owned());
    let fits = size.is_none_or(|size| (1..=PER_PAGE).contains(&size));
    findings.hold(fits, &PAGE_SIZE, || format!("per_page is a number from 1 to {PER_PAGE}"));
    let by_token = call.parameter("page_token").is_some();
    findings.hold(!(by_token && page.is_some()), &PAGE_AND_TOKEN, || "it is either page or page_token".to_owned());
    let reached = page.unwrap_or(1).saturating_mul(size.unwrap_or(PER_PAGE));
    let bounded = matches!(endpoint, Endpoint::List | Endpoint::Search) && !by_token;
    findings.hold(!bounded || reached <= ROWS_BY_NUMBER, &PAGE_REACH, || {
        format!("by number a page ends within the first {ROWS_BY_NUMBER} rows")
    });
}

fn check_sort(call: &Call, findings: &mut Findings) {
    let by = call.parameter("sort_by").is_none_or(|by| ["id", "Created_Time", "Modified_Time"].contains(&by));
    findings.hold(by, &SORT, || "sort_by is id, Created_Time or Modified_Time".to_owned());
    let order = call.parameter("sort_order").is_none_or(|order| ["asc", "desc"].contains(&order));
    findings.hold(order, &SORT, || "sort_order is asc or desc".to_owned());
}
