//! What is written down after the calls: of the deliveries, of the endpoints, and of the tasks, in one transaction.

use std::collections::HashMap;
use std::time::Duration;

use shared::db::tasks::{Claim, ClaimedTask, Outcome};
use shared::db::webhook_deliveries::{Delivery, Recorded};
use shared::db::webhook_endpoints::Conduct;
use shared::db::{Database, webhook_deliveries, webhook_endpoints};
use shared::domain::{DeliveryId, DeliveryStatus};
use shared::tasks::Failure;
use shared::{Error, ids};

use crate::conduct::conducts;
use crate::plan::{CHANGING, Plan, changing};
use crate::verdict::Verdict;
use crate::{Attempt, Work, schedule};

/// Everything that is written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    deliveries: Vec<Recorded>,
    conducts: Vec<Conduct>,
    outcomes: Vec<(ClaimedTask, Outcome)>,
}

/// What has been told to come back at a moment comes a little apart.
const APART: Duration = Duration::from_secs(5);

impl Record {
    /// `unknown`: deliveries whose subject cannot be read; `unreadable`: tasks whose delivery cannot.
    pub(crate) fn of(
        work: &[Work],
        plans: &[Plan<'_>],
        attempts: &HashMap<DeliveryId, Attempt>,
        unknown: &HashMap<DeliveryId, Failure>,
        unreadable: Vec<(ClaimedTask, Failure)>,
    ) -> Self {
        let mut record = Self::default();
        record.outcomes.extend(unreadable.into_iter().map(|(task, failure)| (task, Outcome::Fail(failure))));
        let made: Vec<(&Work, &Delivery, &Attempt, Verdict)> = work
            .iter()
            .filter_map(|work| {
                let delivery = work.delivery.as_ref()?;
                let attempt = attempts.get(&delivery.id)?;
                Some((work, delivery, attempt, Verdict::of(&delivery.endpoint, &attempt.answer)))
            })
            .collect();
        let conducts = conducts(made.iter().map(|(_, delivery, _, verdict)| (*delivery, verdict)));
        for (work, delivery, attempt, verdict) in &made {
            let pause = conducts.get(&*delivery.endpoint).and_then(|conduct| conduct.pause);
            record.attempted(work, delivery, attempt, verdict, pause);
        }
        for (work, plan) in work.iter().zip(plans) {
            match &work.delivery {
                Some(delivery) if attempts.contains_key(&delivery.id) => {}
                Some(delivery) if unknown.contains_key(&delivery.id) => {
                    record.not_told(work.task, delivery, &unknown[&delivery.id]);
                }
                _ => record.not_attempted(work, plan),
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

    fn not_told(&mut self, task: ClaimedTask, delivery: &Delivery, failure: &Failure) {
        self.deliveries.push(Recorded {
            id: delivery.id,
            status: DeliveryStatus::Failed,
            http_status: None,
            error: Some(failure.message.clone()),
            answer: None,
        });
        self.outcomes.push((task, Outcome::Fail(failure.clone())));
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
        let endpoints = webhook_endpoints::record(&tx, &self.conducts).await?;
        let again = webhook_deliveries::wanted_again(&tx, &self.deliveries).await?;
        let recorded: Vec<&Recorded> = self.deliveries.iter().filter(|one| !again.contains(&one.id.0)).collect();
        webhook_deliveries::record(&tx, &recorded).await?;
        let outcome = |(task, outcome): &(ClaimedTask, Outcome)| {
            if again.contains(&task.key) {
                (*task, Outcome::Retry(CHANGING.mul_f64(ids::random_fraction()), changing()))
            } else {
                (*task, outcome.clone())
            }
        };
        claim.record(&tx, &self.outcomes.iter().map(outcome).collect::<Vec<_>>()).await?;
        for conduct in &self.conducts {
            // What an old address has asked for does not keep the new one waiting.
            if let Some(pause) = conduct.pause.filter(|_| endpoints.noted.contains(&conduct.endpoint)) {
                webhook_deliveries::postpone(&tx, &conduct.endpoint, pause).await?;
            }
        }
        tx.commit().await?;
        for endpoint in endpoints.disabled {
            tracing::warn!(endpoint, "an endpoint is disabled");
        }
        Ok(())
    }
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
