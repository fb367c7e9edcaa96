//! What users do in a story.

use super::super::athletes;
use super::super::story::Step;
use super::super::unit::{Role, Unit};
use super::super::words;
use super::{SPORTS, Writer};

const LEVELS: [&str; 3] = ["Level 1", "Level 2", "Master"];

impl Writer {
    pub(super) fn sign_up(&mut self) {
        let absent: Vec<usize> =
            (0..self.cast.len()).filter(|place| !self.cast[*place].here && !self.cast[*place].gone).collect();
        let Some(member) = self.dice.any_of(&absent) else { return };
        if self.dice.percent(20)
            && let Some(email) = self.freed.pop()
        {
            self.cast[member].email = email;
        }
        let part = &mut self.cast[member];
        part.here = true;
        let is_parent = part.member.role == Role::Parent;
        let athletes = if is_parent { athletes::draw(&mut self.dice, &mut self.words, &SPORTS) } else { Vec::new() };
        let body = words::registration(&mut self.dice, &mut self.words, part.member.role, member);
        self.names.extend(body["org_name"].as_str().map(str::to_owned));
        self.steps.push(Step::SignUp { member, email: part.email.clone(), body, athletes });
    }

    pub(super) fn edit(&mut self) {
        if let Some(member) = self.dice.any_of(&self.present()) {
            self.edits(member);
        }
    }

    /// This one changes something about herself.
    pub(super) fn edits(&mut self, member: usize) {
        let role = self.cast[member].member.role;
        let step = match role {
            Role::Photographer if self.dice.percent(35) => Step::Promote { member, level: self.dice.pick(&LEVELS) },
            Role::Parent if self.dice.percent(30) => {
                let sports = SPORTS.into_iter().filter(|_| self.dice.percent(35)).collect();
                Step::Sports { member, sports }
            }
            _ => {
                let units: Vec<Unit> = role.units().iter().copied().filter(|unit| words::is_editable(*unit)).collect();
                let unit = self.dice.pick(&units);
                let mut value = self.words.ours(&mut self.dice, unit);
                if unit == Unit::OrgName {
                    value = self.name().or(value);
                    self.names.extend(value.clone());
                }
                Step::Edit { member, unit, value }
            }
        };
        self.steps.push(step);
    }

    pub(super) fn move_house(&mut self) {
        let Some(member) = self.dice.any_of(&self.present()) else { return };
        let of_a_lead = self.dice.percent(20).then(|| self.leads.last().cloned()).flatten();
        let taken = |email: &String| self.cast.iter().any(|part| part.email == *email);
        let email = of_a_lead.filter(|email| !taken(email)).unwrap_or_else(|| self.words.email());
        let old = std::mem::replace(&mut self.cast[member].email, email.clone());
        self.freed.push(old);
        self.steps.push(Step::Move { member, email });
    }

    pub(super) fn swap(&mut self) {
        let present = self.present();
        let (Some(one), Some(other)) = (self.dice.any_of(&present), self.dice.any_of(&present)) else { return };
        if one == other {
            return;
        }
        let email = self.cast[one].email.clone();
        self.cast[one].email = std::mem::replace(&mut self.cast[other].email, email);
        let by = self.words.email();
        self.steps.push(Step::Swap { members: [one, other], by });
    }

    pub(super) fn erase(&mut self) {
        if let Some(member) = self.dice.any_of(&self.present()) {
            self.erases(member);
        }
    }

    /// This one deletes her account.
    pub(super) fn erases(&mut self, member: usize) {
        let part = &mut self.cast[member];
        (part.here, part.gone) = (false, true);
        let (role, sub, email) = (part.member.role, part.member.sub.clone(), part.email.clone());
        self.steps.push(Step::Erase { member });
        if self.dice.percent(40) {
            self.expect(role, Some((sub, email)));
        } else {
            self.freed.push(email);
        }
    }

    /// Now and then the name that another organisation has, or had: where names are unique, one of them cannot.
    pub(super) fn name(&mut self) -> Option<String> {
        if self.names.is_empty() || !self.dice.percent(15) {
            return None;
        }
        let place = self.dice.below(self.names.len() as u64);
        self.names.get(usize::try_from(place).ok()?).cloned()
    }
}
