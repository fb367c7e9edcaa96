//! How the endpoints that are told of our events are doing.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::super::session::Session;
use super::super::statement::Statement;
use crate::error::Error;

/// An endpoint as its table has it: without its address and keys, which only the secret knows.
#[derive(Debug)]
pub struct EndpointStatus {
    pub name: String,
    pub events: Vec<String>,
    pub state: EndpointState,
    pub failing_since: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    /// At most a thousand are counted, here and below.
    pub pending: i64,
    pub failed: i64,
}

#[derive(Debug)]
pub enum EndpointState {
    Active,
    /// It has asked to be spared for a while.
    Slowed {
        until: DateTime<Utc>,
    },
    Disabled {
        reason: String,
    },
    /// It stands in the secret no more.
    Removed,
}

/// All endpoints, those that were removed among them, by name.
pub async fn endpoints(session: &impl Session) -> Result<Vec<EndpointStatus>, Error> {
    let rows = session.rows(&ENDPOINTS, []).await?;
    Ok(rows.iter().map(from_row).collect())
}

pub(super) static ENDPOINTS: Statement<0> = Statement::new(
    "select
         name, events, removed_at, disabled_reason, failing_since, last_success_at,
         case when paused_until > now() then paused_until end as paused_until,
         (select count(*) from (
             select from webhook_deliveries where endpoint = name and status = 'pending' limit 1000
         ) as pending) as pending,
         (select count(*) from (
             select from webhook_deliveries where endpoint = name and status = 'failed' limit 1000
         ) as failed) as failed
     from webhook_endpoints
     order by name",
    [],
);

fn from_row(row: &Row) -> EndpointStatus {
    let removed_at: Option<DateTime<Utc>> = row.get("removed_at");
    let state = match (removed_at, row.get("disabled_reason"), row.get("paused_until")) {
        (Some(_), _, _) => EndpointState::Removed,
        (None, Some(reason), _) => EndpointState::Disabled { reason },
        (None, None, Some(until)) => EndpointState::Slowed { until },
        (None, None, None) => EndpointState::Active,
    };
    EndpointStatus {
        name: row.get("name"),
        events: row.get("events"),
        state,
        failing_since: row.get("failing_since"),
        last_success_at: row.get("last_success_at"),
        pending: row.get("pending"),
        failed: row.get("failed"),
    }
}
