//! The writes: one call that makes records, one that changes them, and both again where an address was in the way.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::calls::Calls;
use super::plan::Plan;
use super::problem::Problem;
use super::way::{self, Way};
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::error::Error;
use crate::zoho::{Crm, RecordError, Write, Written, ZohoError};

/// What came of one write.
pub(super) type Answer = Result<Written, Refused>;

/// Why a write did not go through.
pub(super) enum Refused {
    /// Zoho refused this record.
    Record(RecordError),
    Of(Problem),
}

/// Writes what the plans ask for. Whoever that failed for has a problem. Returns what was cleared for it.
pub(super) async fn all(calls: &mut Calls<'_>, module: CrmModule, plans: &mut [Plan]) -> Result<Way, Error> {
    let mut way = way::ahead(calls, plans).await?;
    let dated = |plan: &Plan, way: &Way| Some((plan.write.clone()?, since(plan, way)));
    let ready = plans.iter().filter(|plan| plan.problem.is_none());
    let mut answers = attempt(calls, module, ready.filter_map(|plan| dated(plan, &way)).collect()).await;
    let behind = way::behind(calls, plans, &answers, &mut way).await?;
    if !behind.again.is_empty() {
        let again = plans.iter().filter(|plan| behind.again.contains(&plan.user));
        answers.extend(attempt(calls, module, again.filter_map(|plan| dated(plan, &way)).collect()).await);
    }
    answers.extend(behind.problems.into_iter().map(|(user, problem)| (user, Err(Refused::Of(problem)))));
    let crm = calls.crm();
    for plan in plans.iter_mut() {
        match answers.remove(&plan.user) {
            None => {}
            Some(Ok(written)) => {
                plan.record = Some(written.id);
                (plan.is_written, plan.is_answered) = (true, true);
                plan.modified_at = written.modified_at;
            }
            Some(Err(Refused::Record(error)))
                if plan.record.is_none() && (crm.is_made_already(module, &error) || came_between(plan, &error)) =>
            {
                plan.problem = Some(Problem::stale(
                    "The record was made a moment ago; it is looked for again. If that does not end, the user of the \
                     integration may not see it.",
                ));
            }
            Some(Err(Refused::Record(error))) => {
                // What is stale may be so by our own write: one that nobody heard of, or a part of this one.
                plan.is_answered = !error.is_transient() && !error.is_stale();
                plan.problem = Some(problem(plan, &error));
            }
            Some(Err(Refused::Of(problem))) => plan.problem = Some(problem),
        }
    }
    Ok(way)
}

/// A record may have been made, by a lost call of ours or by sales, since it was looked for. Whoever has been looked for
/// again has something else in common with it.
fn came_between(plan: &Plan, error: &RecordError) -> bool {
    error.is_duplicate() && error.field.is_none() && !plan.was_stale
}

/// An Account that is gone is no longer attached once it is read again; nobody has to do anything about it.
fn problem(plan: &Plan, error: &RecordError) -> Problem {
    let attaches = plan.write.as_ref().is_some_and(|write| write.account.is_some());
    if attaches && error.code == "INVALID_DATA" && error.field.as_deref() == Some("Account_Name") {
        return Problem::stale(
            "The Account that the Contact was to belong to does not exist any more; it is read again.",
        );
    }
    Problem::from(error)
}

/// Zoho shows whole seconds.
pub(super) const UNSEEN: TimeDelta = TimeDelta::seconds(1);

/// After which time somebody else's change makes a plan's write stale. A Contact that we have just cleared was changed by
/// ourselves.
fn since(plan: &Plan, way: &Way) -> Option<DateTime<Utc>> {
    let cleared_at = way.cleared_at.get(&plan.user).copied();
    if plan.allows_for_unseen {
        plan.modified_at.max(cleared_at).map(|at| at + UNSEEN)
    } else {
        plan.newest_at.max(cleared_at)
    }
}

/// A write, and after which time somebody else's change makes it stale.
pub(super) type Dated = (Write, Option<DateTime<Utc>>);

/// One call for the new ones and one for the others that have the same `since`; more where something about one of them
/// fails all.
pub(super) async fn attempt(calls: &mut Calls<'_>, module: CrmModule, writes: Vec<Dated>) -> HashMap<UserId, Answer> {
    let (changed, new): (Vec<Dated>, Vec<Dated>) = writes.into_iter().partition(|(write, _)| write.record.is_some());
    let new = new.into_iter().map(|(write, _)| write).collect();
    let mut answers = HashMap::new();
    let make = async |crm: &Crm<'_>, some: &[Write]| match module {
        CrmModule::Contacts => crm.upsert(module, some).await,
        // An Account is never known by its name, which may be unique over there.
        CrmModule::Accounts => crm.insert(module, some).await,
    };
    answered(&mut answers, calls.about(new, make).await);
    let mut by_since: BTreeMap<Option<DateTime<Utc>>, Vec<Write>> = BTreeMap::new();
    for (write, since) in changed {
        by_since.entry(since).or_default().push(write);
    }
    for (since, changed) in by_since {
        let update = async |crm: &Crm<'_>, some: &[Write]| -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
            crm.update(module, some, since).await
        };
        answered(&mut answers, calls.about(changed, update).await);
    }
    answers
}

type Pieces = Vec<(Vec<Write>, Result<Vec<Result<Written, RecordError>>, Problem>)>;

fn answered(answers: &mut HashMap<UserId, Answer>, pieces: Pieces) {
    for (some, results) in pieces {
        match results {
            Ok(results) => {
                let results = results.into_iter().map(|result| result.map_err(Refused::Record));
                answers.extend(some.iter().map(|write| write.user).zip(results));
            }
            Err(problem) => {
                answers.extend(some.iter().map(|write| (write.user, Err(Refused::Of(problem.clone())))));
            }
        }
    }
}
