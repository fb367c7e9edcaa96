//! `zoho_usage` and `zoho_budget`: what our calls to the CRM cost, and what Zoho says remains of the day's credits.

use tokio_postgres::types::Type;

use super::session::Session;
use crate::error::Error;
use crate::tasks::Priority;

/// Notes one call, what it cost, and what Zoho said remains: it says so only once half of the day's credits are gone.
pub async fn note(session: &impl Session, credits: i32, remaining: Option<i64>) -> Result<(), Error> {
    session
        .rows(
            "with used as (
                 insert into zoho_usage (minute, calls, credits)
                 values (date_trunc('minute', now()), 1, $1)
                 on conflict (minute) do update set
                     calls = zoho_usage.calls + 1,
                     credits = zoho_usage.credits + excluded.credits
             )
             update zoho_budget set credits_remaining = $2, noted_at = now() where $2 is not null",
            &[(&credits, Type::INT4), (&remaining, Type::INT8)],
        )
        .await?;
    Ok(())
}

/// The lowest place in line that may go on: while less than `reserve` remains of the day's credits, only what somebody
/// waits for. A word of Zoho's counts for a quarter of an hour: then one more batch finds out how things are.
pub async fn lowest(session: &impl Session, reserve: i64) -> Result<Priority, Error> {
    let row = session
        .row(
            "select true as short from zoho_budget
             where credits_remaining < $1 and noted_at > now() - interval '15 minutes'",
            &[(&reserve, Type::INT8)],
        )
        .await?;
    Ok(if row.is_some() { Priority::Now } else { Priority::Backfill })
}
