//! What sales do in a story.

use super::super::story::{Step, Target};
use super::super::unit::{ACCOUNTS, CONTACTS, Role, Unit};
use super::super::words;
use super::{SPORTS, Writer};

/// Tags that sales set; ours are named after sports.
const TAGS_OF_SALES: [&str; 4] = ["VIP", "Newsletter", "Call back", "Trade fair"];

impl Writer {
    /// A Contact of sales' own, perhaps of somebody who will sign up, or of nobody that we will ever know.
    pub(super) fn lead(&mut self) {
        let to_come: Vec<usize> =
            (0..self.cast.len()).filter(|place| !self.cast[*place].here && !self.cast[*place].gone).collect();
        let known = self.dice.percent(60).then(|| self.dice.any_of(&to_come)).flatten();
        let email = known.map(|member| self.cast[member].email.clone());
        let email = email.filter(|email| !self.leads.contains(email)).unwrap_or_else(|| self.words.email());
        let fields = words::lead(&mut self.dice, &mut self.words, &email);
        self.steps.push(Step::Lead { lead: self.leads.len(), fields });
        self.leads.push(email);
    }

    pub(super) fn target(&mut self) -> Option<Target> {
        let lead = (!self.leads.is_empty() && self.dice.percent(15)).then(|| self.dice.below(self.leads.len() as u64));
        if let Some(lead) = lead {
            return Some(Target::Lead(usize::try_from(lead).ok()?));
        }
        let member = self.dice.any_of(&self.present())?;
        let account = self.cast[member].member.role == Role::Org && self.dice.percent(40);
        Some(if account { Target::Account(member) } else { Target::Contact(member) })
    }

    pub(super) fn sales_edit(&mut self) {
        let Some(target) = self.target() else { return };
        let module = target.module();
        let units: Vec<(u64, Unit)> = Unit::ALL
            .into_iter()
            .filter(|unit| unit.module() == module)
            .map(|unit| (if unit.belongs_to_sales() { 4 } else { 1 }, unit))
            .collect();
        let unit = self.dice.weighted(&units);
        let mut fields = self.words.of_sales(&mut self.dice, unit);
        if unit == Unit::OrgName
            && let Some(name) = self.name()
        {
            fields["Account_Name"] = name.into();
        }
        self.steps.push(Step::SalesEdit { target, unit, fields });
    }

    pub(super) fn sales_tag(&mut self) {
        let Some(target) = self.target().filter(|target| !matches!(target, Target::Account(_))) else { return };
        // Now and then one of ours disappears, too.
        let ours = self.dice.percent(15);
        let tag = if ours { self.dice.pick(&SPORTS) } else { self.dice.pick(&TAGS_OF_SALES) };
        self.steps.push(Step::SalesTag { target, tag, add: !ours && self.dice.percent(70) });
    }

    pub(super) fn merge(&mut self) {
        let (Some(master), Some(other)) = (self.target(), self.target()) else { return };
        if master.module() == other.module() {
            self.steps.push(Step::SalesMerge { master, other });
        }
    }

    pub(super) fn delete(&mut self) {
        let step = self.target().map(|target| Step::SalesDelete { target });
        self.steps.extend(step);
    }

    /// Of what has gone at some time, or of what goes just before.
    pub(super) fn restore(&mut self) {
        let just_gone = self.dice.percent(60).then(|| self.target()).flatten();
        if let Some(target) = just_gone {
            self.steps.push(Step::SalesDelete { target });
            if self.dice.percent(60) {
                self.steps.push(Step::Calm);
            }
        }
        let drawn =
            (self.dice.weighted(&[(3, CONTACTS), (1, ACCOUNTS)]), self.dice.weighted(&[(3, 0), (2, 1), (1, 2)]));
        let (module, back) = just_gone.map_or(drawn, |target| (target.module(), 0));
        let (touch, tell) = (self.dice.percent(50), self.dice.percent(50));
        self.steps.push(Step::SalesRestore { module, back, touch, tell });
    }

    pub(super) fn lock(&mut self) {
        let Some(target) = self.target() else { return };
        let locked = self.dice.percent(65);
        self.steps.push(Step::SalesLock { target, locked });
    }
}
