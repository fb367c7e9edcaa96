//! `zoho_usage` and `zoho_budget`: what our calls to the CRM cost, and what Zoho says remains of the day's credits. Who has to
//! wait while few remain is decided where tasks are claimed.

use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;

/// To note a call.
pub static HOT: Hot = &[&NOTE];

/// Notes one call, what it cost, and what Zoho said remains: it says so only once half of the day's credits are gone.
pub async fn note(session: &impl Session, credits: i32, remaining: Option<i64>) -> Result<(), Error> {
    session.rows(&NOTE, [&credits, &remaining]).await?;
    Ok(())
}

static NOTE: Statement<2> = Statement::new(
    "with used as (
         insert into zoho_usage (minute, calls, credits)
         values (date_trunc('minute', now()), 1, $1)
         on conflict (minute) do update set
             calls = zoho_usage.calls + 1,
             credits = zoho_usage.credits + excluded.credits
     )
     update zoho_budget set credits_remaining = $2, noted_at = now() where $2 is not null",
    [Type::INT4, Type::INT8],
);
