//! What may be recorded of a record's plan, by what has changed on our side since its person was read.

use super::half::{End, Half};
use super::plan::Plan;
use super::problem::Problem;
use crate::db::people::Person;
use crate::db::zoho_links::{Agreed, Standing};
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::domain::record::{Fields, Unit};

/// What is recorded.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// All of it.
    Whole(Kept<'a>),
    /// She has changed meanwhile: what was written is so, and the rest is seen again.
    Written(Kept<'a>),
    /// Nothing had to be done.
    Echo,
    Gone,
    /// Somebody else has recorded something of it meanwhile.
    Overtaken,
    /// She is gone here, or there was nothing to do, or nothing could be done.
    Nothing,
}

/// On what both sides agree now.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    plan: &'a Plan,
    base: Fields,
}

impl<'a> Fate<'a> {
    /// `read` is the person as she was when the work began; `now`, as she is.
    pub(super) fn of(half: &'a Half, read: Option<&Person>, now: Option<&Person>) -> Self {
        let (Some(read), Some(now)) = (read, now) else { return Self::Nothing };
        let (was, is) = (read.link(half.module), now.link(half.module));
        let same_link = (&was.standing, was.version) == (&is.standing, is.version);
        let plan = match &half.end {
            End::Nothing | End::Failed(_) => return Self::Nothing,
            _ if !same_link => return Self::Overtaken,
            End::Gone => return Self::Gone,
            End::Met(plan) => plan,
        };
        let is_written = plan.written();
        // What was to become hers is not yet: her id is not on it.
        if !is_written && !matches!(was.standing, Standing::Linked(_)) {
            return Self::Nothing;
        }
        let same_fields = of_module(half.module, &read.fields) == of_module(half.module, &now.fields);
        match (same_fields, is_written) {
            (true, _) if plan.is_echo && plan.problem.is_none() => Self::Echo,
            (true, true) => Self::Whole(Kept { plan, base: plan.base.clone() }),
            (true, false) => Self::Whole(Kept { plan, base: plan.base_unsent.clone() }),
            (false, true) => {
                let sent = plan.write.as_ref().map(|write| write.changes.clone()).unwrap_or_default();
                Self::Written(Kept { plan, base: was.base.with(&sent) })
            }
            (false, false) => Self::Overtaken,
        }
    }

    pub(super) fn kept(&self) -> Option<&Kept<'a>> {
        match self {
            Self::Whole(kept) | Self::Written(kept) => Some(kept),
            Self::Echo | Self::Gone | Self::Overtaken | Self::Nothing => None,
        }
    }

    /// The plan, if all of it is recorded.
    pub(super) fn whole(&self) -> Option<&'a Plan> {
        match self {
            Self::Whole(kept) => Some(kept.plan),
            _ => None,
        }
    }

    /// Why the work on it has not ended.
    pub(super) fn problem(&self, half: &Half) -> Option<Problem> {
        match self {
            Self::Written(_) | Self::Overtaken => {
                Some(half.problem().filter(|problem| problem.concerns_all()).cloned().unwrap_or_else(|| {
                    Problem::stale("The person, or her link to the CRM, was changed while Zoho was called; done again.")
                }))
            }
            // Its task is asked for anew.
            Self::Gone => None,
            Self::Whole(_) | Self::Echo | Self::Nothing => half.problem().cloned(),
        }
    }
}

impl Kept<'_> {
    pub(super) fn agreed(&self, user: UserId) -> Option<Agreed<'_>> {
        Some(Agreed {
            user,
            record: self.plan.record.as_ref()?,
            base: &self.base,
            tags: &self.plan.tags.ours,
            modified_at: self.plan.modified_at,
            corrected: self.plan.corrects && self.plan.written(),
        })
    }
}

fn of_module(module: CrmModule, fields: &Fields) -> Fields {
    fields.only(|field| Unit::of(module).any(|unit| unit.fields().contains(&field)))
}
