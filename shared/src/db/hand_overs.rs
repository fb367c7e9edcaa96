//! `hand_overs`: organisations whose login is to become another person's.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;

use super::Transaction;
use super::organizations;
use super::session::{Session, violated_constraint};
use super::statement::{Hot, Statement};
use super::users::{self, User};
use crate::domain::{Email, PersonName, Subject, UserId};
use crate::error::Error;

/// To ask for a hand-over.
pub static HOT: Hot = &[&organizations::EXISTS, &TAKEN, &ASK];

/// To look for one at the sign-up of an organisation.
pub static HOT_SIGN_UP: Hot = &[&TAKE];

/// The next verified identity with this address that signs up as an organisation becomes the login of this one. Returns until
/// when; what was asked before is replaced.
///
/// # Errors
/// `unknown-organization` (404); `email-taken` (409): another user has this address.
pub async fn ask(tx: &Transaction<'_>, organization: UserId, email: &Email) -> Result<DateTime<Utc>, Error> {
    if tx.row(&TAKEN, [&email.as_str(), &organization.0]).await?.is_some() {
        return Err(Error::Conflict {
            code: "email-taken",
            detail: "Another account has this e-mail address. Name one that has no account here yet.",
        });
    }
    let row = tx.row(&ASK, [&organization.0, &email.as_str()]).await?.ok_or_else(organizations::unknown)?;
    Ok(row.get("until"))
}

static TAKEN: Statement<2> =
    Statement::new("select from users where lower(email) = lower($1) and id <> $2", [Type::TEXT, Type::UUID]);

static ASK: Statement<2> = Statement::new(
    "insert into hand_overs (organization_id, email)
     select user_id, $2 from profiles_organizations where user_id = $1
     on conflict (organization_id) do update set email = excluded.email, asked_at = now()
     returning asked_at + interval '14 days' as until",
    [Type::UUID, Type::TEXT],
);

/// The organisation that was handed over to this address, as of now with this login and these names. `None`:
/// nothing was handed over to the address.
///
/// # Errors
/// `email-taken` (409): another user has got the address meanwhile.
pub async fn take(
    tx: &Transaction<'_>,
    subject: &Subject,
    email: &Email,
    [first_name, last_name]: [&PersonName; 2],
) -> Result<Option<User>, Error> {
    let Some(row) = tx.row(&TAKE, [&email.as_str()]).await? else { return Ok(None) };
    let organization = UserId(row.get("organization_id"));
    users::change_email(tx, organization, email).await?;
    let names = [&organization.0 as _, &subject.as_str() as _, &first_name.as_str() as _, &last_name.as_str() as _];
    match tx.row(&GIVE, names).await {
        Ok(Some(row)) => users::from_row(&row).map(Some),
        Ok(None) => Err(Error::internal("an organisation has gone", "while it was handed over")),
        // The identity has become a user at the same moment.
        Err(error) if violated_constraint(&error) == Some("users_auth_provider_id_key") => Err(users::role_is_fixed()),
        Err(error) => Err(error.into()),
    }
}

// The first one takes it away, and the next one finds nothing.
static TAKE: Statement<1> = Statement::new(
    "delete from hand_overs
     where organization_id = (
         select organization_id from hand_overs
         where lower(email) = lower($1) and asked_at > now() - interval '14 days'
         order by asked_at desc
         limit 1
         for update
     )
     returning organization_id",
    [Type::TEXT],
);

static GIVE: Statement<4> = Statement::new(
    "with named as (
         update profiles_organizations set first_name = $3, last_name = $4 where user_id = $1
     )
     update users set auth_provider_id = $2 where id = $1
     returning id, email, role::text as role, created_at, zoho_contact_id is not null as zoho_linked",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT],
);
