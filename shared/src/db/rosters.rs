//! `roster_entries`: which athletes an organisation has.

use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::stored;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::{AthleteId, CodeKey, OrgName, OrgType, UserId};
use crate::error::Error;

/// To put athletes on a roster.
pub static HOT: Hot = &[&JOIN];

/// Puts athletes on the rosters that the codes stand for, in one statement; asking again changes nothing.
pub async fn join(tx: &Transaction<'_>, codes: &[CodeKey], athletes: &[AthleteId]) -> Result<(), Error> {
    if codes.is_empty() || athletes.is_empty() {
        return Ok(());
    }
    let codes: Vec<&str> = codes.iter().map(CodeKey::as_str).collect();
    let athletes: Vec<Uuid> = athletes.iter().map(|athlete| athlete.0).collect();
    tx.rows(&JOIN, [&codes, &athletes]).await?;
    Ok(())
}

// Sorted, so that two families of the same club take their locks in the same order.
static JOIN: Statement<2> = Statement::new(
    "insert into roster_entries (organization_id, athlete_id)
     select organization.user_id, athlete_id
     from profiles_organizations as organization, unnest($2) as athlete_id
     where code_key(organization.join_code) = any ($1)
     order by organization.user_id, athlete_id
     on conflict do nothing",
    [Type::TEXT_ARRAY, Type::UUID_ARRAY],
);

/// Those of the codes that organisations have.
pub(super) async fn known_codes(session: &impl Session, codes: &[CodeKey]) -> Result<Vec<CodeKey>, Error> {
    let keys: Vec<&str> = codes.iter().map(CodeKey::as_str).collect();
    let rows = session.rows(&KNOWN_CODES, [&keys]).await?;
    Ok(rows.iter().filter_map(|row| CodeKey::of(row.get("known"))).collect())
}

pub(super) static KNOWN_CODES: Statement<1> = Statement::new(
    "select code_key(join_code) as known from profiles_organizations where code_key(join_code) = any ($1)",
    [Type::TEXT_ARRAY],
);

/// An organisation as parents see it.
#[derive(Debug, Serialize)]
pub struct Organization {
    pub id: UserId,
    pub name: OrgName,
}

/// An organisation as a user sees it who has its join code.
#[derive(Debug, Serialize)]
pub struct Joinable {
    #[serde(flatten)]
    pub organization: Organization,
    pub org_type: OrgType,
    /// Whether an admin has: until then nothing of it reaches parents.
    pub verified: bool,
}

/// The organisation that has this join code.
pub(super) async fn organization_by_code(session: &impl Session, code: &CodeKey) -> Result<Option<Joinable>, Error> {
    let row = session.row(&ORGANIZATION_BY_CODE, [&code.as_str()]).await?;
    let joinable = |row: &Row| {
        let organization = Organization { id: UserId(row.get("user_id")), name: stored(row, "org_name")? };
        Ok(Joinable { organization, org_type: stored(row, "org_type")?, verified: row.get("verified") })
    };
    row.map(|row| joinable(&row)).transpose()
}

pub(super) static ORGANIZATION_BY_CODE: Statement<1> = Statement::new(
    "select user_id, org_name, org_type::text as org_type, verified_at is not null as verified
     from profiles_organizations
     where code_key(join_code) = $1",
    [Type::TEXT],
);
