//! Whether the database answers.

use super::session::Session;
use super::statement::Statement;
use crate::error::Error;

/// Asks for nothing that stands in the database, so every role may and no lock is waited for.
pub async fn answers(session: &impl Session) -> Result<(), Error> {
    session.row(&ANSWERS, []).await?;
    Ok(())
}

static ANSWERS: Statement<0> = Statement::new("select 1", []);
