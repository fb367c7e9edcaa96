//! What is written down after the calls: of the deliveries, of the endpoints, and of the tasks, in one transaction.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::webhook_deliveries::{Delivery, Recorded, Standing};
use shared::db::webhook_endpoints::Conduct;
use shared::db::{Database, webhook_deliveries, webhook_endpoints};
use shared::domain::{DeliveryId, DeliveryStatus};
use shared::tasks::Failure;
use shared::{Error, ids};

use crate::plan::Plan;
use crate::verdict::Verdict;
use crate::{Attempt, Work, schedule};

/// Everything that is written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    deliveries: Vec<Recorded>,
    conducts: Vec<Conduct>,
    outcomes: Vec<(ClaimedTask, Outcome)>,
}

/// A pause after the first failure of this sort; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// What has been told to come back at a moment comes a little apart.
const APART: Duration = Duration::from_secs(5);

impl Record {
    pub(crate) fn of(work: &[Work], plans: &[Plan<'_>], attempts: &HashMap<DeliveryId, Attempt>) -> Self {
        let mut record = Self::default();
        let made: Vec<(&Work, &Delivery, &Attempt, Verdict)> = work
            .iter()
            .filter_map(|work| {
                let delivery = work.delivery.as_ref()?;
                let attempt = attempts.get(&delivery.id)?;
                Some((work, delivery, attempt, Verdict::from(&attempt.answer)))
            })
            .collect();
        let conducts = conducts(made.iter().map(|(_, delivery, _, verdict)| (*delivery, verdict)));
        for (work, delivery, attempt, verdict) in &made {
            let pause = conducts.get(&*delivery.endpoint).and_then(|conduct| conduct.pause);
            record.attempted(work, delivery, attempt, verdict, pause);
        }
        for (work, plan) in work.iter().zip(plans) {
            if work.delivery.as_ref().is_none_or(|delivery| !attempts.contains_key(&delivery.id)) {
                record.not_attempted(work, plan);
            }
        }
        record.conducts = conducts.into_values().collect();
        record
    }

    fn attempted(
        &mut self,
        work: &Work,
        delivery: &Delivery,
        attempt: &Attempt,
        verdict: &Verdict,
        pause: Option<Duration>,
    ) {
        let (status, outcome, error) = match verdict {
            Verdict::Delivered => (DeliveryStatus::Delivered, Outcome::Complete, None),
            Verdict::Gone => (DeliveryStatus::Skipped, Outcome::Complete, Some("410 Gone".to_owned())),
            Verdict::Failed { failure, slows, retry_after } => {
                let error = Some(failure.message.clone());
                let wait = schedule::wait_after(attempt.number, ids::random_fraction()).map(|wait| {
                    let asked = retry_after.map(|wait| wait + APART.mul_f64(ids::random_fraction()));
                    wait.max(asked.unwrap_or_default()).max(pause.filter(|_| *slows).unwrap_or_default())
                });
                match wait {
                    Some(wait) => (DeliveryStatus::Pending, Outcome::Retry(wait, failure.clone()), error),
                    None => (DeliveryStatus::Failed, Outcome::Fail(given_up(attempt.number, failure)), error),
                }
            }
        };
        let code = if let Verdict::Failed { failure, .. } = verdict { &*failure.code } else { status.as_str() };
        tracing::info!(
            delivery = %delivery.id, endpoint = delivery.endpoint, attempt = attempt.number, outcome = code, "called"
        );
        let answer = attempt.answer.as_ref().ok();
        self.deliveries.push(Recorded {
            id: delivery.id,
            status,
            http_status: answer.map(|answer| answer.status),
            error,
            answer: answer.map(|answer| answer.excerpt.clone()),
        });
        self.outcomes.push((work.task, outcome));
    }

    fn not_attempted(&mut self, work: &Work, plan: &Plan<'_>) {
        let outcome = match plan {
            Plan::Wait(wait, failure) => Outcome::Retry(*wait, failure.clone()),
            // A call that was planned and not made: its subject is gone.
            Plan::Skip(_) | Plan::Done | Plan::Call(_) => Outcome::Complete,
        };
        self.outcomes.push((work.task, outcome));
        if let (Plan::Skip(reason), Some(delivery)) = (plan, &work.delivery) {
            self.deliveries.push(Recorded {
                id: delivery.id,
                status: DeliveryStatus::Skipped,
                http_status: None,
                error: Some(reason.clone()),
                answer: None,
            });
        }
    }

    pub(crate) async fn write(&self, database: &Database, claim: &Claim) -> Result<(), Error> {
        let mut connection = database.connection().await?;
        let tx = connection.transaction().await?;
        let disabled =
            if self.conducts.is_empty() { Vec::new() } else { webhook_endpoints::record(&tx, &self.conducts).await? };
        webhook_deliveries::record(&tx, &self.deliveries).await?;
        claim.record(&tx, &self.outcomes).await?;
        for conduct in &self.conducts {
            if let Some(pause) = conduct.pause {
                webhook_deliveries::postpone(&tx, &conduct.endpoint, pause).await?;
            }
        }
        tx.commit().await?;
        for endpoint in disabled {
            tracing::warn!(endpoint, "an endpoint is disabled");
        }
        Ok(())
    }
}

/// How each endpoint has behaved, by its name.
fn conducts<'a>(attempts: impl Iterator<Item = (&'a Delivery, &'a Verdict)>) -> BTreeMap<String, Conduct> {
    let mut conducts = BTreeMap::new();
    for (delivery, verdict) in attempts {
        let throttles = if let Standing::Open { throttles } = delivery.standing { throttles } else { 0 };
        let conduct = conducts.entry(delivery.endpoint.clone()).or_insert_with(|| Conduct {
            endpoint: delivery.endpoint.clone(),
            url_sha256: delivery.url_sha256.clone(),
            succeeded: false,
            failed: false,
            gone: false,
            pause: None,
            throttles: throttles.saturating_add(1),
        });
        match verdict {
            Verdict::Delivered => conduct.succeeded = true,
            Verdict::Gone => conduct.gone = true,
            Verdict::Failed { slows, retry_after, .. } => {
                conduct.failed = true;
                if *slows {
                    let pause = pause(throttles).max(retry_after.unwrap_or_default());
                    conduct.pause = Some(conduct.pause.unwrap_or_default().max(pause));
                }
            }
        }
    }
    conducts
}

/// How long an endpoint is spared that had to be spared so many times in a row before.
fn pause(throttles: i32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << throttles.clamp(0, 6)).min(LONGEST_PAUSE)
}

fn given_up(attempts: u32, last: &Failure) -> Failure {
    Failure::new(
        "no-success-in-three-days",
        format!(
            "{attempts} attempts have failed. The last one: {} See what is wrong with the endpoint, then replay the task.",
            last.message
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_up_to_ten_minutes() {
        let pauses: Vec<u64> = [0, 1, 2, 5, 6, 7, i32::MAX].map(|throttles| pause(throttles).as_secs()).into();

        assert_eq!(pauses, [10, 20, 40, 320, 600, 600, 600]);
    }
}
