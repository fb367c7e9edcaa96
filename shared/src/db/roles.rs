//! The database's own roles.

use tokio_postgres::types::Type;

use super::pool::Connection;
use super::session::Session;
use crate::error::Error;

/// Gives a role its password. The client sends a SCRAM verifier, so the password itself reaches neither the
/// server's log nor its statistics.
pub async fn set_password(owner: &Connection, role: &str, password: &str) -> Result<(), Error> {
    let row = owner
        .row(
            "select format('alter role %I password %L', $1, $2) as statement",
            &[(&role, Type::TEXT), (&verifier(password), Type::TEXT)],
        )
        .await?;
    let statement: String = row.map(|row| row.get("statement")).unwrap_or_default();
    owner.batch_execute(&statement).await?;
    Ok(())
}

fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}
