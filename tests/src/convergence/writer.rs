//! Writes a story from its seed: who comes, what each side does, and what goes wrong between them.

use super::dice::Dice;
use super::story::{Member, Step, Story, Target};
use super::trouble;
use super::unit::{Role, Unit};
use super::words::{self, Words};

/// Tags that sales set; ours are named after sports.
const TAGS_OF_SALES: [&str; 4] = ["VIP", "Newsletter", "Call back", "Trade fair"];
const SPORTS: [&str; 6] = ["Soccer", "Tennis", "Golf", "Rugby", "Judo", "Quidditch"];
const LEVELS: [&str; 3] = ["Level 1", "Level 2", "Master"];

/// What is known of everybody while the story is written. Whether it comes so is not known: workers may be late.
struct Writer {
    dice: Dice,
    words: Words,
    cast: Vec<Part>,
    leads: Vec<String>,
    /// Addresses that somebody had before.
    freed: Vec<String>,
    steps: Vec<Step>,
}

struct Part {
    member: Member,
    email: String,
    here: bool,
    gone: bool,
}

#[derive(Clone, Copy)]
enum Turn {
    SignUp,
    Ours,
    Move,
    Swap,
    Erase,
    Lead,
    Sales,
    Tag,
    Delete,
    Merge,
    Trouble,
}

impl Story {
    /// The story of a seed, always the same.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let settings = trouble::settings(&mut dice);
        let (on, ticks) = (dice.percent(75), dice.percent(75));
        let mut writer = Writer {
            words: Words::default(),
            cast: Vec::new(),
            leads: Vec::new(),
            freed: Vec::new(),
            steps: vec![],
            dice,
        };
        for _ in 0..3 + writer.dice.below(3) {
            let role = writer.dice.weighted(&[(5, Role::Parent), (3, Role::Org), (3, Role::Photographer)]);
            writer.expect(role, None);
        }
        writer.steps.push(Step::RenewWatch);
        for _ in 0..=writer.dice.below(2) {
            writer.sign_up();
        }
        if writer.dice.percent(60) {
            writer.steps.push(Step::Calm);
        }
        for _ in 0..12 + writer.dice.below(24) {
            writer.go_on();
        }
        let cast = writer.cast.into_iter().map(|part| part.member).collect();
        Self { seed, settings, on, ticks, cast, steps: writer.steps }
    }
}

impl Writer {
    fn go_on(&mut self) {
        let turn = self.dice.weighted(&[
            (9, Turn::SignUp),
            (18, Turn::Ours),
            (4, Turn::Move),
            (2, Turn::Swap),
            (3, Turn::Erase),
            (4, Turn::Lead),
            (22, Turn::Sales),
            (7, Turn::Tag),
            (2, Turn::Delete),
            (3, Turn::Merge),
            (60, Turn::Trouble),
        ]);
        match turn {
            Turn::SignUp => self.sign_up(),
            Turn::Ours => self.edit(),
            Turn::Move => self.move_house(),
            Turn::Swap => self.swap(),
            Turn::Erase => self.erase(),
            Turn::Lead => self.lead(),
            Turn::Sales => self.sales_edit(),
            Turn::Tag => self.sales_tag(),
            Turn::Delete => {
                let step = self.target().map(|target| Step::SalesDelete { target });
                self.steps.extend(step);
            }
            Turn::Merge => self.merge(),
            Turn::Trouble => {
                let present = self.present();
                self.steps.push(trouble::step(&mut self.dice, &present));
            }
        }
    }

    /// Somebody who may sign up later; a login may come back after its user was erased.
    fn expect(&mut self, role: Role, login: Option<(String, String)>) {
        let place = self.cast.len();
        let (sub, email) = login.unwrap_or_else(|| (format!("login-{place}"), self.words.email()));
        self.cast.push(Part { member: Member { role, sub }, email, here: false, gone: false });
    }

    fn present(&self) -> Vec<usize> {
        (0..self.cast.len()).filter(|place| self.cast[*place].here).collect()
    }

    fn sign_up(&mut self) {
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
        let body = words::registration(&mut self.dice, &mut self.words, part.member.role, member);
        self.steps.push(Step::SignUp { member, email: part.email.clone(), body });
    }

    fn edit(&mut self) {
        let Some(member) = self.dice.any_of(&self.present()) else { return };
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
                Step::Edit { member, unit, value: self.words.ours(&mut self.dice, unit) }
            }
        };
        self.steps.push(step);
    }

    fn move_house(&mut self) {
        let Some(member) = self.dice.any_of(&self.present()) else { return };
        let of_a_lead = self.dice.percent(20).then(|| self.leads.last().cloned()).flatten();
        let taken = |email: &String| self.cast.iter().any(|part| part.email == *email);
        let email = of_a_lead.filter(|email| !taken(email)).unwrap_or_else(|| self.words.email());
        let old = std::mem::replace(&mut self.cast[member].email, email.clone());
        self.freed.push(old);
        self.steps.push(Step::Move { member, email });
    }

    fn swap(&mut self) {
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

    fn erase(&mut self) {
        let Some(member) = self.dice.any_of(&self.present()) else { return };
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

    /// A Contact of sales' own, perhaps of somebody who will sign up, or of nobody that we will ever know.
    fn lead(&mut self) {
        let to_come: Vec<usize> =
            (0..self.cast.len()).filter(|place| !self.cast[*place].here && !self.cast[*place].gone).collect();
        let known = self.dice.percent(60).then(|| self.dice.any_of(&to_come)).flatten();
        let email = known.map(|member| self.cast[member].email.clone());
        let email = email.filter(|email| !self.leads.contains(email)).unwrap_or_else(|| self.words.email());
        let fields = words::lead(&mut self.dice, &mut self.words, &email);
        self.steps.push(Step::Lead { lead: self.leads.len(), fields });
        self.leads.push(email);
    }

    fn target(&mut self) -> Option<Target> {
        let lead = (!self.leads.is_empty() && self.dice.percent(15)).then(|| self.dice.below(self.leads.len() as u64));
        if let Some(lead) = lead {
            return Some(Target::Lead(usize::try_from(lead).ok()?));
        }
        let member = self.dice.any_of(&self.present())?;
        let account = self.cast[member].member.role == Role::Org && self.dice.percent(40);
        Some(if account { Target::Account(member) } else { Target::Contact(member) })
    }

    fn sales_edit(&mut self) {
        let Some(target) = self.target() else { return };
        let module = target.module();
        let units: Vec<(u64, Unit)> = Unit::ALL
            .into_iter()
            .filter(|unit| unit.module() == module)
            .map(|unit| (if unit.belongs_to_sales() { 4 } else { 1 }, unit))
            .collect();
        let unit = self.dice.weighted(&units);
        let fields = self.words.of_sales(&mut self.dice, unit);
        self.steps.push(Step::SalesEdit { target, unit, fields });
    }

    fn sales_tag(&mut self) {
        let Some(target) = self.target().filter(|target| !matches!(target, Target::Account(_))) else { return };
        // Now and then one of ours disappears, too.
        let ours = self.dice.percent(15);
        let tag = if ours { self.dice.pick(&SPORTS) } else { self.dice.pick(&TAGS_OF_SALES) };
        self.steps.push(Step::SalesTag { target, tag, add: !ours && self.dice.percent(70) });
    }

    fn merge(&mut self) {
        let (Some(master), Some(other)) = (self.target(), self.target()) else { return };
        if master.module() == other.module() {
            self.steps.push(Step::SalesMerge { master, other });
        }
    }
}
