//! What goes wrong in a story.

use super::super::fault::Present;
use super::super::story::{Fault, Step};
use super::super::trouble;
use super::super::unit::Role;
use super::Writer;

/// Faults after which nothing is done any more before a person says so.
const REFUSALS: [&str; 4] = ["scope-mismatch", "no-permission", "invalid-code", "invalid-client"];

impl Writer {
    pub(super) fn trouble(&mut self) {
        let all = self.present();
        let orgs = all.iter().copied().filter(|place| self.cast[*place].member.role == Role::Org).collect();
        let step = trouble::step(&mut self.dice, &Present { all, orgs });
        // Zoho knows a record by an id of its own once it is there.
        if matches!(step, Step::Fault(Fault { member: Some(_), .. })) && self.dice.percent(50) {
            self.steps.push(Step::Calm);
        }
        self.steps.push(step.clone());
        match step {
            // What nobody has to do cannot fail.
            Step::Fault(Fault { operation: "delete", member: Some(member), .. }) if self.dice.percent(50) => {
                self.erases(member);
            }
            Step::Fault(Fault { member: Some(member), .. }) if self.dice.percent(60) => self.edits(member),
            Step::Fault(Fault { kind, .. }) if REFUSALS.contains(&kind) && self.dice.percent(60) => {
                self.steps.extend([Step::Calm, Step::Mend, Step::Operator]);
            }
            // Other things happen before somebody has mended that.
            Step::Refused { on: true } => self.refused_for = 1 + self.dice.below(6),
            _ => {}
        }
    }

    /// The story goes on after a refusal, half of the time: otherwise an admin comes at its end only.
    pub(super) fn end_refusal(&mut self) {
        if self.refused_for == 0 {
            return;
        }
        self.refused_for -= 1;
        if self.refused_for == 0 {
            self.steps.push(Step::Refused { on: false });
            if self.dice.percent(50) {
                self.steps.push(Step::Operator);
            }
        }
    }
}
