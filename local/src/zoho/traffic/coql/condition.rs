//! The `where` of a query: brackets, lists, literals.

use super::words::Word;
use crate::zoho::{
    fields::Kind,
    traffic::{
        pages,
        rule::{Findings, Rule},
        shape,
    },
};

const CONDITIONS_LIMIT: usize = 25;
const VALUES: usize = 100;
const VALUES_OF_OLD: usize = 50;
/// Words of a condition that are no columns.
const KEYWORDS: [&str; 10] = ["and", "or", "in", "not", "is", "null", "like", "between", "true", "false"];

pub(super) static NESTING: Rule = Rule::violation("coql-nesting", pages::COQL_LIMITS);
pub(super) static CONDITIONS: Rule = Rule::violation("coql-conditions", pages::COQL_LIMITS);
pub(super) static IN: Rule = Rule::violation("coql-in", pages::COQL_LIMITS);
pub(super) static OLD_IN: Rule = Rule::note("coql-in-of-old", pages::COQL_OLD_LIMITS);
pub(super) static TIME: Rule = Rule::violation("coql-time", pages::COQL);
pub(super) static ESCAPE: Rule = Rule::note("coql-escape", pages::COQL_QUESTIONS);

pub(super) fn check(
    words: &[Word<'_>],
    kind: impl Fn(&str) -> Option<Kind>,
    unknown_field: &'static Rule,
    syntax: &'static Rule,
    findings: &mut Findings,
) {
    let mut reading = Reading { levels: vec![0], conditions: 0, list: None, between: false, column: None };
    for (position, word) in words.iter().enumerate() {
        match word {
            Word::Symbol('(') => reading.open(position > 0 && words[position - 1].is("in")),
            Word::Symbol(')') => reading.close(syntax, findings),
            Word::Text(text) => reading.literal(text, findings),
            Word::Plain(text) if reading.is_column(text) => {
                reading.column = kind(text);
                findings.hold(reading.column.is_some(), unknown_field, || format!("there is no field {text}"));
            }
            Word::Plain(text) => reading.keyword(text, findings),
            Word::Symbol(_) => {}
        }
    }
    findings.hold(reading.levels.len() == 1, syntax, || "a bracket is not closed".to_owned());
    // As many conditions as are joined, and one.
    let count = reading.conditions + 1;
    findings.hold(count <= CONDITIONS_LIMIT, &CONDITIONS, || {
        format!("{count} conditions are more than {CONDITIONS_LIMIT}")
    });
}

struct Reading {
    /// How many `and` and `or` each open bracket holds so far.
    levels: Vec<usize>,
    conditions: usize,
    /// Values in the open list of an `in`.
    list: Option<usize>,
    /// Whether the next `and` belongs to a `between`.
    between: bool,
    /// The type of the column that is compared.
    column: Option<Kind>,
}

impl Reading {
    fn open(&mut self, is_list: bool) {
        if is_list {
            self.list = Some(0);
        } else {
            self.levels.push(0);
        }
    }

    fn close(&mut self, syntax: &'static Rule, findings: &mut Findings) {
        if let Some(values) = self.list.take() {
            findings.hold(values <= VALUES, &IN, || format!("{values} values are more than {VALUES}"));
            findings.hold(values <= VALUES_OF_OLD, &OLD_IN, || {
                format!("{values} values are more than {VALUES_OF_OLD}, which older versions allow")
            });
        } else if self.levels.len() > 1 {
            self.levels.pop();
        } else {
            findings.add(syntax, "a bracket is closed that was not opened");
        }
    }

    fn literal(&mut self, text: &str, findings: &mut Findings) {
        if let Some(values) = &mut self.list {
            *values += 1;
        }
        findings
            .hold(!text.contains('\\'), &ESCAPE, || "a quote is escaped by a second one, not by a backslash".into());
        let sound = self.column != Some(Kind::Time) || shape::is_time(text);
        findings.hold(sound, &TIME, || "a time is whole seconds with a numeric offset".to_owned());
    }

    fn is_column(&self, text: &str) -> bool {
        let is_name = text.starts_with(|first: char| first.is_alphabetic() || "_$".contains(first));
        is_name && self.list.is_none() && !KEYWORDS.iter().any(|keyword| text.eq_ignore_ascii_case(keyword))
    }

    fn keyword(&mut self, text: &str, findings: &mut Findings) {
        if let Some(values) = &mut self.list {
            *values += 1;
        } else if text.eq_ignore_ascii_case("between") {
            self.between = true;
        } else if text.eq_ignore_ascii_case("and") && self.between {
            self.between = false;
        } else if text.eq_ignore_ascii_case("and") || text.eq_ignore_ascii_case("or") {
            self.conditions += 1;
            let joined = self.levels.last_mut().map_or(0, |joined| {
                *joined += 1;
                *joined
            });
            findings.hold(joined != 2, &NESTING, || "more than two conditions stand in one bracket".to_owned());
        }
    }
}
