//! `profiles_organizations`: whether there is one, and what is told where there is none or an admin has yet to verify it.

use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::Statement;
use crate::domain::UserId;
use crate::error::Error;

/// Whether there is such an organisation.
pub async fn exists(session: &impl Session, organization: UserId) -> Result<bool, Error> {
    Ok(session.row(&EXISTS, [&organization.0]).await?.is_some())
}

pub(super) static EXISTS: Statement<1> =
    Statement::new("select from profiles_organizations where user_id = $1", [Type::UUID]);

/// For an id that no organisation has.
pub fn unknown() -> Error {
    Error::NotFound { code: "unknown-organization", detail: "There is no organisation with this id." }
}

/// For what only a verified organisation may do, or others with it.
pub fn not_verified() -> Error {
    Error::Forbidden {
        code: "organization-not-verified",
        detail: "The organisation has to be verified first: an admin of ISO Photo XP does that after a look at who it is.",
    }
}
