//! A section of the template under reading: typed access to its properties, and a finding for each that is unknown.

use std::{cell::RefCell, str::FromStr};

use super::{
    Finding,
    node::{Entry, Kind, Node},
    scope::{Scope, Value},
};

/// Where findings are gathered, so that a reader hears of all of them at once.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) scope: &'a Scope,
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self { scope, findings: RefCell::default() }
    }

    pub(super) fn report(&self, line: usize, message: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::new(line, message));
    }

    /// The findings, in the order of the file.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.line);
        findings.dedup();
        findings
    }

    fn ok<T>(&self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.findings.borrow_mut().push(finding)).ok()
    }

    /// Whether what carries `Condition: name` exists.
    pub(super) fn exists(&self, condition: Option<&Node>) -> bool {
        let held = condition.map(|node| match node.text() {
            Some(name) => self.scope.named_condition(name, node.line),
            None => Err(Finding::new(node.line, "`Condition` needs a name")),
        });
        held.is_none_or(|held| self.ok(held) == Some(true))
    }

    /// Follows `!If` to the node that counts; `AWS::NoValue` is none.
    pub(super) fn resolve<'n>(&self, node: &'n Node) -> Option<&'n Node> {
        match &node.kind {
            Kind::Call(name, argument) if name == "Fn::If" => {
                let Some([condition, then, otherwise]) = argument.list() else {
                    self.report(node.line, "`Fn::If` needs a condition and two values");
                    return None;
                };
                let held = self.scope.named_condition(condition.text().unwrap_or_default(), node.line);
                self.resolve(if self.ok(held)? { then } else { otherwise })
            }
            Kind::Call(name, argument) if name == "Ref" && argument.text() == Some("AWS::NoValue") => None,
            Kind::Null => None,
            _ => Some(node),
        }
    }

    /// Opens a section that may have only the `known` properties. `of` is whose they are, for the finding.
    pub(super) fn section<'n>(&'n self, node: &'n Node, of: &str, known: &[&[&str]]) -> Option<Properties<'n>> {
        let node = self.resolve(node)?;
        let Some(entries) = node.entries() else {
            self.report(node.line, format!("{of} is a list of properties"));
            return None;
        };
        let known: Vec<&str> = known.concat();
        for Entry { key, line, .. } in entries.iter().filter(|entry| !known.contains(&&*entry.key)) {
            let meant = known.iter().min_by_key(|name| distance(name, key)).filter(|name| distance(name, key) <= 2);
            let hint = meant.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
            self.report(*line, format!("{of} has no property `{key}` that the local stack knows{hint}"));
        }
        Some(Properties { context: self, entries, line: node.line })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Properties<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) entries: &'a [Entry],
    pub(super) line: usize,
}

impl<'a> Properties<'a> {
    /// What stands there, if anything does.
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == name).and_then(|entry| self.context.resolve(&entry.value))
    }

    /// The property's line, or else its section's.
    pub(super) fn line_of(&self, name: &str) -> usize {
        self.entries.iter().find(|entry| entry.key == name).map_or(self.line, |entry| entry.line)
    }

    pub(super) fn section(&self, name: &str, of: &str, known: &[&[&str]]) -> Option<Properties<'a>> {
        self.context.section(self.node(name)?, of, known)
    }

    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let value = self.context.ok(self.context.scope.evaluate(self.node(name)?, None))?;
        (value != Value::Nothing).then_some(value)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => self.wrong(name, "a text"),
        }
    }

    pub(super) fn required(&self, name: &str, of: &str) -> Option<String> {
        if self.node(name).is_none() {
            self.context.report(self.line, format!("{of} needs `{name}`"));
        }
        self.text(name)
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok().or_else(|| self.wrong(name, "a whole number, and not too large"))
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok().or_else(|| self.wrong(name, "`true` or `false`"))
    }

    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let text = |value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        match self.value(name)? {
            Value::List(values) => {
                values.into_iter().map(text).collect::<Option<_>>().or_else(|| self.wrong(name, "a list of texts"))
            }
            _ => self.wrong(name, "a list"),
        }
    }

    /// The logical id in `!Ref X`, or in `!GetAtt X.attribute`.
    pub(super) fn resource(&self, name: &str, attribute: Option<&str>) -> Option<String> {
        match self.value(name)? {
            Value::Resource { logical_id, attribute: found } if found.as_deref() == attribute => Some(logical_id),
            _ => match attribute {
                Some(attribute) => self.wrong(name, &format!("`!GetAtt <a resource of this template>.{attribute}`")),
                None => self.wrong(name, "`!Ref <a resource of this template>`"),
            },
        }
    }

    fn wrong<T>(&self, name: &str, expected: &str) -> Option<T> {
        self.context.report(self.line_of(name), format!("`{name}` has to be {expected}"));
        None
    }
}

/// Levenshtein's: how many letters one has to add, drop or change.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, one) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in right.chars().enumerate() {
            let changed = diagonal + usize::from(one != other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
