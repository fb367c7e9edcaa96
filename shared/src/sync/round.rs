//! One round of the work: everything that was found out and done at Zoho for the tasks of one claim.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::erase::Erased;
use super::half::Half;
use super::problem::Problem;
use crate::db::people::Person;
use crate::db::strangers::Stranger;
use crate::domain::{CrmId, UserId};

#[derive(Debug, Default)]
pub(super) struct Round {
    /// As they were when the work began.
    pub people: HashMap<UserId, Person>,
    pub halves: Vec<Half>,
    /// Their Contacts have lost an address to its new owner.
    pub cleared: Vec<UserId>,
    /// Those of them for whom sales had written it.
    pub corrected: Vec<UserId>,
    pub erased: Erased,
    /// Records that are nobody's here as yet.
    pub strangers: Vec<Stranger>,
    /// Their Contacts have been taken off their Accounts: their own tasks put them back.
    pub detached: Vec<UserId>,
    /// Their records were changed over there: work of theirs that had failed may succeed now.
    pub moved: HashSet<UserId>,
    /// Records that were looked at, there or gone, whoever they belong to: work that had failed because of one of them may
    /// succeed now.
    pub seen: Vec<CrmId>,
    /// Users whose rows here could not be read: their own tasks fail with the reason.
    pub unreadable: Vec<UserId>,
    /// Tasks whose record, or whose user here, could not be read.
    pub unread: Vec<(Uuid, Problem)>,
}

impl Round {
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_halves = self.halves.iter().filter_map(Half::problem);
        let of_erased = self.erased.values().filter_map(|end| end.as_ref().err());
        of_halves.chain(of_erased).chain(self.unread.iter().map(|(_, problem)| problem))
    }

    /// The tasks of those who could not be erased.
    pub(super) fn not_erased(&self) -> impl Iterator<Item = (Uuid, Problem)> {
        self.erased.iter().filter_map(|(user, end)| Some((user.0, end.as_ref().err()?.clone())))
    }
}
