//! Whether an admin has verified an organisation: `profiles_organizations.verified_at`. Until then nothing of it reaches
//! parents, and nothing about children reaches it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Transaction;
use super::alerts;
use super::column::stored;
use super::organizations;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::webhook_events::{self, Happening};
use crate::domain::{GalleryId, OrgName, OrgType, UserId};
use crate::error::Error;
use crate::tasks::FollowUp;

/// To verify an organisation.
pub static HOT: Hot = &[&VERIFY, &TELL];

/// To withdraw the verification.
pub static HOT_WITHDRAW: Hot = &[&WITHDRAW, &alerts::HOLD_OF_ORGANIZATION];

/// An organisation as admins see it.
#[derive(Debug, Serialize)]
pub struct Organization {
    pub id: UserId,
    pub org_name: OrgName,
    pub org_type: OrgType,
    pub verified_at: DateTime<Utc>,
}

/// Verifies the organisation; one that is verified stays so since when it was. Endpoints hear now of galleries that went live
/// meanwhile; the alerts that were held stay so until an admin sends them.
///
/// # Errors
/// `unknown-organization` (404).
pub async fn verify(tx: &Transaction<'_>, organization: UserId) -> Result<(Organization, FollowUp), Error> {
    let row = tx.row(&VERIFY, [&organization.0]).await?.ok_or_else(organizations::unknown)?;
    let untold = tx.rows(&TELL, [&organization.0]).await?;
    let untold: Vec<GalleryId> = untold.iter().map(|row| GalleryId(row.get("id"))).collect();
    let follow_up = webhook_events::emit(tx, Happening::GalleriesLive(&untold)).await?;
    Ok((from_row(&row)?, follow_up))
}

static VERIFY: Statement<1> = Statement::new(
    "update profiles_organizations set verified_at = coalesce(verified_at, now())
     where user_id = $1
     returning user_id, org_name, org_type::text as org_type, verified_at",
    [Type::UUID],
);

// One that is archived by now is told of if it comes back.
static TELL: Statement<1> = Statement::new(
    "update galleries set live_untold = false
     where organization_id = $1 and live_untold and status = 'Live'
     returning id",
    [Type::UUID],
);

/// Withdraws the verification: alerts that are not sent yet are held. Returns whether there was one.
pub async fn withdraw(tx: &Transaction<'_>, organization: UserId) -> Result<bool, Error> {
    let Some(_) = tx.row(&WITHDRAW, [&organization.0]).await? else { return Ok(false) };
    alerts::hold_of_organization(tx, organization).await?;
    Ok(true)
}

static WITHDRAW: Statement<1> = Statement::new(
    "update profiles_organizations set verified_at = null
     where user_id = $1 and verified_at is not null
     returning user_id",
    [Type::UUID],
);

fn from_row(row: &Row) -> Result<Organization, Error> {
    Ok(Organization {
        id: UserId(row.get("user_id")),
        org_name: stored(row, "org_name")?,
        org_type: stored(row, "org_type")?,
        verified_at: row.get("verified_at"),
    })
}
