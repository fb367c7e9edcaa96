//! Where our side and the CRM do not agree: conflicts that were decided, and people whose record is gone over there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::error::Error;

/// One thing on which both sides differ or have differed, as the API shows it: here alone values are shown that somebody
/// else than their owner reads.
#[derive(Serialize)]
pub struct Disagreement {
    pub state: String,
    /// Of a conflict; a record that is gone is known by its user and its module.
    pub id: Option<Uuid>,
    pub user_id: UserId,
    pub module: String,
    pub field: Option<String>,
    pub ours: Option<String>,
    pub theirs: Option<String>,
    pub kept: Option<String>,
    pub noticed_at: DateTime<Utc>,
    pub times: i32,
}

/// Without the values: they say something about a person.
impl std::fmt::Debug for Disagreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Disagreement({} {})", self.state, self.user_id)
    }
}

/// Which of them somebody wants to see; `None` is all.
#[derive(Debug)]
pub struct DisagreementFilter {
    pub user: Option<UserId>,
    pub module: Option<CrmModule>,
    pub gone: Option<bool>,
}

/// Where one stands in their order: by the moment at which it was noticed last.
#[derive(Debug, Serialize, Deserialize)]
pub struct DisagreementPlace {
    pub at: DateTime<Utc>,
    /// Of the conflict, or of the user whose record is gone.
    pub id: Uuid,
    pub module: String,
}

impl Disagreement {
    pub fn place(&self) -> DisagreementPlace {
        DisagreementPlace { at: self.noticed_at, id: self.id.unwrap_or(self.user_id.0), module: self.module.clone() }
    }
}

/// The newest that come after a place, `most` of them; of each state the first `most` are taken out of their index.
pub async fn disagreements(
    session: &impl Session,
    wanted: &DisagreementFilter,
    after: Option<&DisagreementPlace>,
    most: i64,
) -> Result<Vec<Disagreement>, Error> {
    let rows = session
        .rows(
            &DISAGREEMENTS,
            [
                &wanted.user.map(|user| user.0),
                &wanted.module.map(CrmModule::as_str),
                &wanted.gone,
                &after.map(|place| place.at),
                &after.map(|place| place.id),
                &after.map(|place| place.module.as_str()),
                &most,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

pub(super) static DISAGREEMENTS: Statement<7> = Statement::new(
    "select found.*
     from (
         (
             select 'conflict' as state, id, user_id, module, field, ours, theirs, kept, noticed_at, times,
                 id as place
             from sync_conflicts
             where ($1::uuid is null or user_id = $1) and ($2::text is null or module = $2)
               and not coalesce($3, false)
               and ($4::timestamptz is null or (noticed_at, id, module) < ($4, $5, $6))
             order by noticed_at desc, id desc, module desc
             limit $7
         )
         union all
         (
             select 'gone', null, user_id, module, null, null, null, null, gone_at, 1, user_id
             from zoho_links
             where gone_at is not null and ($1::uuid is null or user_id = $1)
               and ($2::text is null or module = $2) and coalesce($3, true)
               and ($4::timestamptz is null or (gone_at, user_id, module) < ($4, $5, $6))
             order by gone_at desc, user_id desc, module desc
             limit $7
         )
     ) as found
     order by noticed_at desc, place desc, module desc
     limit $7",
    [Type::UUID, Type::TEXT, Type::BOOL, Type::TIMESTAMPTZ, Type::UUID, Type::TEXT, Type::INT8],
);

/// Forgets that records of these users are gone, so that the next sync makes them anew. What both sides had agreed on is
/// kept, for one that comes back first, and not which tags were ours: on another record they are somebody else's. Returns
/// the users who had such.
pub async fn forget_gone(tx: &Transaction<'_>, users: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let rows = tx.rows(&FORGET_GONE, [&users]).await?;
    Ok(rows.iter().map(|row| row.get("user_id")).collect())
}

static FORGET_GONE: Statement<1> = Statement::new(
    "with hers as materialized (
         select id from users
         where id = any ($1)
           and exists (select from zoho_links where user_id = users.id and gone_at is not null)
         order by id
         for update
     ),
     forgotten as (
         update zoho_links set gone_at = null, modified_at = null, tags = '{}'
         from hers
         where zoho_links.user_id = hers.id and gone_at is not null
         returning zoho_links.user_id
     )
     select distinct user_id from forgotten order by user_id",
    [Type::UUID_ARRAY],
);

fn from_row(row: &Row) -> Disagreement {
    Disagreement {
        state: row.get("state"),
        id: row.get("id"),
        user_id: UserId(row.get("user_id")),
        module: row.get("module"),
        field: row.get("field"),
        ours: row.get("ours"),
        theirs: row.get("theirs"),
        kept: row.get("kept"),
        noticed_at: row.get("noticed_at"),
        times: row.get("times"),
    }
}
