//! What stands between HTTP and the synchronous step of the simulator: reading the request, noting it, the armed faults,
//! the limit of calls under way.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::http::Cut;

use super::{
    call::Call,
    dispatch,
    faults::{Fault, Plan},
    limits::Place,
    oauth,
    operation::Operation,
    reply::Reply,
    traffic,
    watch::Cause,
    world::Shared,
};

/// Answers every request that is not the control's.
pub(super) async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Ok(call) = Call::read(request).await else {
        return Reply::html(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    let visit = Visit::begin(&shared, &call);
    let reply = visit.answer().await;
    let mut world = shared.lock();
    let wraps = world.settings.errors_wrapped && !call.operation.is_campaigns() && call.operation != Operation::Token;
    let reply = if wraps { reply.map(Reply::wrapped) } else { reply };
    world.traffic.answered(&call, reply.as_ref().map(|reply| reply.status), visit.plan.fault.is_some());
    match reply {
        Some(reply) => {
            world.requests.set_status(visit.number, reply.status.as_u16());
            drop(world);
            reply.into_response()
        }
        None => Cut.into_response(),
    }
}

/// One request under way. When it ends, also because the client left, it gives back what it holds.
struct Visit<'a> {
    shared: &'a Arc<Shared>,
    call: &'a Call,
    number: u64,
    plan: Plan,
    /// `Err` when there was none left.
    place: Result<Option<Place>, ()>,
}

impl<'a> Visit<'a> {
    fn begin(shared: &'a Arc<Shared>, call: &'a Call) -> Self {
        let mut world = shared.lock();
        let world = &mut *world;
        *world.calls.entry(call.operation).or_default() += 1;
        let number = world.requests.note(call, world.now);
        traffic::inspect(world, call, number);
        let plan = world.faults.take(call);
        let place = if call.operation.is_crm() {
            world.concurrency.enter(call, &world.settings).map(Some).ok_or(())
        } else {
            Ok(None)
        };
        Self { shared, call, number, plan, place }
    }

    /// `None` when the connection is to be closed instead.
    async fn answer(&self) -> Option<Reply> {
        if self.place.is_err() {
            return Some(Reply::too_many_requests());
        }
        let Some(fault) = &self.plan.fault else {
            return Some(self.work());
        };
        match fault {
            Fault::Status { status, retry_after } => Some(self.refuse(*status, *retry_after)),
            Fault::Html(status) => Some(Reply::html(*status)),
            Fault::TornJson => Some(self.work().torn()),
            Fault::InvalidCode => Some(oauth::invalid_code(&self.shared.lock())),
            Fault::InvalidClient => Some(oauth::invalid_client(&self.shared.lock())),
            Fault::ScopeMismatch => Some(dispatch::unauthorized(self.call, Reply::scope_mismatch())),
            Fault::Poison(poison) if poison.is_html => Some(Reply::html(poison.status)),
            Fault::Poison(poison) => Some(self.refuse(poison.status, None)),
            Fault::Throttle if self.call.operation == Operation::Token => Some(oauth::throttled(&self.shared.lock())),
            Fault::Throttle => Some(Reply::too_many_requests()),
            Fault::InvalidToken => Some(dispatch::unauthorized(self.call, Reply::invalid_token())),
            Fault::HangBefore(limit) => {
                self.hold(*limit).await;
                Some(self.work())
            }
            Fault::HangAfter(limit) => {
                let reply = self.work();
                self.hold(*limit).await;
                Some(reply)
            }
            Fault::Latency(duration) => {
                tokio::time::sleep(*duration).await;
                Some(self.work())
            }
            Fault::Reset => None,
            Fault::ResetAfter => {
                self.work();
                None
            }
            // A plan keeps record errors apart; the work itself applies them.
            Fault::RecordError(_) => Some(self.work()),
        }
    }

    /// What Zoho would do, and the receipts and notifications that follow from it.
    fn work(&self) -> Reply {
        let mut world = self.shared.lock();
        let reply = dispatch::answer(&mut world, self.call, &self.plan);
        self.shared.finish(world, Cause::of(self.call));
        reply
    }

    fn refuse(&self, status: StatusCode, retry_after: Option<u64>) -> Reply {
        let reply = dispatch::refusal(self.call, status);
        match retry_after {
            Some(seconds) => reply.with_header(header::RETRY_AFTER, seconds),
            None => reply,
        }
    }

    /// Waits until somebody releases the held answers or the time is up.
    async fn hold(&self, limit: Option<Duration>) {
        // Subscribed before it shows as held, so that a release which follows that sight is never missed.
        let mut releases = self.shared.releases.subscribe();
        self.shared.lock().requests.set_held(self.number, true);
        // Released, timed out, or the simulator is going: held no longer in every case.
        match limit {
            Some(limit) => drop(tokio::time::timeout(limit, releases.changed()).await),
            None => drop(releases.changed().await),
        }
        self.shared.lock().requests.set_held(self.number, false);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut world = self.shared.lock();
        world.requests.set_held(self.number, false);
        if let Ok(Some(place)) = self.place {
            world.concurrency.leave(place);
        }
    }
}
