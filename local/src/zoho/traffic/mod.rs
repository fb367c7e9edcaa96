//! Traffic rules: what Zoho's documents say about requests (paths, parameters, headers, bodies, limits), in our words and
//! each with its page, held against every request that the simulator receives.
//!
//! The simulator answers as Zoho would; these rules tell on whoever asks as Zoho's documents do not allow, also where the
//! simulator lets it pass or an armed fault answers instead. They know nothing of what is stored.

mod asked;
mod campaigns;
mod coql;
mod endpoint;
mod envelope;
mod over_time;
mod pages;
mod reads;
mod records;
mod rule;
mod shape;
mod tags;
mod token;
mod values;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{call::Call, operation::Operation, world::World};
use endpoint::Endpoint;
use over_time::OverTime;
use rule::{Findings, Rule, Severity};

/// Older ones are forgotten, so that a stack can run for days.
const KEPT: usize = 1_000;

static GROUPS: [&[&Rule]; 10] = [
    envelope::RULES,
    token::RULES,
    over_time::RULES,
    reads::RULES,
    records::RULES,
    values::RULES,
    tags::RULES,
    coql::RULES,
    watch::RULES,
    campaigns::RULES,
];

/// What the rules said so far.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    told: VecDeque<Told>,
    over_time: OverTime,
}

#[derive(Debug, Serialize)]
struct Told {
    rule: &'static str,
    severity: Severity,
    page: &'static str,
    /// The request's number in the request log.
    request: u64,
    operation: Operation,
    what: String,
}

/// Holds a request against the rules, before it is answered.
pub(super) fn inspect(world: &mut World, call: &Call, number: u64) {
    let mut traffic = std::mem::take(&mut world.traffic);
    let mut findings = Findings::default();
    let asked = envelope::asked(call, &mut findings);
    if let Some(asked) = &asked {
        envelope::check(call, asked, &mut findings);
        traffic.over_time.check(world, call, asked.endpoint, &mut findings);
        match asked.endpoint {
            Endpoint::Token => token::check(call, &mut findings),
            Endpoint::List | Endpoint::One | Endpoint::Search | Endpoint::Deleted | Endpoint::Delete => {
                reads::check(&world.options, call, asked, &mut findings);
            }
            Endpoint::Insert | Endpoint::Update | Endpoint::Upsert => {
                records::check(&world.options, call, asked, &mut findings);
            }
            Endpoint::AddTags | Endpoint::RemoveTags => tags::check(call, asked, &mut findings),
            Endpoint::Coql => coql::check(&world.options, call, &mut findings),
            Endpoint::Watch => watch::check(world.now, call, &mut findings),
            Endpoint::Transmission => campaigns::check(call, &mut findings),
            Endpoint::Campaigns => {}
        }
    }
    let page_of_the_operation = asked.map_or(pages::REQUEST_METHODS, |asked| asked.endpoint.page());
    for (rule, what) in findings {
        let page = if rule.page.is_empty() { page_of_the_operation } else { rule.page };
        traffic.tell(Told {
            rule: rule.name,
            severity: rule.severity,
            page,
            request: number,
            operation: call.operation,
            what,
        });
    }
    world.traffic = traffic;
}

/// Every rule there is.
pub(super) fn rules() -> Value {
    json!({ "rules": GROUPS.concat() })
}

impl Traffic {
    /// Notes how a request ended, for the rules that look at more than one.
    pub(super) fn answered(&mut self, call: &Call, status: Option<StatusCode>, disturbed: bool) {
        self.over_time.answered(call, status, disturbed);
    }

    /// What was broken, oldest first.
    pub(super) fn listed(&self) -> Value {
        json!({ "violations": self.told })
    }

    fn tell(&mut self, told: Told) {
        let Told { rule, page, request, operation, what, .. } = &told;
        match told.severity {
            Severity::Violation => {
                tracing::warn!(rule, page, request, %operation, "Zoho's documents do not allow this request: {what}");
            }
            Severity::Note => tracing::debug!(rule, page, request, %operation, "about a request to Zoho: {what}"),
        }
        if self.told.len() == KEPT {
            // A violation must not be pushed out by notes.
            let oldest_note = self.told.iter().position(|told| told.severity == Severity::Note);
            self.told.remove(oldest_note.unwrap_or_default());
        }
        self.told.push_back(told);
    }
}
