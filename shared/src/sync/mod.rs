//! Brings people and their records in the CRM together, whichever side has changed: read both, merge, write what they lack
//! over there, take over what we lack here, and record what both sides agree on, if nobody has changed it meanwhile.
//!
//! A person has one or two records: her Contact, and beside it an Account if she stands for an organisation. Both
//! ways in, by the person ([`Engine::push`]) and by the record ([`Engine::pull`]), are one path from the reading on.

mod calls;
mod choice;
mod clearing;
mod erase;
mod fate;
mod half;
#[cfg(test)]
mod people;
mod plan;
mod problem;
mod pull;
mod push;
mod read;
mod record;
mod round;
mod tags;
mod way;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use record::After;

use crate::db::tasks::Claim;
use crate::db::{
    self, Database, Hot, taken_over, tasks, users, webhook_events, zoho_budget, zoho_intentions, zoho_links,
    zoho_owners, zoho_token,
};
use crate::error::Error;
use crate::lambda::sqs::TimeLeft;
use crate::secrets::FollowedSecret;
use crate::zoho::{Zoho, ZohoSettings};

use self::problem::Problem;
use self::round::Round;

/// What either way in usually sends to the database, from the claim to the record.
pub static HOT: &[Hot] = &[
    tasks::HOT,
    tasks::HOT_WORK,
    tasks::HOT_REVIVE,
    db::people::HOT,
    taken_over::HOT,
    users::HOT_SYNC,
    webhook_events::HOT,
    zoho_budget::HOT,
    zoho_intentions::HOT,
    zoho_links::HOT,
    zoho_owners::HOT,
    zoho_token::HOT,
];

/// What the work is done with.
#[derive(Debug)]
pub struct Engine<'a> {
    pub database: &'a Database,
    pub zoho: &'a FollowedSecret<ZohoSettings, Zoho>,
    pub now: DateTime<Utc>,
    pub time: TimeLeft,
}

impl Engine<'_> {
    /// Works on people: `claim` is of their tasks.
    pub async fn push(&self, claim: &Claim) -> Result<After, Error> {
        self.recorded(claim, async |zoho| Box::pin(push::round(self, zoho, claim)).await).await
    }

    /// Works on records that have changed over there: `claim` is of their tasks.
    pub async fn pull(&self, claim: &Claim) -> Result<After, Error> {
        self.recorded(claim, async |zoho| Box::pin(pull::round(self, zoho, claim)).await).await
    }

    /// Where Zoho refuses us, the secret may have changed a moment ago: with another one, once more.
    async fn recorded(
        &self,
        claim: &Claim,
        round: impl AsyncFn(&Zoho) -> Result<Round, Error>,
    ) -> Result<After, Error> {
        let mut zoho = self.zoho.current(self.now).await;
        let mut done = round(&zoho).await?;
        if done.problems().any(|problem| matches!(problem, Problem::Refused(_)))
            && let Some(newer) = self.newer(&zoho).await
        {
            zoho = newer;
            done = round(&zoho).await?;
        }
        let fingerprint = zoho.fingerprint();
        db::insist(|| record::record(self.database, claim, &done, &fingerprint)).await
    }

    async fn newer(&self, zoho: &Zoho) -> Option<Arc<Zoho>> {
        self.zoho.newer(self.now).await.filter(|newer| newer.fingerprint() != zoho.fingerprint())
    }
}
