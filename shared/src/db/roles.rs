//! The database's own roles.

use tokio_postgres::types::Type;

use super::pool::Connection;
use super::session::Session;
use super::statement::Statement;
use crate::error::Error;

/// Gives a role its password. The client sends a SCRAM verifier, so the password itself reaches neither the
/// server's log nor its statistics.
pub async fn set_password(owner: &Connection, role: &str, password: &str) -> Result<(), Error> {
    let row = owner.row(&SET_PASSWORD, [&role, &verifier(password)]).await?;
    let statement: String = row.map(|row| row.get("statement")).unwrap_or_default();
    owner.batch_execute(&statement).await?;
    Ok(())
}

static SET_PASSWORD: Statement<2> =
    Statement::new("select format('alter role %I password %L', $1, $2) as statement", [Type::TEXT, Type::TEXT]);

/// Whether the role is really in: a proxy may take a login before it has asked the database.
pub async fn answers(session: &impl Session) -> bool {
    session.rows(&NOTHING, []).await.is_ok()
}

static NOTHING: Statement<0> = Statement::new("select", []);

fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}
