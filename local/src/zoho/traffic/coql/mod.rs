//! `POST /coql`.

mod clauses;
mod condition;
mod words;

use serde_json::Value;

use super::{
    pages,
    rule::{Findings, Rule},
    shape,
};
use crate::zoho::{
    Options,
    call::Call,
    fields::{Kind, Module},
};
use clauses::Clauses;
use words::{Word, words};

const COLUMNS: usize = 50;
const ORDER: usize = 10;
const ROWS: usize = 2_000;
const ROWS_OF_OLD: usize = 200;
/// Rows that can be reached with an offset.
const REACH: usize = 100_000;

static KEY: Rule = Rule::violation("coql-key", pages::COQL);
static SYNTAX: Rule = Rule::violation("coql-syntax", pages::COQL);
static WHERE: Rule = Rule::violation("coql-where", pages::COQL);
static MODULE: Rule = Rule::violation("coql-module", pages::MODULES);
static FIELD: Rule = Rule::violation("coql-field", pages::FIELDS);
static COLUMN_COUNT: Rule = Rule::violation("coql-columns", pages::COQL_LIMITS);
static TWICE: Rule = Rule::violation("coql-column-twice", pages::COQL_LIMITS);
static ORDER_COUNT: Rule = Rule::violation("coql-order", pages::COQL_LIMITS);
static LIMIT: Rule = Rule::violation("coql-limit", pages::COQL_LIMITS);
static OLD_LIMIT: Rule = Rule::note("coql-limit-of-old", pages::COQL_OLD_LIMITS);
static OFFSET: Rule = Rule::violation("coql-offset", pages::COQL_LIMITS);

pub(super) static RULES: &[&Rule] = &[
    &KEY,
    &SYNTAX,
    &WHERE,
    &MODULE,
    &FIELD,
    &COLUMN_COUNT,
    &TWICE,
    &ORDER_COUNT,
    &LIMIT,
    &OLD_LIMIT,
    &OFFSET,
    &condition::NESTING,
    &condition::CONDITIONS,
    &condition::IN,
    &condition::OLD_IN,
    &condition::TIME,
    &condition::ESCAPE,
];

pub(super) fn check(options: &Options, call: &Call, findings: &mut Findings) {
    let Some(body) = call.json().and_then(Value::as_object) else { return };
    for key in shape::unknown_keys(body, &["select_query", "include_meta"]) {
        findings.add(&KEY, format!("the body has no key {key}"));
    }
    let Some(query) = body.get("select_query").and_then(Value::as_str) else {
        findings.add(&KEY, "select_query is missing");
        return;
    };
    let query = words(query);
    match query.as_deref().and_then(Clauses::of) {
        Some(clauses) => clauses.check(options, findings),
        None => findings.add(&SYNTAX, "it is not select … from a module, or a quote or bracket is not closed"),
    }
}

impl Clauses<'_> {
    fn check(&self, options: &Options, findings: &mut Findings) {
        findings.hold(self.condition.is_some(), &WHERE, || "there is no where".to_owned());
        let count = self.columns.len();
        findings.hold(count <= COLUMNS, &COLUMN_COUNT, || format!("{count} columns are more than {COLUMNS}"));
        let count = self.order.len();
        findings.hold(count <= ORDER, &ORDER_COUNT, || format!("order by has {count} columns, more than {ORDER}"));
        for list in [&self.columns, &self.order] {
            for (position, column) in list.iter().enumerate() {
                let again = !column.is_empty() && list[..position].contains(column);
                findings.hold(!again, &TWICE, || format!("column {} is there twice", position + 1));
            }
        }
        self.check_rows(findings);
        let module = self.module.parse::<Module>();
        findings.hold(module.is_ok(), &MODULE, || format!("there is no module {}", self.module));
        let Ok(module) = module else { return };
        let kind = |column: &str| kind(module, column, options);
        for column in self.columns.iter().chain(&self.order) {
            // A function like `COUNT(id)` is no field.
            let [Word::Plain(name), rest @ ..] = column else { continue };
            if rest.first() == Some(&Word::Symbol('(')) {
                continue;
            }
            findings.hold(kind(name).is_some(), &FIELD, || format!("{} has no field {name}", self.module));
        }
        condition::check(self.condition.unwrap_or_default(), kind, &FIELD, &SYNTAX, findings);
    }

    /// `limit n`, `limit m, n`, `limit n offset m`.
    fn check_rows(&self, findings: &mut Findings) {
        let number = |word: Option<&Word<'_>>| match word {
            Some(Word::Plain(digits)) => digits.parse::<usize>().ok(),
            _ => None,
        };
        let (rows, skipped) = match self.limit {
            [] => (Some(ROWS_OF_OLD), number(self.offset.first()).or(Some(0))),
            [rows] => (number(Some(rows)), number(self.offset.first()).or(Some(0))),
            [skipped, Word::Symbol(','), rows] => (number(Some(rows)), number(Some(skipped))),
            _ => (None, None),
        };
        let (Some(rows), Some(skipped)) = (rows, skipped) else {
            findings.add(&SYNTAX, "limit is one number, or two with a comma");
            return;
        };
        findings.hold((1..=ROWS).contains(&rows), &LIMIT, || format!("limit is 1 to {ROWS}, not {rows}"));
        findings.hold(rows <= ROWS_OF_OLD, &OLD_LIMIT, || {
            format!("limit is above {ROWS_OF_OLD}: older versions refuse it, and it costs more than one credit")
        });
        let reached = skipped.saturating_add(rows);
        findings.hold(reached <= REACH, &OFFSET, || format!("row {reached} is out of reach: {REACH} is the last"));
    }
}

/// The type of a column, which is a field or, behind a lookup, a field of the other module.
fn kind(module: Module, column: &str, options: &Options) -> Option<Kind> {
    match column.split_once('.') {
        None => module.kind(column, options),
        Some((lookup, field)) => match module.kind(lookup, options)? {
            Kind::Lookup(target) => target.kind(field, options),
            // A person's name, say; persons are not simulated in full.
            kind => Some(kind),
        },
    }
}
