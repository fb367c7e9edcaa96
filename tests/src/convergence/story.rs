//! A story: what happens on both sides and between them, step by step. It is made from its seed alone.

use std::fmt;

use serde_json::Value;

use super::athletes::Athlete;
use super::unit::{ACCOUNTS, CONTACTS, Role, Unit};

/// Everything that a seed decides.
#[derive(Debug)]
pub struct Story {
    pub seed: u64,
    /// What Zoho's documents leave open.
    pub(super) settings: Value,
    /// Whether `ENABLE_ZOHO_SYNC` is on at first.
    pub(super) on: bool,
    /// Whether each edit of sales gets a second of its own. Otherwise one that falls between our read and our write of the
    /// same second may be lost, as documented.
    pub(super) ticks: bool,
    /// Whether sales take everything out of the recycle bin after the end.
    pub(super) comes_back: bool,
    pub(super) cast: Vec<Member>,
    pub(super) steps: Vec<Step>,
}

/// Somebody who may sign up.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) role: Role,
    /// The login.
    pub(super) sub: String,
}

/// A record that sales work on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// The Contact that carries the member's id.
    Contact(usize),
    /// The Account that carries the member's id.
    Account(usize),
    /// A Contact that sales have made.
    Lead(usize),
}

/// Whose work is hindered, and how.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) operation: &'static str,
    pub(super) kind: &'static str,
    pub(super) more: Value,
    /// Whose record goes wrong, for a fault of single records.
    pub(super) member: Option<usize>,
    /// Whether it is her Account that goes wrong, and not her Contact.
    pub(super) account: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    // Our side.
    SignUp {
        member: usize,
        email: String,
        body: Value,
        athletes: Vec<Athlete>,
    },
    Edit {
        member: usize,
        unit: Unit,
        value: Option<String>,
    },
    Sports {
        member: usize,
        sports: Vec<&'static str>,
    },
    Promote {
        member: usize,
        level: &'static str,
    },
    Move {
        member: usize,
        email: String,
    },
    /// Two members take each other's address, by way of a third one.
    Swap {
        members: [usize; 2],
        by: String,
    },
    Erase {
        member: usize,
    },
    // Sales.
    Lead {
        lead: usize,
        fields: Value,
    },
    SalesEdit {
        target: Target,
        unit: Unit,
        fields: Value,
    },
    SalesTag {
        target: Target,
        tag: &'static str,
        add: bool,
    },
    SalesDelete {
        target: Target,
    },
    /// The record that went last, or if `back` is 1, the one before it, and so on; perhaps without a trace in its
    /// `Modified_Time`, or without a word to us.
    SalesRestore {
        module: &'static str,
        back: usize,
        touch: bool,
        tell: bool,
    },
    SalesMerge {
        master: Target,
        other: Target,
    },
    /// Against the API; whoever works in Zoho's own pages is not held up.
    SalesLock {
        target: Target,
        locked: bool,
    },
    // What lies between.
    Fault(Fault),
    Mend,
    /// The CRM refuses every token of ours, or takes them again.
    Route {
        to: &'static str,
    },
    Refused {
        on: bool,
    },
    /// An admin lets what has failed run again, and ends pauses.
    Operator,
    Kill {
        function: &'static str,
    },
    Flag {
        on: bool,
    },
    Hour,
    Sweep,
    Reconcile,
    Seniors,
    RenewWatch,
    Purge {
        queue: &'static str,
    },
    Stray {
        members: Vec<usize>,
        times: u64,
    },
    Notifications {
        mode: &'static str,
    },
    Held {
        order: &'static str,
        times: u64,
        merge: bool,
    },
    DropHeld,
    ZohoClock {
        seconds: u64,
    },
    Wait {
        milliseconds: u64,
    },
    Calm,
}

impl Story {
    /// Whether a workflow in the CRM has a say in a unit: while it runs, nobody else's word is sure to stand.
    pub(super) fn is_ruled(&self, unit: Unit) -> bool {
        let rules = self.settings["field_rules"].as_array().into_iter().flatten();
        rules.into_iter().any(|rule| unit.fields().iter().any(|field| rule["field"] == *field))
    }
}

impl Target {
    pub(super) fn module(self) -> &'static str {
        if matches!(self, Self::Account(_)) { ACCOUNTS } else { CONTACTS }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contact(member) => write!(f, "the Contact of P{member}"),
            Self::Account(member) => write!(f, "the Account of P{member}"),
            Self::Lead(lead) => write!(f, "lead L{lead}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignUp { member, email, body, athletes } => {
                write!(f, "P{member} signs up as {email}: {body}, with {athletes:?}")
            }
            Self::Edit { member, unit, value } => write!(f, "P{member} sets {unit:?} to {value:?}"),
            Self::Sports { member, sports } => write!(f, "P{member} is interested in {sports:?}"),
            Self::Promote { member, level } => write!(f, "P{member} becomes {level}"),
            Self::Move { member, email } => write!(f, "P{member} has the address {email} now"),
            Self::Swap { members: [a, b], by } => write!(f, "P{a} and P{b} swap addresses, by way of {by}"),
            Self::Erase { member } => write!(f, "P{member} deletes her account"),
            Self::Lead { lead, fields } => write!(f, "sales make lead L{lead}: {fields}"),
            Self::SalesEdit { target, fields, .. } => write!(f, "sales write {fields} on {target}"),
            Self::SalesTag { target, tag, add: true } => write!(f, "sales tag {target} with {tag:?}"),
            Self::SalesTag { target, tag, add: false } => write!(f, "sales take the tag {tag:?} from {target}"),
            Self::SalesDelete { target } => write!(f, "sales delete {target}"),
            Self::SalesRestore { module, back, touch, tell } => {
                write!(f, "sales take number {back} of {module} out of the bin, touched: {touch}, told: {tell}")
            }
            Self::SalesLock { target, locked: true } => write!(f, "sales lock {target}"),
            Self::SalesLock { target, locked: false } => write!(f, "sales unlock {target}"),
            Self::SalesMerge { master, other } => write!(f, "sales merge {other} into {master}"),
            Self::Fault(Fault { operation, kind, more, member: None, .. }) => {
                write!(f, "fault {kind} on {operation}: {more}")
            }
            Self::Fault(Fault { operation, kind, more, member: Some(member), account }) => {
                let record = if *account { "Account" } else { "Contact" };
                write!(f, "fault {kind} on {operation}: {more}, about the {record} of P{member}")
            }
            Self::Mend => write!(f, "all faults end"),
            Self::Route { to } => write!(f, "ZOHO_SYNC_ROUTE={to}"),
            Self::Refused { on: true } => write!(f, "the CRM refuses us"),
            Self::Refused { on: false } => write!(f, "the CRM lets us in again"),
            Self::Operator => write!(f, "an admin resumes the work"),
            Self::Kill { function } => write!(f, "kill -9 of {function} at work"),
            Self::Flag { on } => write!(f, "ENABLE_ZOHO_SYNC={on}"),
            Self::Hour => write!(f, "an hour passes"),
            Self::Sweep => write!(f, "sweep-tasks"),
            Self::Seniors => write!(f, "tag-seniors"),
            Self::Reconcile => write!(f, "reconcile-zoho"),
            Self::RenewWatch => write!(f, "renew-zoho-watch"),
            Self::Purge { queue } => write!(f, "all messages of {queue} are lost"),
            Self::Stray { members, times } => write!(f, "{times} stray messages about {members:?}"),
            Self::Notifications { mode } => write!(f, "notifications: {mode}"),
            Self::Held { order, times, merge } => {
                write!(f, "held notifications come {order}, {times} times, merged: {merge}")
            }
            Self::DropHeld => write!(f, "held notifications are lost"),
            Self::ZohoClock { seconds } => write!(f, "Zoho's clock goes on by {seconds} s"),
            Self::Wait { milliseconds } => write!(f, "{milliseconds} ms"),
            Self::Calm => write!(f, "what is under way comes to an end"),
        }
    }
}
