//! Writes a story from its seed: who comes, what each side does, and what goes wrong between them.

mod between;
mod ours;
mod sales;

use super::dice::Dice;
use super::settings;
use super::story::{Member, Step, Story};
use super::unit::Role;
use super::words::Words;

const SPORTS: [&str; 6] = ["Soccer", "Tennis", "Golf", "Rugby", "Judo", "Quidditch"];

/// What is known of everybody while the story is written. Whether it comes so is not known: workers may be late.
struct Writer {
    dice: Dice,
    words: Words,
    cast: Vec<Part>,
    leads: Vec<String>,
    /// Addresses that somebody had before.
    freed: Vec<String>,
    /// What organisations are called, or were.
    names: Vec<String>,
    /// For how many turns the CRM still refuses us.
    refused_for: u64,
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
    Restore,
    Merge,
    Lock,
    Trouble,
}

impl Story {
    /// The story of a seed, always the same.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let settings = settings::draw(&mut dice, &mut Dice::of(!seed));
        let (on, ticks, comes_back) = (dice.percent(75), dice.percent(75), dice.percent(50));
        let mut writer = Writer {
            words: Words::default(),
            cast: Vec::new(),
            leads: Vec::new(),
            freed: Vec::new(),
            names: Vec::new(),
            refused_for: 0,
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
        Self { seed, settings, on, ticks, comes_back, cast, steps: writer.steps }
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
            (4, Turn::Restore),
            (3, Turn::Merge),
            (4, Turn::Lock),
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
            Turn::Delete => self.delete(),
            Turn::Restore => self.restore(),
            Turn::Merge => self.merge(),
            Turn::Lock => self.lock(),
            Turn::Trouble => self.trouble(),
        }
        self.end_refusal();
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
}
