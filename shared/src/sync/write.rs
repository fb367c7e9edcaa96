//! The writes: one call that makes records, one that changes them, and both again where an address was in the way.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::calls::Calls;
use super::plan::Plan;
use super::problem::Problem;
use super::way;
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

/// Writes what the plans ask for. Whoever that failed for has a problem. Returns the users whose Contacts have lost an
/// address to its new owner.
pub(super) async fn all(calls: &mut Calls<'_>, module: CrmModule, plans: &mut [Plan]) -> Result<Vec<UserId>, Error> {
    let since = plans.iter().filter_map(|plan| plan.modified_at).max();
    let mut way = way::ahead(calls, plans).await;
    let ready = plans.iter().filter(|plan| plan.problem.is_none());
    let writes: Vec<Write> = ready.filter_map(|plan| plan.write.clone()).collect();
    let mut answers = attempt(calls, module, writes, since.max(way.cleared_at)).await;
    let again = way::behind(calls, plans, &answers, &mut way).await?;
    if !again.is_empty() {
        let writes = plans.iter().filter(|plan| again.contains(&plan.user)).filter_map(|plan| plan.write.clone());
        answers.extend(attempt(calls, module, writes.collect(), since.max(way.cleared_at)).await);
    }
    for plan in plans.iter_mut() {
        match answers.remove(&plan.user) {
            None => {}
            Some(Ok(written)) => {
                plan.record = Some(written.id);
                plan.is_written = true;
                plan.modified_at = written.modified_at;
            }
            Some(Err(Refused::Record(error))) => plan.problem = Some(Problem::from(&error)),
            Some(Err(Refused::Of(problem))) => plan.problem = Some(problem),
        }
    }
    Ok(way.cleared)
}

/// One call for the new ones and one for the others; more where something about one of them fails all.
pub(super) async fn attempt(
    calls: &mut Calls<'_>,
    module: CrmModule,
    writes: Vec<Write>,
    since: Option<DateTime<Utc>>,
) -> HashMap<UserId, Answer> {
    let (changed, new): (Vec<Write>, Vec<Write>) = writes.into_iter().partition(|write| write.record.is_some());
    let mut answers = HashMap::new();
    answered(&mut answers, calls.about(new, async |crm, some| crm.upsert(module, some).await).await);
    let update = async |crm: &Crm<'_>, some: &[Write]| -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
        crm.update(module, some, since).await
    };
    answered(&mut answers, calls.about(changed, update).await);
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
