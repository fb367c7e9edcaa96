//! `audit`: what admins did, each act in its own transaction, so that none is on record that did not happen and none happens
//! unrecorded.

use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::users::User;
use crate::domain::Role;
use crate::domain::access::Caller;
use crate::error::Error;

/// To record an act.
pub static HOT: Hot = &[&RECORD];

/// Records what an admin does by calling a function, to what, and how. Users of other roles act on their own, which is no
/// admin's act. `details` holds ids, labels and numbers and nothing that a person typed about another.
pub async fn record(
    tx: &Transaction<'_>,
    caller: &Caller,
    user: &User,
    subject: Option<Uuid>,
    details: &Value,
) -> Result<(), Error> {
    if user.role == Role::Admin {
        tx.rows(&RECORD, [&user.id.0, &caller.access.function, &subject, &Json(details)]).await?;
    }
    Ok(())
}

static RECORD: Statement<4> = Statement::new(
    "insert into audit (id, actor_id, action, subject_id, details) values (new_uuid_v7(), $1, $2, $3, $4)",
    [Type::UUID, Type::TEXT, Type::UUID, Type::JSONB],
);
