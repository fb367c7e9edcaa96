//! One record of each of many people, of one module, on its way to agreement: planned, written, tagged.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::calls::Calls;
use super::plan::{Ground, Plan};
use super::problem::{Problem, overruled};
use super::read::Seen;
use super::way::Way;
use super::{tags, write};
use crate::db::people::Person;
use crate::db::sync_conflicts;
use crate::db::tasks::Claim;
use crate::db::zoho_intentions::{self, Intention};
use crate::domain::event::CrmModule;
use crate::domain::{CrmId, UserId};
use crate::error::Error;
use crate::zoho::Crm;

/// What came of one record.
#[derive(Debug)]
pub(super) struct Half {
    /// The task that it was worked on for.
    pub key: Uuid,
    pub user: UserId,
    pub module: CrmModule,
    pub end: End,
}

#[derive(Debug)]
pub(super) enum End {
    /// Nothing over there, and nothing to be done.
    Nothing,
    /// It was deleted over there, or merged.
    Gone,
    /// As far as the plan's problem, if there is one.
    Met(Box<Plan>),
    Failed(Problem),
}

/// One person's record as it was seen, for a task.
pub(super) struct Sight<'a> {
    pub key: Uuid,
    pub person: &'a Person,
    pub seen: Seen,
    pub before: Before,
}

/// From which attempt on a task that was refused for a change allows for times that are finer than what Zoho shows.
const LENIENT: u32 = 3;

/// What came before this attempt on a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Zoho refused the last attempt because somebody had changed something over there.
    was_stale: bool,
    /// And it was tried often enough. Zoho shows whole seconds; should it compare finer ones, the newest record of a call
    /// would be stale each time that it is read, and its write would never go through.
    allows_for_unseen: bool,
}

impl Before {
    pub(super) fn of(claim: &Claim, key: Uuid) -> Self {
        let task = claim.tasks.iter().find(|task| task.key == key && task.was_stale);
        Self { was_stale: task.is_some(), allows_for_unseen: task.is_some_and(|task| task.attempts >= LENIENT) }
    }
}

/// Makes both sides agree, as far as Zoho lets us. Returns what came of each, and what was cleared for it.
pub(super) async fn settle(
    calls: &mut Calls<'_>,
    module: CrmModule,
    sights: Vec<Sight<'_>>,
    accounts: &HashMap<UserId, CrmId>,
    today: NaiveDate,
) -> Result<(Vec<Half>, Way), Error> {
    let crm = calls.crm();
    let has = |field| crm.has(field);
    let mut halves = Vec::new();
    let (mut keys, mut plans) = (HashMap::new(), Vec::new());
    let people: HashMap<UserId, &Person> = sights.iter().map(|sight| (sight.person.id, sight.person)).collect();
    for Sight { key, person, seen, before: Before { was_stale, allows_for_unseen } } in sights {
        let account = if module == CrmModule::Contacts { accounts.get(&person.id).cloned() } else { None };
        let ground = Ground { module, has: &has, today, account };
        let end = match seen {
            Seen::Hers(record) => {
                keys.insert(person.id, key);
                plans.push(Plan { allows_for_unseen, was_stale, ..ground.meet(person, &record) });
                continue;
            }
            Seen::Nobody(in_the_way) => {
                keys.insert(person.id, key);
                plans.push(Plan { in_the_way, allows_for_unseen, was_stale, ..ground.make(person) });
                continue;
            }
            Seen::Gone => End::Gone,
            Seen::StillGone => End::Nothing,
            Seen::Failed(problem) => End::Failed(problem),
        };
        halves.push(Half { key, user: person.id, module, end });
    }
    set_out(calls, module, &people, &mut plans).await?;
    note_what_is_written_over(crm, module, &plans).await?;
    let way = write::all(calls, module, &mut plans).await?;
    tags::put(calls, &mut plans).await?;
    halves.extend(plans.into_iter().map(|mut plan| {
        plan.problem = plan.problem.or_else(|| plan.overruled.map(overruled));
        Half { key: keys[&plan.user], user: plan.user, module, end: End::Met(Box::new(plan)) }
    }));
    Ok((halves, way))
}

/// Takes note of what is about to be written. Whoever has been worked on by somebody else since she was read is read again
/// instead: what was seen over there may be his write.
async fn set_out(
    calls: &Calls<'_>,
    module: CrmModule,
    people: &HashMap<UserId, &Person>,
    plans: &mut [Plan],
) -> Result<(), Error> {
    let writes = plans.iter().filter_map(|plan| plan.write.as_ref());
    let intentions: Vec<Intention<'_>> = writes
        .filter_map(|write| {
            let link = people.get(&write.user)?.link(module);
            Some(Intention { user: write.user, link, changes: &write.changes })
        })
        .collect();
    let intended = zoho_intentions::intend(calls.crm().connection, module, calls.lease(), &intentions).await?;
    for plan in plans.iter_mut().filter(|plan| plan.write.is_some() && !intended.contains(&plan.user)) {
        plan.problem = Some(Problem::overtaken("Somebody else has worked on the person meanwhile; she is read again."));
    }
    Ok(())
}

/// What our word is about to replace over there is noted before it is gone, and what is about to be shortened with it.
async fn note_what_is_written_over(crm: Crm<'_>, module: CrmModule, plans: &[Plan]) -> Result<(), Error> {
    let conflicts: Vec<_> = plans
        .iter()
        .filter(|plan| plan.problem.is_none())
        .flat_map(|plan| plan.conflicts.iter().map(move |conflict| (plan, conflict)))
        .filter(|(plan, conflict)| plan.is_noted_before(conflict))
        .map(|(plan, conflict)| (plan.user, module, conflict))
        .collect();
    sync_conflicts::note(crm.connection, &conflicts).await
}

impl Half {
    /// The record over there, as far as it is known.
    pub(super) fn record(&self) -> Option<&CrmId> {
        match &self.end {
            End::Met(plan) => plan.record.as_ref(),
            End::Nothing | End::Gone | End::Failed(_) => None,
        }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        match &self.end {
            End::Nothing | End::Gone => None,
            End::Met(plan) => plan.problem.as_ref(),
            End::Failed(problem) => Some(problem),
        }
    }
}
