//! Puts the story down, step by step: for people as they happen, for machines at the end.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

/// For whom the story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    People,
    Machines,
}

/// A step whose evidence was not as it should be.
#[derive(Debug, thiserror::Error)]
#[error("a step of the story does not hold")]
pub(super) struct DidNotHold;

/// The story so far.
#[derive(Debug)]
pub struct Teller {
    format: Format,
    text: String,
    chapter: String,
    steps: Vec<Value>,
    held: bool,
}

/// What was seen, and where.
#[derive(Debug)]
pub struct Evidence {
    source: &'static str,
    what: String,
    holds: bool,
}

impl Evidence {
    pub fn new(source: &'static str, what: impl Into<String>, holds: bool) -> Evidence {
        Evidence { source, what: what.into(), holds }
    }
}

impl Teller {
    pub fn new(format: Format) -> Teller {
        Teller { format, text: String::new(), chapter: String::new(), steps: Vec::new(), held: true }
    }

    pub fn chapter(&mut self, title: &str) {
        title.clone_into(&mut self.chapter);
        let _ = writeln!(self.text, "\n{title}\n{}", "─".repeat(title.chars().count()));
    }

    /// Tells one step.
    ///
    /// # Errors
    /// [`DidNotHold`] if any of its evidence does not: there is no sense in telling on.
    pub fn step(&mut self, happened: &str, evidence: Vec<Evidence>) -> Result<()> {
        let held = evidence.iter().all(|one| one.holds);
        let number = self.steps.len() + 1;
        let _ = writeln!(self.text, "\n{number:>2}. {happened}");
        for one in &evidence {
            let _ = writeln!(self.text, "    {} {:<9} {}", if one.holds { "✓" } else { "✗" }, one.source, one.what);
        }
        let evidence: Vec<Value> = evidence
            .into_iter()
            .map(|one| json!({ "source": one.source, "what": one.what, "holds": one.holds }))
            .collect();
        self.steps.push(json!({ "chapter": self.chapter, "step": happened, "held": held, "evidence": evidence }));
        self.held &= held;
        if held { Ok(()) } else { Err(DidNotHold.into()) }
    }

    /// Whether all of it held, and the story.
    pub fn end(mut self) -> (bool, String) {
        let text = match self.format {
            Format::Machines => format!("{:#}", json!({ "held": self.held, "steps": self.steps })),
            Format::People => {
                let end = if self.held { "Every step held." } else { "This step does not hold; the story ends here." };
                let _ = write!(self.text, "\n{end}");
                self.text
            }
        };
        (self.held, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_hold_ends_the_story_and_fails_it() {
        let mut teller = Teller::new(Format::People);

        let told = teller.step("Sheree signs up.", vec![Evidence::new("database", "no row", false)]);

        assert!(told.unwrap_err().is::<DidNotHold>());
        let (held, text) = teller.end();
        assert!(!held);
        assert!(text.contains("✗ database  no row"), "{text}");
    }

    #[test]
    fn machines_get_the_same_as_json() {
        let mut teller = Teller::new(Format::Machines);
        teller.chapter("Workflow A");
        teller.step("Sheree signs up.", vec![Evidence::new("database", "a row", true)]).unwrap();

        let (_, text) = teller.end();

        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["steps"][0]["evidence"][0]["what"], "a row");
        assert_eq!((told["held"].as_bool(), told["steps"][0]["chapter"].as_str()), (Some(true), Some("Workflow A")));
    }
}
