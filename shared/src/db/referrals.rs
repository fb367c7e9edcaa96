//! `referral_ledger`: what photographers have earned by bringing people in.

use serde::Serialize;
use tokio_postgres::types::Type;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::users::User;
use crate::domain::event::Earning;
use crate::domain::{CodeKey, Email, ReferralId, TypedCode, UserId};
use crate::error::Error;

/// To credit a sign-up.
pub static HOT: Hot = &[&CREDIT_SIGN_UP];

/// What became of the code that a user signed up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Referral {
    Credited,
    UnknownCode,
    /// There was no code, or a sign-up with this e-mail address has been credited before.
    None,
}

/// Credits the sign-up to the photographer whose code it is, once per recruited user and once per e-mail address for ever.
/// `id` becomes the ledger row's.
pub async fn credit_sign_up(
    tx: &Transaction<'_>,
    ReferralId(id): ReferralId,
    user: &User,
    code: Option<&TypedCode>,
) -> Result<Referral, Error> {
    let Some(code) = code else { return Ok(Referral::None) };
    let key = CodeKey::of(code.as_str());
    let row =
        tx.row(&CREDIT_SIGN_UP, [&id, &user.id.0, &key.as_ref().map(CodeKey::as_str), &user.email.as_str()]).await?;
    let said = |column: &str| row.as_ref().is_some_and(|row| row.get(column));
    Ok(if said("credited") {
        Referral::Credited
    } else if said("known") {
        Referral::None
    } else {
        Referral::UnknownCode
    })
}

static CREDIT_SIGN_UP: Statement<4> = Statement::new(
    "with photographer as materialized (
         select user_id from profiles_photographers where code_key(referral_code) = $3
     ),
     first as (
         -- Of two sign-ups at the same moment, before and after a deletion, the second waits here and is none.
         insert into sign_up_credits (email_hash)
         select sign_up_credit_sha256($4) from photographer
         on conflict do nothing
         returning email_hash
     ),
     credited as (
         insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
         select $1, photographer.user_id, $2, 'Sign_Up', 'isoxp', $2::text
         from photographer, first
         on conflict (source, external_ref) do nothing
         returning id
     )
     select exists (select from credited) as credited,
         exists (select from photographer) as known",
    [Type::UUID, Type::UUID, Type::TEXT, Type::TEXT],
);

/// An address that a credited user has taken over is credited to no other sign-up either.
pub(super) async fn keep_credited(tx: &Transaction<'_>, user: UserId, email: &Email) -> Result<(), Error> {
    tx.rows(&KEEP_CREDITED, [&user.0, &email.as_str()]).await?;
    Ok(())
}

pub(super) static KEEP_CREDITED: Statement<2> = Statement::new(
    "insert into sign_up_credits (email_hash)
     select sign_up_credit_sha256($2) from referral_ledger where referred_user_id = $1 and action_type = 'Sign_Up'
     on conflict do nothing",
    [Type::UUID, Type::TEXT],
);

/// Credits what the buyer has ordered and booked to the photographer who brought her in, each order once, whoever
/// reports it how often. Nobody did: there is nobody to credit. Returns the new rows of the ledger.
pub async fn credit(tx: &Transaction<'_>, buyer: UserId, earnings: &[Earning]) -> Result<Vec<ReferralId>, Error> {
    if earnings.is_empty() {
        return Ok(Vec::new());
    }
    let actions: Vec<&str> = earnings.iter().map(|earning| earning.action.as_str()).collect();
    let sources: Vec<&str> = earnings.iter().map(|earning| earning.source.as_str()).collect();
    let references: Vec<&str> = earnings.iter().map(|earning| earning.external_ref.as_str()).collect();
    let rows = tx.rows(&CREDIT, [&buyer.0, &actions, &sources, &references]).await?;
    Ok(rows.iter().map(|row| ReferralId(row.get("id"))).collect())
}

static CREDIT: Statement<4> = Statement::new(
    "insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
     select new_uuid_v7(), sign_up.photographer_id, $1, earning.action::referral_action, earning.source,
         earning.external_ref
     from unnest($2, $3, $4) as earning (action, source, external_ref)
     join referral_ledger as sign_up
         on sign_up.referred_user_id = $1 and sign_up.action_type = 'Sign_Up'
         and sign_up.photographer_id is not null
     -- everybody in the same order, so that two requests about the same orders wait for each other
     order by earning.source, earning.external_ref
     on conflict (source, external_ref) do nothing
     returning id",
    [Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// Whether a photographer has been credited for the user's sign-up.
pub async fn is_credited(session: &impl Session, user: UserId) -> Result<bool, Error> {
    let row = session.row(&IS_CREDITED, [&user.0]).await?;
    Ok(row.is_some())
}

static IS_CREDITED: Statement<1> =
    Statement::new("select from referral_ledger where referred_user_id = $1 and action_type = 'Sign_Up'", [Type::UUID]);

/// What became of the code of a user who has registered before.
pub async fn of_sign_up(session: &impl Session, user: &User) -> Result<Referral, Error> {
    let row = session.row(&OF_SIGN_UP, [&user.id.0, &user.email.as_str()]).await?;
    Ok(match row.map(|row| (row.get("credited"), row.get("is_unknown"))) {
        Some((true, _)) => Referral::Credited,
        Some((false, true)) => Referral::UnknownCode,
        _ => Referral::None,
    })
}

static OF_SIGN_UP: Statement<2> = Statement::new(
    "select
         exists (select from referral_ledger where referred_user_id = $1 and action_type = 'Sign_Up') as credited,
         coalesce(
             (select referred_by_code from profiles_parents where user_id = $1),
             (select referred_by_code from profiles_organizations where user_id = $1)
         ) is not null
         and not exists (select from sign_up_credits where email_hash = sign_up_credit_sha256($2)) as is_unknown",
    [Type::UUID, Type::TEXT],
);
