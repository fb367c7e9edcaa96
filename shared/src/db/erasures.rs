//! Deleting a user: what hinders it, what goes with her, and `erasures`, what is still to be deleted in the CRM.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::column::{Loaded, each, stored_optional};
use super::session::Session;
use super::statement::{Hot, Statement};
use super::{Transaction, inbox, users, webhook_deliveries};
use crate::domain::erasure::Hindrance;
use crate::domain::{CrmId, UserId};
use crate::error::Error;

/// To delete a user, beside [`users::HOT`] and [`inbox::HOT`].
pub static HOT: Hot = &[
    &users::FORMER_EMAILS,
    &LOCK_PROFILE,
    &HINDRANCES,
    &webhook_deliveries::FAILED_OF_USER,
    &inbox::FORGET,
    &inbox::END_WAITING,
    &ERASE,
];

/// What has to be settled first. Nothing is added to it until the transaction ends.
pub async fn hindrances(tx: &Transaction<'_>, user: UserId) -> Result<Vec<Hindrance>, Error> {
    lock_profile(tx, user).await?;
    let row = tx.row(&HINDRANCES, [&user.0]).await?;
    let known = [
        ("pending_commissions", Hindrance::PendingCommissions),
        ("claimed_jobs", Hindrance::ClaimedJobs),
        ("has_galleries", Hindrance::HasGalleries),
        ("has_jobs", Hindrance::HasJobs),
    ];
    let found = known.into_iter().filter(|(column, _)| row.as_ref().is_some_and(|row| row.get(column)));
    Ok(found.map(|(_, hindrance)| hindrance).collect())
}

static HINDRANCES: Statement<1> = Statement::new(
    "select
         exists (
             select from referral_ledger where photographer_id = $1 and commission_status = 'Pending'
         ) as pending_commissions,
         exists (
             select from assignments where assigned_photographer_id = $1 and job_status <> 'Delivered'
         ) as claimed_jobs,
         exists (select from galleries where organization_id = $1) as has_galleries,
         exists (select from assignments where organization_id = $1) as has_jobs",
    [Type::UUID],
);

/// Galleries, jobs and commissions refer to the profile: with it locked, none is added. In a statement of its own, so
/// that the next one sees what it has waited for.
async fn lock_profile(tx: &Transaction<'_>, user: UserId) -> Result<(), Error> {
    tx.rows(&LOCK_PROFILE, [&user.0]).await?;
    Ok(())
}

static LOCK_PROFILE: Statement<1> = Statement::new(
    "with photographer as materialized (select from profiles_photographers where user_id = $1 for update),
          org as materialized (select from profiles_organizations where user_id = $1 for update)
     select from photographer union all select from org",
    [Type::UUID],
);

/// Deletes the user with all that is hers, and keeps which records in the CRM have to follow.
pub async fn erase(tx: &Transaction<'_>, user: UserId) -> Result<(), Error> {
    tx.rows(&ERASE, [&user.0]).await?;
    Ok(())
}

static ERASE: Statement<1> = Statement::new(
    "with credited as (
         -- also where the sign-up was credited before such rows were written
         insert into sign_up_credits (email_hash)
         select sign_up_credit_sha256(email) from users
         where id = $1
           and exists (select from referral_ledger where referred_user_id = $1 and action_type = 'Sign_Up')
         on conflict do nothing
     ),
     erased as (delete from users where id = $1 returning id, zoho_contact_id)
     insert into erasures (user_id, zoho_contact_id, zoho_account_id)
     select erased.id, erased.zoho_contact_id, org.zoho_account_id
     from erased left join profiles_organizations as org on org.user_id = erased.id",
    [Type::UUID],
);

/// Somebody who is gone here.
#[derive(Debug)]
pub struct Erasure {
    pub user: UserId,
    /// The Contact that was hers when she went, as far as it was known. An Account is known by the id on it.
    pub contact: Option<CrmId>,
}

/// Those of the users who are still to be erased over there.
pub async fn open(session: &impl Session, users: &[Uuid]) -> Result<Loaded<Erasure>, Error> {
    Ok(erasures(&session.rows(&OPEN, [&users]).await?))
}

static OPEN: Statement<1> = Statement::new(
    "select user_id, zoho_contact_id
     from erasures
     where user_id = any ($1) and erased_at is null
     order by user_id",
    [Type::UUID_ARRAY],
);

/// Those of the users who are gone here, erased over there or not: something of theirs may have come back just before that
/// was noted. What is theirs then has their id on it; the Contact that was theirs may be another one's by now.
pub async fn all(session: &impl Session, users: &[Uuid]) -> Result<Loaded<Erasure>, Error> {
    Ok(erasures(&session.rows(&ALL, [&users]).await?))
}

static ALL: Statement<1> = Statement::new(
    "select user_id, case when erased_at is null then zoho_contact_id end as zoho_contact_id
     from erasures
     where user_id = any ($1)
     order by user_id",
    [Type::UUID_ARRAY],
);

fn erasures(rows: &[Row]) -> Loaded<Erasure> {
    let erasure =
        |row: &Row| Ok(Erasure { user: UserId(row.get("user_id")), contact: stored_optional(row, "zoho_contact_id")? });
    each(rows, "user_id", erasure)
}

/// Something of these users is over there again, restored or made by a late call: those of them who were erased are to be
/// erased once more.
pub async fn reopen(tx: &Transaction<'_>, users: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let rows = tx.rows(&REOPEN, [&users]).await?;
    Ok(rows.iter().map(|row| row.get("user_id")).collect())
}

static REOPEN: Statement<1> = Statement::new(
    "with known as materialized (
         select user_id from erasures where user_id = any ($1) order by user_id for update
     )
     update erasures set erased_at = null from known where erasures.user_id = known.user_id
     returning erasures.user_id",
    [Type::UUID_ARRAY],
);

/// Takes note that nothing of these users is left over there.
pub async fn close(tx: &Transaction<'_>, users: &[Uuid]) -> Result<(), Error> {
    if users.is_empty() {
        return Ok(());
    }
    tx.rows(&CLOSE, [&users]).await?;
    Ok(())
}

static CLOSE: Statement<1> = Statement::new(
    "update erasures set erased_at = now() where user_id = any ($1) and erased_at is null",
    [Type::UUID_ARRAY],
);
