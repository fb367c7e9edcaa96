//! `users.zoho_contact_id`, `profiles_organizations.zoho_account_id` and `zoho_links`: which record is whose, and on what
//! both sides last agreed.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::column::{invalid, stored_json};
use super::session::Session;
use super::statement::{Hot, Statement};
use super::zoho_intentions::clearing;
use crate::domain::event::CrmModule;
use crate::domain::record::{Changes, Fields};
use crate::domain::{CrmId, UserId};
use crate::error::Error;

/// To record what a look at records has brought.
pub static HOT: Hot = &[&RECORD_CONTACTS, &RECORD_ACCOUNTS, &LOOKED_AT];

/// What a user and one of her records in the CRM have to do with each other.
#[derive(Debug)]
pub struct Link {
    pub standing: Standing,
    /// The record on which both sides last agreed is gone; she may have another one by now.
    pub gone: bool,
    /// On what both sides last agreed; empty if they never did.
    pub base: Fields,
    /// What we have set out to write and may have arrived, or may yet.
    pub sent: Vec<Sent>,
    /// Not before this moment it was looked at last: then whoever did so read what was here.
    pub synced_at: Option<DateTime<Utc>>,
    /// The tags that we have put there, or were about to.
    pub tags: Vec<String>,
    /// When we were last about to put some there.
    pub tags_set_out_at: Option<DateTime<Utc>>,
    /// Zoho's time of the record when both sides agreed.
    pub modified_at: Option<DateTime<Utc>>,
    /// Counts what was recorded; 0: nothing yet.
    pub version: i64,
    pub corrections: Corrections,
}

/// Something that we have set out to write on a record: an entry of `zoho_links.sent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The lease under which it was.
    pub by: Uuid,
    /// When, in milliseconds of the epoch.
    pub at: i64,
    pub changes: Changes,
}

/// Whether she has a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Never,
    Linked(CrmId),
    /// It was deleted over there, or merged into another one.
    Gone,
}

/// How often within an hour our word had to go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    pub times: u32,
    /// When the hour is over.
    pub ends_in: Duration,
}

impl Link {
    pub fn record(&self) -> Option<&CrmId> {
        match &self.standing {
            Standing::Linked(record) => Some(record),
            Standing::Never | Standing::Gone => None,
        }
    }

    /// What is our own word, where it stands on a record that was last changed at this moment. What has been looked for
    /// since it was set out, and cannot have arrived so late, is somebody else's.
    pub fn may_have_arrived(&self, changed_at: DateTime<Utc>) -> Vec<&Changes> {
        let looked_at = self.synced_at.map(|at| at.timestamp_millis());
        let is_settled = |sent: &&Sent| {
            looked_at > Some(sent.at) && changed_at.timestamp_millis() > sent.at.saturating_add(MAY_ARRIVE_FOR)
        };
        self.sent.iter().filter(|sent| !is_settled(sent)).map(|sent| &sent.changes).collect()
    }

    /// The tags that may arrive after this moment although nobody has seen them then: some are on their way, and which of
    /// them is not known.
    pub fn tags_on_their_way(&self, seen_at: DateTime<Utc>) -> &[String] {
        let longest = TimeDelta::milliseconds(MAY_ARRIVE_FOR);
        if self.tags_set_out_at.is_some_and(|set_out_at| seen_at < set_out_at + longest) { &self.tags } else { &[] }
    }

    /// The columns that begin with this prefix.
    pub(super) fn of_row(row: &Row, prefix: &str) -> Result<Self, Error> {
        let column = |name: &str| format!("{prefix}_{name}");
        let record = row.get::<_, Option<&str>>(&*column("id")).map(str::parse::<CrmId>).transpose();
        let record = record.map_err(|problem| invalid("zoho_links.record", problem))?;
        let base: Option<Fields> = stored_json(row, &column("base"), "zoho_links.base")?;
        let sent: Option<Vec<Sent>> = stored_json(row, &column("sent"), "zoho_links.sent")?;
        let times: Option<i32> = row.get(&*column("corrections"));
        let ends_in = row.get::<_, Option<f64>>(&*column("corrections_end")).filter(|seconds| *seconds > 0.0);
        let gone = row.get(&*column("gone"));
        Ok(Self {
            gone,
            standing: match record {
                Some(record) => Standing::Linked(record),
                None if gone => Standing::Gone,
                None => Standing::Never,
            },
            base: base.unwrap_or_default(),
            sent: sent.unwrap_or_default(),
            synced_at: row.get(&*column("synced_at")),
            tags: row.get::<_, Option<_>>(&*column("tags")).unwrap_or_default(),
            tags_set_out_at: row.get(&*column("tags_set_out_at")),
            modified_at: row.get(&*column("modified_at")),
            version: row.get::<_, Option<_>>(&*column("version")).unwrap_or_default(),
            corrections: ends_in.map_or(Corrections::default(), |seconds| Corrections {
                times: times.unwrap_or_default().unsigned_abs(),
                ends_in: Duration::from_secs_f64(seconds),
            }),
        })
    }
}

/// What is now known to be so at Zoho for one user.
#[derive(Clone, Debug)]
pub struct Agreed<'a> {
    pub user: UserId,
    /// When what was here was read; the record was, after that.
    pub read_at: DateTime<Utc>,
    pub record: &'a CrmId,
    pub base: &'a Fields,
    pub tags: &'a [String],
    pub modified_at: Option<DateTime<Utc>>,
    /// Our word had to go back, and went.
    pub corrected: bool,
    /// Zoho has said what became of the write, or there was none.
    pub answered: bool,
}

/// So many milliseconds later nothing arrives any more of what was set out to be written: no invocation of Lambda lives longer
/// than a quarter of an hour.
const MAY_ARRIVE_FOR: i64 = 900_000;

/// What was agreed on, of the parameters $2 to $8 and $11.
macro_rules! agreed {
    () => {
        "with agreed as (
             -- one of two people who were answered with the same record: it cannot be both's
             select distinct on (record_id) *
             from unnest($2, $3, $4, $5, $6, $7, $8, $11)
                 as agreed (user_id, record_id, base, tags, modified_at, corrected, answered, read_at)
             order by record_id, user_id
         ),
         "
    };
}

/// Both modules: what is `agreed` goes to the links of those who are `linked`. $1 is the module, $2 to $8 and $11 are the
/// columns of what is agreed, $9 is the lease, $10 the clearing of an address, $12 for how many milliseconds something may
/// still arrive.
macro_rules! keep_agreed {
    () => {
        "insert into zoho_links as link (user_id, module, base, tags, modified_at, synced_at, corrections, corrected_at)
         select user_id, $1, base, array(select jsonb_array_elements_text(tags)), modified_at, read_at,
             corrected::int, case when corrected then now() end
         from agreed join linked using (user_id)
         order by user_id
         on conflict (user_id, module) do update set
             base = excluded.base,
             sent = (
                 select jsonb_agg(one)
                 from jsonb_array_elements(link.sent) as one
                 where (one ->> 'at')::bigint > extract(epoch from excluded.synced_at) * 1000 - $12
                   and not (
                       (one ->> 'by')::uuid = $9
                       -- what has become of that is told apart
                       and one -> 'changes' <> $10
                       and (select answered from agreed where agreed.user_id = link.user_id)
                   )
             ),
             tags = excluded.tags,
             modified_at = excluded.modified_at,
             gone_at = null,
             synced_at = excluded.synced_at,
             version = link.version + 1,
             corrections = case
                 when excluded.corrections = 0 then link.corrections
                 when link.corrected_at > now() - interval '1 hour' then link.corrections + 1
                 else 1
             end,
             corrected_at = coalesce(excluded.corrected_at, link.corrected_at)
         returning user_id"
    };
}

/// Records what is known under this lease of records of one module, and returns those users for whom that was refused,
/// because they have another record or theirs is another user's here: an existing link is never overwritten.
pub async fn record(
    tx: &Transaction<'_>,
    module: CrmModule,
    lease: Uuid,
    agreed: &[Agreed<'_>],
) -> Result<HashSet<UserId>, Error> {
    if agreed.is_empty() {
        return Ok(HashSet::new());
    }
    let users: Vec<Uuid> = agreed.iter().map(|one| one.user.0).collect();
    let records: Vec<&str> = agreed.iter().map(|one| one.record.as_str()).collect();
    let bases: Vec<Json<&Fields>> = agreed.iter().map(|one| Json(one.base)).collect();
    // An array of arrays must be rectangular, so each list of tags travels as JSON.
    let tags: Vec<Json<&[String]>> = agreed.iter().map(|one| Json(one.tags)).collect();
    let modified: Vec<Option<DateTime<Utc>>> = agreed.iter().map(|one| one.modified_at).collect();
    let corrected: Vec<bool> = agreed.iter().map(|one| one.corrected).collect();
    let answered: Vec<bool> = agreed.iter().map(|one| one.answered).collect();
    let read: Vec<DateTime<Utc>> = agreed.iter().map(|one| one.read_at).collect();
    let record = match module {
        CrmModule::Contacts => &RECORD_CONTACTS,
        CrmModule::Accounts => &RECORD_ACCOUNTS,
    };
    let rows = tx
        .rows(
            record,
            [
                &module.as_str(),
                &users,
                &records,
                &bases,
                &tags,
                &modified,
                &corrected,
                &answered,
                &lease,
                &clearing(),
                &read,
                &MAY_ARRIVE_FOR,
            ],
        )
        .await?;
    let recorded: HashSet<UserId> = rows.iter().map(|row| UserId(row.get("user_id"))).collect();
    Ok(agreed.iter().map(|one| one.user).filter(|user| !recorded.contains(user)).collect())
}

static RECORD_CONTACTS: Statement<12> = Statement::new(
    concat!(
        agreed!(),
        "made as (
             update users as mine set zoho_contact_id = agreed.record_id
             from agreed
             where mine.id = agreed.user_id and mine.zoho_contact_id is null
               and not exists (
                   select from users as other
                   where other.zoho_contact_id = agreed.record_id and other.id <> agreed.user_id
               )
             returning mine.id as user_id
         ),
         linked as (
             select user_id from made
             union all
             select agreed.user_id
             from agreed join users as mine on mine.id = agreed.user_id
             where mine.zoho_contact_id = agreed.record_id
         )
         ",
        keep_agreed!(),
    ),
    RECORD_TYPES,
);

static RECORD_ACCOUNTS: Statement<12> = Statement::new(
    concat!(
        agreed!(),
        "made as (
             update profiles_organizations as mine set zoho_account_id = agreed.record_id
             from agreed
             where mine.user_id = agreed.user_id and mine.zoho_account_id is null
               and not exists (
                   select from profiles_organizations as other
                   where other.zoho_account_id = agreed.record_id and other.user_id <> agreed.user_id
               )
             returning mine.user_id as user_id
         ),
         linked as (
             select user_id from made
             union all
             select agreed.user_id
             from agreed join profiles_organizations as mine on mine.user_id = agreed.user_id
             where mine.zoho_account_id = agreed.record_id
         )
         ",
        keep_agreed!(),
    ),
    RECORD_TYPES,
);

/// Of $1 to $12.
const RECORD_TYPES: [Type; 12] = [
    Type::TEXT,
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
    Type::JSONB_ARRAY,
    Type::JSONB_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::BOOL_ARRAY,
    Type::BOOL_ARRAY,
    Type::UUID,
    Type::JSONB,
    Type::TIMESTAMPTZ_ARRAY,
    Type::INT8,
];

/// Takes note that these users' records were looked at, after they themselves were read at that moment, and nothing had to
/// be recorded.
pub async fn looked_at(
    tx: &Transaction<'_>,
    module: CrmModule,
    users: &[(UserId, DateTime<Utc>)],
) -> Result<(), Error> {
    let (users, read): (Vec<Uuid>, Vec<DateTime<Utc>>) = users.iter().map(|(user, read_at)| (user.0, *read_at)).unzip();
    tx.rows(&LOOKED_AT, [&users, &read, &module.as_str()]).await?;
    Ok(())
}

static LOOKED_AT: Statement<3> = Statement::new(
    "update zoho_links set synced_at = read_at
     from unnest($1, $2) as looked (id, read_at)
     where user_id = id and module = $3",
    [Type::UUID_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::TEXT],
);

/// Counts that what sales had to say of these users' addresses was put right.
pub async fn count_corrections(tx: &Transaction<'_>, users: &[Uuid]) -> Result<(), Error> {
    tx.rows(&COUNT_CORRECTIONS, [&users]).await?;
    Ok(())
}

static COUNT_CORRECTIONS: Statement<1> = Statement::new(
    "update zoho_links set
         corrections = case when corrected_at > now() - interval '1 hour' then corrections + 1 else 1 end,
         corrected_at = now()
     where user_id = any ($1) and module = 'Contacts'",
    [Type::UUID_ARRAY],
);

/// Unlinks what was deleted over there, or merged. What both sides had agreed on is kept: the record may come back.
pub async fn unlink(tx: &Transaction<'_>, module: CrmModule, users: &[Uuid]) -> Result<(), Error> {
    let unlink = match module {
        CrmModule::Contacts => &UNLINK_CONTACTS,
        CrmModule::Accounts => &UNLINK_ACCOUNTS,
    };
    tx.rows(unlink, [&users, &module.as_str()]).await?;
    Ok(())
}

static UNLINK_CONTACTS: Statement<2> = Statement::new(
    "with gone as (
         update users set zoho_contact_id = null where id = any ($1) and zoho_contact_id is not null returning id
     )
     insert into zoho_links as link (user_id, module, base, gone_at)
     select id, $2, '{}', now() from gone
     on conflict (user_id, module) do update set
         gone_at = now(), version = link.version + 1",
    [Type::UUID_ARRAY, Type::TEXT],
);

static UNLINK_ACCOUNTS: Statement<2> = Statement::new(
    "with gone as (
         update profiles_organizations set zoho_account_id = null
         where user_id = any ($1) and zoho_account_id is not null
         returning user_id
     )
     insert into zoho_links as link (user_id, module, base, gone_at)
     select user_id, $2, '{}', now() from gone
     on conflict (user_id, module) do update set
         gone_at = now(), version = link.version + 1",
    [Type::UUID_ARRAY, Type::TEXT],
);

/// Takes note that the address of these users' Contacts was cleared, to make way for others' who have it by now.
pub async fn forget_addresses(tx: &Transaction<'_>, users: &[Uuid]) -> Result<(), Error> {
    tx.rows(&FORGET_ADDRESSES, [&users]).await?;
    Ok(())
}

static FORGET_ADDRESSES: Statement<1> = Statement::new(
    "update zoho_links set base = base - 'email', version = version + 1
     where user_id = any ($1) and module = 'Contacts'",
    [Type::UUID_ARRAY],
);
