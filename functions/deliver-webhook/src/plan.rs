//! What is done about each delivery: called, skipped, or put back to wait.

use std::collections::HashSet;
use std::time::Duration;

use shared::db::webhook_deliveries::{Delivery, Standing};
use shared::deliveries::{Endpoint, Endpoints};
use shared::domain::DeliveryStatus;
use shared::tasks::Failure;

use crate::Work;

/// What is done about one delivery.
#[derive(Debug)]
pub(crate) enum Plan<'a> {
    Call(&'a Endpoint),
    /// There will be no call, for this reason.
    Skip(String),
    /// There is no call yet, and none is counted.
    Wait(Duration, Failure),
    /// Nothing is left to do.
    Done,
}

impl<'a> Plan<'a> {
    pub(crate) fn endpoint(&self) -> Option<&'a Endpoint> {
        match self {
            Self::Call(endpoint) => Some(endpoint),
            Self::Skip(_) | Self::Wait(..) | Self::Done => None,
        }
    }
}

/// How long a delivery waits for the sweep and this worker to see the same secret.
pub(crate) const CHANGING: Duration = Duration::from_secs(30);
/// How long a delivery waits for an operator to mend the entry of its endpoint.
const LEFT_OUT: Duration = Duration::from_mins(5);
/// How long the others wait while one delivery finds out whether an endpoint is well again.
const TRYING: Duration = Duration::from_secs(5);
/// What waited for the same moment comes back a little apart.
const APART: Duration = Duration::from_secs(5);

/// One plan for each, in their order. `in_time`: whether a call fits into this invocation. `random` gives numbers in `0.0..1.0`.
pub(crate) fn plan<'a>(
    work: &[Work],
    endpoints: &'a Endpoints,
    in_time: bool,
    random: impl Fn() -> f64,
) -> Vec<Plan<'a>> {
    let mut tried = HashSet::new();
    let mut plan_one = |delivery: &Delivery| {
        let endpoint = match (delivery.status, &delivery.standing) {
            // An admin who has one of them sent again makes it pending first.
            (DeliveryStatus::Delivered | DeliveryStatus::Skipped, _) => return Plan::Done,
            (_, Standing::Removed) => return Plan::Skip("the endpoint was removed".to_owned()),
            (_, Standing::Disabled(reason)) => return Plan::Skip(format!("the endpoint is disabled: {reason}")),
            (_, Standing::Paused(pause)) => {
                let message = format!("The endpoint {} has asked to be spared.", delivery.endpoint);
                return Plan::Wait(*pause + APART.mul_f64(random()), slowed(message));
            }
            (_, Standing::Open { .. }) => registered(endpoints, delivery),
        };
        let Some(endpoint) = endpoint else {
            return match endpoints.left_out(&delivery.endpoint) {
                Some(problem) => {
                    Plan::Wait(LEFT_OUT + CHANGING.mul_f64(random()), left_out(&delivery.endpoint, problem))
                }
                None => Plan::Wait(CHANGING, changing()),
            };
        };
        if !endpoint.wants(delivery.event.kind) {
            return Plan::Skip("the endpoint does not want this event any more".to_owned());
        }
        if !in_time {
            let message = "The invocation had too little time left; the work goes on by itself.";
            return Plan::Wait(Duration::ZERO, Failure::new("out-of-time", message));
        }
        let was_slowed = !matches!(delivery.standing, Standing::Open { throttles: 0 });
        if was_slowed && !tried.insert(endpoint.name.clone()) {
            let message = format!("One delivery finds out whether the endpoint {} is well again.", delivery.endpoint);
            return Plan::Wait(TRYING, slowed(message));
        }
        Plan::Call(endpoint)
    };
    work.iter().map(|work| work.delivery.as_ref().map_or(Plan::Done, &mut plan_one)).collect()
}

/// The endpoint of a delivery, if this copy of the secret has it at the address that is registered.
pub(crate) fn registered<'a>(endpoints: &'a Endpoints, delivery: &Delivery) -> Option<&'a Endpoint> {
    endpoints.named(&delivery.endpoint).filter(|endpoint| endpoint.url_sha256().as_slice() == delivery.url_sha256)
}

/// Whether this copy of the secret is as new as the registration of the delivery's endpoint: it has the registered address
/// and wants the event, as the endpoint did when the delivery was made.
pub(crate) fn is_up_to_date(endpoints: &Endpoints, delivery: &Delivery) -> bool {
    delivery.standing == Standing::Removed
        || registered(endpoints, delivery).is_some_and(|endpoint| endpoint.wants(delivery.event.kind))
}

fn slowed(message: String) -> Failure {
    Failure::new("endpoint-slowed", message)
}

fn left_out(endpoint: &str, problem: &str) -> Failure {
    Failure::new(
        "endpoint-left-out",
        format!(
            "The endpoint {endpoint} is left out until the secret with the endpoints is mended: {problem}. What is on its \
             way to it waits."
        ),
    )
}

pub(crate) fn changing() -> Failure {
    Failure::new(
        "endpoint-changing",
        "The secret with the endpoints has changed, and the sweep has not registered what it says now. If this stays so, \
         read the sweep's log.",
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use shared::deliveries::{Event, Guard, Subject};
    use shared::domain::{DeliveryId, GalleryId, WebhookEventId, WebhookEventType};
    use uuid::Uuid;

    use super::*;

    fn endpoints(url: &str, events: &[&str]) -> Endpoints {
        let key = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let settings = json!({ "zapier": { "url": url, "keys": [key], "events": events } });
        Endpoints::of(serde_json::from_value(settings).unwrap(), Guard::Public)
    }

    fn delivery(registered: &Endpoints, kind: WebhookEventType, standing: Standing) -> Delivery {
        let event = Event {
            id: WebhookEventId(Uuid::from_u128(1)),
            kind,
            subject: Subject::Gallery(GalleryId(Uuid::from_u128(2))),
            occurred_at: DateTime::UNIX_EPOCH,
        };
        let url_sha256 = registered.named("zapier").unwrap().url_sha256().to_vec();
        let id = DeliveryId(Uuid::from_u128(3));
        Delivery { id, status: DeliveryStatus::Pending, event, endpoint: "zapier".to_owned(), url_sha256, standing }
    }

    #[test]
    fn a_copy_is_up_to_date_if_it_has_the_registered_address_and_wants_the_event() {
        let copy = endpoints("https://hooks.example/1", &["gallery.live"]);
        let moved = endpoints("https://hooks.example/2", &["gallery.live"]);
        let live = WebhookEventType::GalleryLive;
        let open = || Standing::Open { throttles: 0 };

        assert!(is_up_to_date(&copy, &delivery(&copy, live, open())));
        assert!(!is_up_to_date(&copy, &delivery(&moved, live, open())));
        assert!(!is_up_to_date(&copy, &delivery(&copy, WebhookEventType::ReferralEarned, open())));
        assert!(is_up_to_date(&copy, &delivery(&moved, live, Standing::Removed)));
    }
}
