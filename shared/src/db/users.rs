//! `users`: who can log in.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::stored;
use super::referrals;
use super::session::{Session, violated_constraint};
use super::statement::{Hot, Statement};

use crate::domain::access::{Caller, Refusal};
use crate::domain::event::EmailHash;
use crate::domain::{CrmId, Email, Role, Subject, UserId};
use crate::error::Error;

/// To find the user of an identity.
pub static HOT: Hot = &[&BY_SUBJECT, &LOCK_BY_SUBJECT];

/// To keep users as they are while their records are written.
pub static HOT_SYNC: Hot = &[&LOCK_ALL];

/// To take over another address.
pub static HOT_EMAIL: Hot = &[&CHANGE_EMAIL, &referrals::KEEP_CREDITED];

/// To make a user.
pub static HOT_SIGN_UP: Hot = &[&INSERT];

/// A user as the API shows her to herself.
#[derive(Debug, Serialize)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    /// Whether the CRM has a Contact of the user.
    pub zoho_linked: bool,
}

/// Makes the user, unless her identity or her address has one already (`None`). Waits for a registration of
/// the same person that is under way.
pub async fn insert(
    tx: &Transaction<'_>,
    id: UserId,
    email: &Email,
    subject: &Subject,
    role: Role,
) -> Result<Option<User>, Error> {
    let row = tx.row(&INSERT, [&id.0, &email.as_str(), &subject.as_str(), &role.as_str()]).await?;
    row.map(|row| from_row(&row)).transpose()
}

// Without a conflict target: both unique keys are arbiters, so a race ends in "nothing" and not in an error.
static INSERT: Statement<4> = Statement::new(
    "insert into users (id, email, auth_provider_id, role)
     values ($1, $2, $3, $4::text::user_role)
     on conflict do nothing
     returning id, email, role::text as role, created_at, zoho_contact_id is not null as zoho_linked",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT],
);

/// The user of an identity.
pub async fn by_subject(session: &impl Session, subject: &Subject) -> Result<Option<User>, Error> {
    let row = session.row(&BY_SUBJECT, [&subject.as_str()]).await?;
    row.map(|row| from_row(&row)).transpose()
}

static BY_SUBJECT: Statement<1> = Statement::new(
    "select id, email, role::text as role, created_at, zoho_contact_id is not null as zoho_linked
     from users where auth_provider_id = $1",
    [Type::TEXT],
);

static LOCK_BY_SUBJECT: Statement<1> = Statement::new(
    "select id, email, role::text as role, created_at, zoho_contact_id is not null as zoho_linked
     from users where auth_provider_id = $1
     for update",
    [Type::TEXT],
);

/// The user who calls, of a role that may.
///
/// # Errors
/// `not-registered` (404); 403 with the code of the function's row in the table of access.
pub async fn caller(session: &impl Session, caller: &Caller) -> Result<User, Error> {
    allowed(caller, by_subject(session, &caller.subject).await?)
}

/// The same user, locked until the transaction ends.
///
/// # Errors
/// Those of [`caller`].
pub async fn lock_caller(tx: &Transaction<'_>, caller: &Caller) -> Result<User, Error> {
    let row = tx.row(&LOCK_BY_SUBJECT, [&caller.subject.as_str()]).await?;
    allowed(caller, row.map(|row| from_row(&row)).transpose()?)
}

pub(super) fn allowed(caller: &Caller, user: Option<User>) -> Result<User, Error> {
    let user = user.ok_or_else(not_registered)?;
    insist_on_role(caller, user.role)?;
    Ok(user)
}

/// For a statement that reads the user beside what was asked for.
///
/// # Errors
/// 403 with the code of the function's row in the table of access.
pub(super) fn insist_on_role(caller: &Caller, role: Role) -> Result<(), Error> {
    match caller.access.of_role(role) {
        Ok(_) => Ok(()),
        Err(Refusal { code, detail }) => Err(Error::Forbidden { code, detail }),
    }
}

/// The user with this address, by its hash.
pub async fn by_email_hash(session: &impl Session, hash: &EmailHash) -> Result<Option<UserId>, Error> {
    let row = session.row(&BY_EMAIL_HASH, [&hash.as_bytes().as_slice()]).await?;
    Ok(row.map(|row| UserId(row.get("id"))))
}

static BY_EMAIL_HASH: Statement<1> =
    Statement::new("select id from users where email_sha256(email) = $1", [Type::BYTEA]);

/// Keeps the user as she is until the transaction ends. Returns whether she exists.
pub async fn lock(tx: &Transaction<'_>, id: UserId) -> Result<bool, Error> {
    Ok(tx.row(&LOCK, [&id.0]).await?.is_some())
}

static LOCK: Statement<1> = Statement::new("select id from users where id = $1 for update", [Type::UUID]);

/// The same for many, in their order.
pub async fn lock_all(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<(), Error> {
    tx.rows(&LOCK_ALL, [&ids]).await?;
    Ok(())
}

static LOCK_ALL: Statement<1> =
    Statement::new("select from users where id = any ($1) order by id for no key update", [Type::UUID_ARRAY]);

/// Links the user's Contact in the CRM. Returns whether it is linked now: a different link is never overwritten,
/// neither hers nor that of somebody who has this Contact.
///
/// # Errors
/// `linked-otherwise` when another user was linked to this Contact at the same instant; the transaction is lost then.
pub async fn link_contact(tx: &Transaction<'_>, id: UserId, contact: &CrmId) -> Result<bool, Error> {
    let linked = tx.row(&LINK_CONTACT, [&id.0, &contact.as_str()]).await;
    match linked {
        Ok(row) => Ok(row.is_some()),
        Err(error) if violated_constraint(&error) == Some("users_zoho_contact_id_key") => Err(linked_otherwise()),
        Err(error) => Err(error.into()),
    }
}

static LINK_CONTACT: Statement<2> = Statement::new(
    "update users set zoho_contact_id = $2
     where id = $1
       and coalesce(zoho_contact_id, $2) = $2
       and not exists (select from users as other where other.zoho_contact_id = $2 and other.id <> $1)
     returning id",
    [Type::UUID, Type::TEXT],
);

/// Takes over an address that the identity provider has verified anew. The former one stays known by its hash until the
/// user goes.
///
/// # Errors
/// `email-taken` when another user has it.
pub async fn change_email(tx: &Transaction<'_>, id: UserId, email: &Email) -> Result<(), Error> {
    let changed = tx.rows(&CHANGE_EMAIL, [&id.0, &email.as_str()]).await;
    match changed {
        Ok(_) => referrals::keep_credited(tx, id, email).await,
        Err(error) if violated_constraint(&error) == Some("users_email_key") => Err(email_taken()),
        Err(error) => Err(error.into()),
    }
}

static CHANGE_EMAIL: Statement<2> = Statement::new(
    "with former as (
         insert into former_emails (user_id, email_sha256)
         select id, email_sha256(email) from users where id = $1
         on conflict do nothing
     )
     update users set email = $2 where id = $1",
    [Type::UUID, Type::TEXT],
);

/// The addresses that the user had before, by their hashes; not those that another user has by now, whose orders they name.
pub async fn former_emails(session: &impl Session, id: UserId) -> Result<Vec<EmailHash>, Error> {
    let rows = session.rows(&FORMER_EMAILS, [&id.0]).await?;
    rows.iter().map(|row| stored(row, "hash")).collect()
}

pub(super) static FORMER_EMAILS: Statement<1> = Statement::new(
    "select encode(email_sha256, 'hex') as hash
     from former_emails
     where user_id = $1
       and not exists (
           select from users where email_sha256(users.email) = former_emails.email_sha256 and users.id <> $1
       )
     order by former_emails.email_sha256",
    [Type::UUID],
);

/// For an identity without a user.
pub fn not_registered() -> Error {
    Error::NotFound {
        code: "not-registered",
        detail: "This identity has not registered yet: send POST /api/users first.",
    }
}

/// The same address under another identity: refused, never linked, since whoever controls an identity
/// provider's account would otherwise get into somebody else's.
pub fn email_taken() -> Error {
    Error::Conflict {
        code: "email-taken",
        detail: "An account with this e-mail address exists already. Sign in the way you did when you made it.",
    }
}

/// For an identity that is a user already, with another role than the one that it asks for.
pub fn role_is_fixed() -> Error {
    Error::Conflict {
        code: "role-is-fixed",
        detail: "This account exists with another role. Use another sign-in for the other role.",
    }
}

/// A link between a user and a Contact that is not the one that is there.
pub fn linked_otherwise() -> Error {
    Error::Conflict {
        code: "linked-otherwise",
        detail: "This user has another Contact already, or this Contact another user. A link is never overwritten: find out which one is right, and correct the other in the CRM.",
    }
}

pub(super) fn from_row(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: UserId(row.get("id")),
        email: stored(row, "email")?,
        role: stored(row, "role")?,
        created_at: row.get("created_at"),
        zoho_linked: row.get("zoho_linked"),
    })
}
