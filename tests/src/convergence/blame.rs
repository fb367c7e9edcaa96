//! Whether sales are blamed for what they never wrote: a conflict that they did not cause sends an admin after nobody.

use super::ending::{Conflict, Ending};
use super::stage::Stage;
use super::unit::{Unit, folded};

impl Stage<'_> {
    /// Conflicts of which the other side's value is nobody's over there.
    pub(super) fn blamed(&self, ending: &Ending) -> Vec<String> {
        let blamed = ending.conflicts.iter().filter(|conflict| !self.is_of_sales(conflict));
        blamed
            .map(|Conflict { user, unit, theirs, kept, .. }| {
                let member = self.model.people.iter().find(|(_, person)| person.id == *user);
                let who = member.map_or_else(|| user.to_string(), |(member, _)| format!("P{member}"));
                format!("{who}: sales are blamed for the {unit} {theirs:?}, which they never wrote; kept is {kept}")
            })
            .collect()
    }

    fn is_of_sales(&self, Conflict { unit, theirs, .. }: &Conflict) -> bool {
        let Some(unit) = Unit::ALL.into_iter().find(|known| known.name() == unit) else { return false };
        let shown = |value: &Option<String>| value.as_deref().map(folded);
        let theirs = shown(theirs);
        self.story.is_ruled(unit)
            || self.model.of_sales.get(&unit).into_iter().flatten().any(|value| {
                let value = shown(value);
                unit.same(value.as_deref(), theirs.as_deref())
            })
    }
}
