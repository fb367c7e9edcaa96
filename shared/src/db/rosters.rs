//! `roster_entries`: which athletes an organisation has.

use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::stored;
use super::session::Session;
use crate::domain::{AthleteId, CodeKey, OrgName, UserId};
use crate::error::Error;

/// Puts athletes on the rosters that the codes stand for, in one statement; asking again changes nothing.
pub async fn join(tx: &Transaction<'_>, codes: &[CodeKey], athletes: &[AthleteId]) -> Result<(), Error> {
    if codes.is_empty() || athletes.is_empty() {
        return Ok(());
    }
    let codes: Vec<&str> = codes.iter().map(CodeKey::as_str).collect();
    let athletes: Vec<Uuid> = athletes.iter().map(|athlete| athlete.0).collect();
    // Sorted, so that two families of the same club take their locks in the same order.
    tx.rows(
        "insert into roster_entries (organization_id, athlete_id)
         select organization.user_id, athlete_id
         from profiles_organizations as organization, unnest($2) as athlete_id
         where code_key(organization.join_code) = any ($1)
         order by organization.user_id, athlete_id
         on conflict do nothing",
        &[(&codes, Type::TEXT_ARRAY), (&athletes, Type::UUID_ARRAY)],
    )
    .await?;
    Ok(())
}

/// Those of the codes that organisations have.
pub(super) async fn known_codes(session: &impl Session, codes: &[CodeKey]) -> Result<Vec<CodeKey>, Error> {
    let keys: Vec<&str> = codes.iter().map(CodeKey::as_str).collect();
    let rows = session
        .rows(
            "select code_key(join_code) as known from profiles_organizations where code_key(join_code) = any ($1)",
            &[(&keys, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().filter_map(|row| CodeKey::of(row.get("known"))).collect())
}

/// An organisation as parents see it.
#[derive(Debug, Serialize)]
pub struct Organization {
    pub id: UserId,
    pub name: OrgName,
}

/// The organisation that has this join code.
pub(super) async fn organization_by_code(
    session: &impl Session,
    code: &CodeKey,
) -> Result<Option<Organization>, Error> {
    let row = session
        .row(
            "select user_id, org_name from profiles_organizations where code_key(join_code) = $1",
            &[(&code.as_str(), Type::TEXT)],
        )
        .await?;
    row.map(|row| Ok(Organization { id: UserId(row.get("user_id")), name: stored(&row, "org_name")? })).transpose()
}
