//! What a rule is, and what is noted of a request that breaks some.

use serde::Serialize;

/// One sentence of Zoho's documents that a request can be held against.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// Title and address of the page that has it; empty: the page of the operation that was asked for.
    pub(super) page: &'static str,
    pub(super) severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Zoho refuses such a request, or takes it for something else than was meant.
    Violation,
    /// Allowed, or refused by some versions only; worth a look.
    Note,
}

impl Rule {
    pub(super) const fn violation(name: &'static str, page: &'static str) -> Self {
        Self { name, page, severity: Severity::Violation }
    }

    pub(super) const fn note(name: &'static str, page: &'static str) -> Self {
        Self { name, page, severity: Severity::Note }
    }
}

/// What one request breaks.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(&'static Rule, String)>);

impl Findings {
    /// `what` names fields, keys and numbers, and never shows a value: people's data stays out of logs.
    pub(super) fn add(&mut self, rule: &'static Rule, what: impl Into<String>) {
        self.0.push((rule, what.into()));
    }

    /// Adds unless the rule holds.
    pub(super) fn hold(&mut self, holds: bool, rule: &'static Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, what());
        }
    }
}

impl IntoIterator for Findings {
    type Item = (&'static Rule, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
