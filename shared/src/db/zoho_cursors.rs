//! `zoho_cursors`: how far changes in the CRM have been read, by module. A cursor is Zoho's time; it is moved in the
//! transaction that writes the tasks of what was read, so it never passes a record whose change is not applied here and
//! has no task either.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::event::{CrmModule, CrmRecord};
use crate::domain::{CrmId, UserId};
use crate::error::Error;

/// To read a module to its end.
pub static HOT: Hot = &[&BEGIN, &UNSETTLED, &READ_CHANGES, &LINKED, &READ_DELETIONS, &FINISH, &GONE];

/// Where a module has to be read on. What was changed or deleted in that very second may not have been read yet.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    pub modified_from: DateTime<Utc>,
    pub deleted_from: DateTime<Utc>,
}

/// Whose record it is: $1 is the module, $2 the records.
macro_rules! linked {
    () => {
        "select id as user_id, zoho_contact_id as record from users
         where $1 = 'Contacts' and zoho_contact_id = any ($2)
         union all
         select user_id, zoho_account_id from profiles_organizations
         where $1 = 'Accounts' and zoho_account_id = any ($2)"
    };
}

/// A cursor keeps away from the present: what is being changed over there just now may show later than what is changed
/// after it, and the answer that was read may be half a minute old. So the last minutes are read twice, which costs
/// nothing: what is settled by then is passed over. $2 is how far it was read.
macro_rules! at_most {
    () => {
        "least($2, date_trunc('second', now()) - interval '3 minutes')"
    };
}

/// A record as it was found in the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    pub record: CrmRecord,
    /// Our user's id on it, where it carries one.
    pub user: Option<Uuid>,
    pub modified_at: DateTime<Utc>,
}

/// Who reads a module for the first time begins an hour back; what was there before is read when people are linked. For
/// those who have been linked since before anything was read, it begins where their first link was last looked at, or,
/// where nothing is known of that (Make or Zapier have linked them), where the first of them came.
pub async fn begin(session: &impl Session, module: CrmModule) -> Result<Cursor, Error> {
    let row = session
        .row(&BEGIN, [&module.as_str()])
        .await?
        .ok_or_else(|| Error::internal("zoho_cursors has lost a row", "the migration puts it there"))?;
    Ok(Cursor { modified_from: row.get("modified_to"), deleted_from: row.get("deleted_to") })
}

// What `first` finds is asked for only while there is no cursor.
static BEGIN: Statement<1> = Statement::new(
    "with first as not materialized (
         select date_trunc('second', least(
             now() - interval '1 hour',
             (select min(synced_at) from zoho_links where module = $1 and gone_at is null)
                 - interval '10 minutes',
             (
                 select min(users.created_at)
                 from users
                 left join profiles_organizations as org on org.user_id = users.id
                 where case $1 when 'Contacts' then zoho_contact_id else zoho_account_id end is not null
                   and not exists (
                       select from zoho_links as link where link.user_id = users.id and link.module = $1
                   )
             )
         )) as start
     )
     update zoho_cursors set
         modified_to = coalesce(modified_to, (select start from first)),
         deleted_to = coalesce(deleted_to, (select start from first))
     where module = $1
     returning modified_to, deleted_to",
    [Type::TEXT],
);

/// Those of the records whose change may not be here yet: of a link to one of ours, or with the id of one of our users
/// on it, or of one who was erased. A change is here if the link was brought up to date after that very change; and clearly
/// after it, since another edit within the same second would look the same. And those that somebody's work has failed for.
pub async fn unsettled(tx: &Transaction<'_>, module: CrmModule, changed: &[Changed]) -> Result<Vec<CrmRecord>, Error> {
    let ids: Vec<String> = changed.iter().map(|one| one.record.id.to_string()).collect();
    let times: Vec<DateTime<Utc>> = changed.iter().map(|one| one.modified_at).collect();
    let users: Vec<Option<Uuid>> = changed.iter().map(|one| one.user).collect();
    let rows = tx.rows(&UNSETTLED, [&module.as_str(), &ids, &times, &users]).await?;
    Ok(records(module, &rows))
}

static UNSETTLED: Statement<4> = Statement::new(
    concat!(
        "select changed.id
         from unnest($2, $3, $4) as changed (id, modified_at, user_id)
         left join (",
        linked!(),
        ") as linked on linked.record = changed.id
         left join zoho_links as link on link.user_id = linked.user_id and link.module = $1
         where exists (select from tasks where failed_at is not null and failure ->> 'record' = changed.id)
           or (
               linked.user_id is not null
               or exists (select from users where users.id = changed.user_id)
               or exists (select from erasures where erasures.user_id = changed.user_id)
           )
           and not coalesce(
               link.modified_at = changed.modified_at
                   and link.synced_at > changed.modified_at + interval '10 seconds',
               false
           )",
    ),
    [Type::TEXT, Type::TEXT_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::UUID_ARRAY],
);

/// Those of the records that are one of ours, or that somebody's work has failed for.
pub async fn linked(tx: &Transaction<'_>, module: CrmModule, ids: &[u64]) -> Result<Vec<CrmRecord>, Error> {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let rows = tx.rows(&LINKED, [&module.as_str(), &ids]).await?;
    Ok(records(module, &rows))
}

static LINKED: Statement<2> = Statement::new(
    concat!(
        "select record as id from (",
        linked!(),
        ") as linked
         union
         select failure ->> 'record' from tasks
         where failed_at is not null and failure ->> 'record' = any ($2)",
    ),
    [Type::TEXT, Type::TEXT_ARRAY],
);

/// Somebody whose record is gone over there and may come back.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    pub user: UserId,
    /// When the last whole day since she went has ended.
    pub due_at: DateTime<Utc>,
}

/// A hundred of those who are due to be looked for, who was erased or whose record is gone: each once a day, for as long as
/// Zoho's recycle bin keeps a record, which is 60 days.
pub async fn gone(session: &impl Session, module: CrmModule) -> Result<Vec<Gone>, Error> {
    let rows = session.rows(&GONE, [&module.as_str()]).await?;
    Ok(rows.iter().map(|row| Gone { user: UserId(row.get("user_id")), due_at: row.get("due_at") }).collect())
}

static GONE: Statement<1> = Statement::new(
    "select user_id, due_at from (
         select user_id,
                since + trunc(extract(epoch from now() - since)::float8 / 86400) * interval '24 hours' as due_at
         from (
             select user_id, erased_at as since from erasures where erased_at is not null
             union all
             select user_id, gone_at from zoho_links where module = $1 and gone_at is not null
         ) as gone
         where since between now() - interval '61 days' and now() - interval '24 hours'
     ) as gone
     where due_at > (select coalesce(restored_to, '-infinity') from zoho_cursors where module = $1)
     order by due_at, user_id
     fetch first 100 rows with ties",
    [Type::TEXT],
);

/// Of the records that carry the id of somebody who is gone, those that nobody has; and any that an erased one's id is on.
pub async fn restored(
    tx: &Transaction<'_>,
    module: CrmModule,
    found: &[(CrmId, Option<Uuid>)],
) -> Result<Vec<CrmRecord>, Error> {
    let (ids, users): (Vec<&str>, Vec<Option<Uuid>>) = found.iter().map(|(id, user)| (id.as_str(), *user)).unzip();
    let rows = tx.rows(&RESTORED, [&module.as_str(), &ids, &users]).await?;
    Ok(records(module, &rows))
}

static RESTORED: Statement<3> = Statement::new(
    concat!(
        "select found.id
         from unnest($2, $3) as found (id, user_id)
         where exists (select from erasures where erasures.user_id = found.user_id)
           or not exists (select from (",
        linked!(),
        ") as linked where linked.record = found.id)",
    ),
    [Type::TEXT, Type::TEXT_ARRAY, Type::UUID_ARRAY],
);

/// Whoever was due by then is looked for, and what was found has its task.
pub async fn read_restored(tx: &Transaction<'_>, module: CrmModule, until: DateTime<Utc>) -> Result<(), Error> {
    tx.rows(&READ_RESTORED, [&module.as_str(), &until]).await?;
    Ok(())
}

static READ_RESTORED: Statement<2> = Statement::new(
    "update zoho_cursors set restored_to = greatest(restored_to, $2) where module = $1",
    [Type::TEXT, Type::TIMESTAMPTZ],
);

/// Ten thousand of the records that are one of ours, behind this one.
pub async fn links(tx: &Transaction<'_>, module: CrmModule, after: Option<u64>) -> Result<Vec<CrmRecord>, Error> {
    let links = match module {
        CrmModule::Contacts => &CONTACTS,
        CrmModule::Accounts => &ACCOUNTS,
    };
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows = tx.rows(links, [&after]).await?;
    Ok(records(module, &rows))
}

// In the order of the unique index, which is that of text.
static CONTACTS: Statement<1> = Statement::new(
    "select zoho_contact_id as id from users where zoho_contact_id > $1 order by zoho_contact_id limit 10000",
    [Type::TEXT],
);

static ACCOUNTS: Statement<1> = Statement::new(
    "select zoho_account_id as id from profiles_organizations
     where zoho_account_id > $1
     order by zoho_account_id
     limit 10000",
    [Type::TEXT],
);

fn records(module: CrmModule, rows: &[Row]) -> Vec<CrmRecord> {
    let ids = rows.iter().filter_map(|row| row.get::<_, &str>("id").parse().ok());
    ids.map(|id| CrmRecord { module, id }).collect()
}

/// Changes before that second are read and have their tasks.
pub async fn read_changes(tx: &Transaction<'_>, module: CrmModule, before: DateTime<Utc>) -> Result<(), Error> {
    tx.rows(&READ_CHANGES, [&module.as_str(), &before]).await?;
    Ok(())
}

static READ_CHANGES: Statement<2> = Statement::new(
    concat!("update zoho_cursors set modified_to = greatest(modified_to, ", at_most!(), ") where module = $1"),
    [Type::TEXT, Type::TIMESTAMPTZ],
);

/// Deletions before that second are read and have their tasks.
pub async fn read_deletions(tx: &Transaction<'_>, module: CrmModule, before: DateTime<Utc>) -> Result<(), Error> {
    tx.rows(&READ_DELETIONS, [&module.as_str(), &before]).await?;
    Ok(())
}

/// Whatever was deleted until now has its task.
pub async fn read_all_deletions(tx: &Transaction<'_>, module: CrmModule) -> Result<(), Error> {
    tx.rows(&READ_DELETIONS, [&module.as_str(), &DateTime::<Utc>::MAX_UTC]).await?;
    Ok(())
}

static READ_DELETIONS: Statement<2> = Statement::new(
    concat!("update zoho_cursors set deleted_to = greatest(deleted_to, ", at_most!(), ") where module = $1"),
    [Type::TEXT, Type::TIMESTAMPTZ],
);

/// Everything that was there to be read is read.
pub async fn finish(session: &impl Session, module: CrmModule) -> Result<(), Error> {
    session.rows(&FINISH, [&module.as_str()]).await?;
    Ok(())
}

static FINISH: Statement<1> = Statement::new("update zoho_cursors set ran_at = now() where module = $1", [Type::TEXT]);
