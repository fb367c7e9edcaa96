//! What the traffic with the CRM costs, and how far the two sides have come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use tokio_postgres::types::Type;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::error::Error;
use crate::tasks::Kind;

/// Credits, calls, and the progress of a backfill.
#[derive(Debug, Serialize)]
pub struct ZohoTraffic {
    /// By our own count; others spend of the same credits.
    pub credits_used_24h: i64,
    /// As Zoho last said, which it does only once half of the day's credits are gone.
    pub credits_remaining: Option<i64>,
    pub remaining_noted_at: Option<DateTime<Utc>>,
    pub calls_last_hour: i64,
    pub credits_last_hour: i64,
    /// Until when Zoho tells us of changes; none while it does not.
    pub watch_expires_at: Option<DateTime<Utc>>,
    /// By module, up to when changes over there have been looked for.
    pub reconciled_to: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Users who wait for their Contact. At most 100,001 are counted, here and below.
    pub unlinked: i64,
    pub linked: i64,
    /// Users whose records, there or to come, are to be brought up to date.
    pub waiting: i64,
}

pub async fn zoho(session: &impl Session) -> Result<ZohoTraffic, Error> {
    let (spent, reconciled_to, people) = tokio::try_join!(spent(session), reconciled_to(session), people(session))?;
    let (unlinked, linked, waiting) = people;
    Ok(ZohoTraffic { reconciled_to, unlinked, linked, waiting, ..spent })
}

async fn spent(session: &impl Session) -> Result<ZohoTraffic, Error> {
    let row = session
        .row(&SPENT, [])
        .await?
        .ok_or_else(|| Error::internal("zoho_budget has lost its row", "the migration puts it there"))?;
    Ok(ZohoTraffic {
        credits_used_24h: row.get("day"),
        credits_remaining: row.get("credits_remaining"),
        remaining_noted_at: row.get("noted_at"),
        calls_last_hour: row.get("calls_last_hour"),
        credits_last_hour: row.get("credits_last_hour"),
        watch_expires_at: row.get("watch_expires_at"),
        reconciled_to: BTreeMap::new(),
        unlinked: 0,
        linked: 0,
        waiting: 0,
    })
}

pub(super) static SPENT: Statement<0> = Statement::new(
    "select used.*, budget.credits_remaining, budget.noted_at,
         (select expires_at from zoho_watch) as watch_expires_at
     from zoho_budget as budget
     cross join (
         select
             coalesce(sum(credits), 0)::bigint as day,
             coalesce(sum(calls) filter (where minute > now() - interval '1 hour'), 0)::bigint as calls_last_hour,
             coalesce(sum(credits) filter (where minute > now() - interval '1 hour'), 0)::bigint as credits_last_hour
         from zoho_usage
         where minute > now() - interval '1 day'
     ) as used",
    [],
);

async fn reconciled_to(session: &impl Session) -> Result<BTreeMap<String, Option<DateTime<Utc>>>, Error> {
    let rows = session.rows(&RECONCILED_TO, []).await?;
    Ok(rows.iter().map(|row| (row.get("module"), row.get("modified_to"))).collect())
}

pub(super) static RECONCILED_TO: Statement<0> = Statement::new("select module, modified_to from zoho_cursors", []);

/// Who waits for a Contact, who has one, and whose work waits. Whose Contact is gone waits for none.
async fn people(session: &impl Session) -> Result<(i64, i64, i64), Error> {
    let row = session.row(&PEOPLE, [&Kind::SyncZoho.as_str()]).await?;
    Ok(row.map_or((0, 0, 0), |row| (row.get("unlinked"), row.get("linked"), row.get("waiting"))))
}

pub(super) static PEOPLE: Statement<1> = Statement::new(
    "select
         (select count(*) from (
             select from users
             where zoho_contact_id is null and role <> 'admin' and id not in (
                 select user_id from zoho_links where gone_at is not null and module = 'Contacts'
             )
             limit 100001
         ) as waiting) as unlinked,
         (select count(*) from (
             select from users where zoho_contact_id is not null limit 100001
         ) as done) as linked,
         (select count(*) from (
             select from tasks where kind = $1 and failed_at is null limit 100001
         ) as due) as waiting",
    [Type::TEXT],
);
