//! `referral_ledger`: what photographers have earned by bringing people in.

use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use crate::domain::{TypedCode, UserId};
use crate::error::Error;

/// What became of the code that somebody signed up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Referral {
    Credited,
    UnknownCode,
    None,
}

/// Credits the sign-up to the photographer whose code it is, once per recruited user.
pub async fn credit_sign_up(
    tx: &Transaction<'_>,
    id: Uuid,
    user: UserId,
    code: Option<&TypedCode>,
) -> Result<Referral, Error> {
    let Some(code) = code else { return Ok(Referral::None) };
    let credited = tx
        .row(
            "insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
             select $1, user_id, $2, 'Sign_Up', 'isoxp', $2::text
             from profiles_photographers
             where upper(referral_code) = upper($3)
             on conflict (source, external_ref) do nothing
             returning id",
            &[(&id, Type::UUID), (&user.0, Type::UUID), (&code.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(if credited.is_some() { Referral::Credited } else { Referral::UnknownCode })
}

/// What became of the code of a user who has registered before.
pub async fn of_sign_up(session: &impl Session, user: UserId) -> Result<Referral, Error> {
    let row = session
        .row(
            "select
                 exists (select from referral_ledger where referred_user_id = $1 and action_type = 'Sign_Up') as credited,
                 coalesce(
                     (select referred_by_code from profiles_parents where user_id = $1),
                     (select referred_by_code from profiles_organizations where user_id = $1)
                 ) is not null as has_code",
            &[(&user.0, Type::UUID)],
        )
        .await?;
    Ok(match row.map(|row| (row.get("credited"), row.get("has_code"))) {
        Some((true, _)) => Referral::Credited,
        Some((false, true)) => Referral::UnknownCode,
        _ => Referral::None,
    })
}
