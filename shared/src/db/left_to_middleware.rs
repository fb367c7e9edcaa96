//! Users whose task for the CRM was completed on the route over middleware, because they or their Account are linked, or were:
//! the route has no word for what had changed, so they are asked for again once it is native.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;

/// To ask for users again.
pub static HOT: Hot = &[&TAKE];

/// So many are asked for in one transaction.
const AT_ONCE: i64 = 1000;

/// Takes note of those of the users who are there, and no admins.
pub async fn note(tx: &Transaction<'_>, users: &[Uuid]) -> Result<(), Error> {
    if users.is_empty() {
        return Ok(());
    }
    tx.rows(&NOTE, [&users]).await?;
    Ok(())
}

static NOTE: Statement<1> = Statement::new(
    "update users set left_to_middleware = true
     where id in (
         select id from users
         where id = any ($1) and role <> 'admin' and not left_to_middleware
         order by id
         for no key update
     )",
    [Type::UUID_ARRAY],
);

/// Some of those who are noted, and not any more; none: that was all. Who is being changed just now is left to the next
/// time.
pub async fn take(tx: &Transaction<'_>) -> Result<Vec<Uuid>, Error> {
    let rows = tx.rows(&TAKE, [&AT_ONCE]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

static TAKE: Statement<1> = Statement::new(
    "update users set left_to_middleware = false
     where id in (
         select id from users where left_to_middleware order by id limit $1 for no key update skip locked
     )
     returning id",
    [Type::INT8],
);
