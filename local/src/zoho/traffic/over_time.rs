//! Rules that look at more than one request: how often tokens are asked for, and which are used.

use std::collections::VecDeque;

use axum::http::{StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    endpoint::Endpoint,
    pages,
    rule::{Findings, Rule},
};
use crate::zoho::{call::Call, operation::Operation, world::World};

const WINDOW: TimeDelta = TimeDelta::minutes(10);
const REQUESTS_PER_WINDOW: usize = 10;
/// A token that ends sooner may be replaced: whoever refreshes early is right.
const EARLY: TimeDelta = TimeDelta::minutes(10);

static AGAIN: Rule = Rule::note("token-while-one-lives", pages::TOKEN_VALIDITY);
static RATE: Rule = Rule::violation("tokens-too-often", pages::TOKEN_VALIDITY);
static NOT_GIVEN: Rule = Rule::note("token-that-does-not-live", pages::TOKEN_VALIDITY);

pub(super) static RULES: &[&Rule] = &[&AGAIN, &RATE, &NOT_GIVEN];

#[derive(Debug, Default)]
pub(super) struct OverTime {
    /// Token requests that nothing called for, within the last window.
    needless: VecDeque<DateTime<Utc>>,
    /// Whether the last token was refused since it was given, or never came: its request failed, or whoever asked left.
    lost: bool,
}

impl OverTime {
    pub(super) fn check(&mut self, world: &World, call: &Call, endpoint: Endpoint, findings: &mut Findings) {
        if endpoint == Endpoint::Token {
            self.check_token_request(world, findings);
            return;
        }
        let token = call.header(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Zoho-oauthtoken "));
        let lives = token.is_none_or(|token| world.tokens.is_alive(token, world.now));
        findings.hold(lives, &NOT_GIVEN, || "the token was never given, or has ended".to_owned());
    }

    /// A token that came is there to be used; a 401 or a disturbance is a good reason to ask for another.
    pub(super) fn answered(&mut self, call: &Call, status: Option<StatusCode>, disturbed: bool) {
        if call.operation == Operation::Token {
            self.lost = disturbed || status.is_none_or(|status| !status.is_success());
        } else if status == Some(StatusCode::UNAUTHORIZED) {
            self.lost = true;
        }
    }

    fn check_token_request(&mut self, world: &World, findings: &mut Findings) {
        let called_for = std::mem::replace(&mut self.lost, true);
        let one_lives = world.tokens.newest_ends().is_some_and(|ends| ends > world.now + EARLY);
        if called_for || !one_lives {
            return;
        }
        findings.add(&AGAIN, "a token lives that was given and not refused");
        self.needless.retain(|asked| world.now - *asked < WINDOW);
        self.needless.push_back(world.now);
        findings.hold(self.needless.len() <= REQUESTS_PER_WINDOW, &RATE, || {
            format!("{} needless ones within ten minutes; Zoho gives 10 in all", self.needless.len())
        });
    }
}
