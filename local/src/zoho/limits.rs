//! The CRM's two brakes: API credits of a rolling day, and calls under way at once (v8 API limits).

use std::collections::VecDeque;

use axum::http::HeaderName;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{call::Call, operation::Operation, reply::Reply, settings::Settings, world::World};

const REMAINING: HeaderName = HeaderName::from_static("x-api-credits-remaining");
const DAY: TimeDelta = TimeDelta::hours(24);
/// A write of more records than this is one of the heavy calls, and costs more than one credit.
const RECORDS_PER_CREDIT: usize = 10;

/// What was spent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Credits(VecDeque<(DateTime<Utc>, u64)>);

#[derive(Debug, Default)]
pub(super) struct Concurrency {
    all: usize,
    heavy: usize,
}

/// A place among the calls under way; whoever got it gives it back with [`Concurrency::leave`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    heavy: bool,
}

/// Charges a call. The error is the CRM's 429.
pub(super) fn charge(world: &mut World, call: &Call) -> Result<(), Reply> {
    let cost = cost(call);
    if world.credits.used(world.now) + cost > world.settings.credits {
        return Err(Reply::too_many_requests());
    }
    world.credits.0.push_back((world.now, cost));
    Ok(())
}

/// Zoho shows what remains only once half of it is gone.
pub(super) fn show_remaining(world: &mut World, reply: Reply) -> Reply {
    let used = world.credits.used(world.now);
    if used * 2 < world.settings.credits {
        return reply;
    }
    reply.with_header(REMAINING, world.settings.credits.saturating_sub(used))
}

impl Credits {
    /// Credits spent within the last 24 hours.
    pub(super) fn used(&mut self, now: DateTime<Utc>) -> u64 {
        self.0.retain(|(spent, _)| now - *spent < DAY);
        self.0.iter().map(|(_, cost)| cost).sum()
    }
}

impl Concurrency {
    /// `None` when too many calls are under way. Only the CRM counts.
    pub(super) fn enter(&mut self, call: &Call, settings: &Settings) -> Option<Place> {
        let heavy = is_heavy(call);
        if self.all >= settings.concurrency_limit || (heavy && self.heavy >= settings.sub_concurrency_limit) {
            return None;
        }
        self.all += 1;
        self.heavy += usize::from(heavy);
        Some(Place { heavy })
    }

    pub(super) fn leave(&mut self, place: Place) {
        self.all -= 1;
        self.heavy -= usize::from(place.heavy);
    }
}

fn cost(call: &Call) -> u64 {
    u64::try_from(written_records(call).div_ceil(RECORDS_PER_CREDIT).max(1)).unwrap_or(u64::MAX)
}

fn is_heavy(call: &Call) -> bool {
    matches!(call.operation, Operation::Coql | Operation::Search) || written_records(call) > RECORDS_PER_CREDIT
}

fn written_records(call: &Call) -> usize {
    if !matches!(call.operation, Operation::Upsert | Operation::Create | Operation::Update) {
        return 0;
    }
    call.json().and_then(|body| body.get("data")).and_then(Value::as_array).map_or(0, Vec::len)
}
