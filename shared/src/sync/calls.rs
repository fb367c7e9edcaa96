//! The calls of one invocation: made while there is time and nothing speaks against them, and made again in halves where
//! one of many may be to blame.

use std::time::Duration;

use uuid::Uuid;

use super::problem::Problem;
use crate::bounds;
use crate::lambda::sqs::TimeLeft;
use crate::tasks::Failure;
use crate::zoho::{Crm, ZohoError};

/// So many failures without one success between them, of calls that have no halves: it is Zoho that is ill, and not one of
/// many.
const ILL_AFTER: u32 = 5;

/// The calls of one invocation.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    crm: Crm<'a>,
    time: TimeLeft,
    /// Under which the work is done that the calls are made for.
    lease: Uuid,
    /// Zoho has asked for a pause, or refuses us: no call follows.
    stopped: Option<Problem>,
    /// Failures since the last success, of calls that have no halves.
    failures: u32,
    /// Whether Zoho has taken anything at all.
    answered: bool,
}

/// Why a call gave nothing.
enum Refusal {
    /// One of many may be to blame, so they are asked for in halves.
    OfSome(Problem),
    Of(Problem),
}

impl<'a> Calls<'a> {
    pub(super) fn new(crm: Crm<'a>, time: TimeLeft, lease: Uuid) -> Self {
        Self { crm, time, lease, stopped: None, failures: 0, answered: false }
    }

    pub(super) fn crm(&self) -> Crm<'a> {
        self.crm
    }

    pub(super) fn lease(&self) -> Uuid {
        self.lease
    }

    /// Makes a call about all of these, or one for each half, down to the one that Zoho fails on. What a call gave stands
    /// beside those whom it was about, in their order.
    pub(super) async fn about<T: Clone, R>(
        &mut self,
        all: Vec<T>,
        call: impl AsyncFn(&Crm<'_>, &[T]) -> Result<R, ZohoError>,
    ) -> Vec<(Vec<T>, Result<R, Problem>)> {
        let mut results = Vec::new();
        let mut open = vec![all];
        while let Some(some) = open.pop() {
            if some.is_empty() {
                continue;
            }
            let has_halves = some.len() > 1;
            match self.make(has_halves, async |crm| call(crm, &some).await).await {
                Ok(answer) => results.push((some, Ok(answer))),
                Err(Refusal::OfSome(_)) if has_halves => {
                    let second = some[some.len() / 2..].to_vec();
                    // The first half is next, and is the smaller one: seven calls find one of a hundred.
                    open.extend([second, some[..some.len() / 2].to_vec()]);
                }
                Err(Refusal::OfSome(problem) | Refusal::Of(problem)) => results.push((some, Err(problem))),
            }
        }
        if self.failures >= ILL_AFTER {
            for problem in results.iter_mut().filter_map(|(_, result)| result.as_mut().err()) {
                problem.acquit();
            }
        }
        results
    }

    /// Makes a call, if there is time for it and nothing speaks against it.
    async fn make<R>(
        &mut self,
        has_halves: bool,
        call: impl AsyncFnOnce(&Crm<'_>) -> Result<R, ZohoError>,
    ) -> Result<R, Refusal> {
        if let Some(problem) = &self.stopped {
            return Err(Refusal::Of(problem.clone()));
        }
        if !self.time.fits(bounds::ZOHO_CALL) {
            let message = "The invocation ended before this call could be made; the work goes on by itself.";
            return Err(Refusal::Of(Problem::Later(Some(Duration::ZERO), Failure::new("out-of-time", message))));
        }
        let error = match call(&self.crm).await {
            Ok(answer) => {
                (self.failures, self.answered) = (0, true);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let problem = Problem::from(&error);
        if problem.concerns_all() {
            self.stopped = Some(problem.clone());
        }
        let refusal = match error {
            ZohoError::Broken { status: 500 } if self.answered => Refusal::OfSome(Problem::Suspect(error.failure())),
            // With a 2xx one record of the answer may be unlike all others.
            ZohoError::BadRequest { .. }
            | ZohoError::Unexplained { .. }
            | ZohoError::Broken { status: 200..=299 | 500 } => Refusal::OfSome(problem),
            _ => Refusal::Of(problem),
        };
        if !has_halves || matches!(refusal, Refusal::Of(_)) {
            self.failures += 1;
        }
        if self.failures >= ILL_AFTER && self.stopped.is_none() {
            self.stopped = Some(Problem::Later(None, error.failure()));
        }
        Err(refusal)
    }
}
