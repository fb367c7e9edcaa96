//! Join codes as users type them, and `wrong_join_codes`: how many of them no organisation had, so that nobody finds a
//! roster by trying.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::Transaction;
use super::rosters::{self, Joinable};
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::code::IdentityHash;
use crate::domain::{CodeKey, Subject, TypedCode};
use crate::error::Error;

/// To look up codes; to count a wrong one is not usual.
pub static HOT: Hot = &[&WAIT, &rosters::KNOWN_CODES, &rosters::ORGANIZATION_BY_CODE];

/// So many wrong codes of one identity in an hour are looked up, and no more.
const MOST_WRONG: i64 = 10;

/// For a code that no organisation has.
pub fn unknown() -> Error {
    Error::NotFound {
        code: "unknown-join-code",
        detail: "No organisation has this join code. Ask the organisation for it and type it again.",
    }
}

/// The organisation that has this code. `None` has been counted: commit the transaction, although the request fails. Lock
/// the user first ([`super::users::lock_caller`]), so that requests at the same moment are counted one after the
/// other.
///
/// # Errors
/// `too-many-wrong-codes` (429): the code was not looked up, right or wrong.
pub async fn find(tx: &Transaction<'_>, subject: &Subject, code: &CodeKey) -> Result<Option<Joinable>, Error> {
    let identity = IdentityHash::of(subject);
    insist_on_few_wrong(tx, &identity).await?;
    let organization = rosters::organization_by_code(tx, code).await?;
    if organization.is_none() {
        count(tx, &identity, 1).await?;
    }
    Ok(organization)
}

/// Codes that were typed at a sign-up, which is never refused for them.
#[derive(Debug, Default)]
pub struct Sorted {
    pub known: Vec<CodeKey>,
    /// As they were typed, in their order.
    pub unknown: Vec<String>,
}

/// Looks up several codes at once. Those that no organisation has have been counted: commit the transaction, although the
/// request fails. Lock the user first, as for [`find`].
///
/// # Errors
/// `too-many-wrong-codes` (429): no code was looked up, right or wrong.
pub async fn find_all(tx: &Transaction<'_>, subject: &Subject, codes: &[TypedCode]) -> Result<Found, Error> {
    if codes.is_empty() {
        return Ok(Found::default());
    }
    let identity = IdentityHash::of(subject);
    insist_on_few_wrong(tx, &identity).await?;
    let keys: Vec<Option<CodeKey>> = codes.iter().map(|code| CodeKey::of(code.as_str())).collect();
    let typed: Vec<CodeKey> = keys.iter().flatten().cloned().collect();
    let known = rosters::known_codes(tx, &typed).await?;
    let is_unknown = |key: &Option<CodeKey>| key.as_ref().is_none_or(|key| !known.contains(key));
    let unknown: Vec<usize> =
        keys.iter().enumerate().filter(|(_, key)| is_unknown(key)).map(|(index, _)| index).collect();
    count(tx, &identity, unknown.len()).await?;
    Ok(Found { known, unknown })
}

/// What became of several codes.
#[derive(Debug, Default)]
pub struct Found {
    pub known: Vec<CodeKey>,
    /// The places of the others in the list.
    pub unknown: Vec<usize>,
}

async fn insist_on_few_wrong(session: &impl Session, identity: &IdentityHash) -> Result<(), Error> {
    match wait(session, identity).await? {
        None => Ok(()),
        Some(retry_after) => Err(Error::TooMany {
            code: "too-many-wrong-codes",
            detail: "Too many join codes of the last hour were wrong. Ask the organisation for its code, and try again later.",
            retry_after,
        }),
    }
}

/// Tells the codes that organisations have from the others, and counts these. Once an identity has typed too many wrong
/// ones, none is looked up and all count as unknown.
pub async fn sort(tx: &Transaction<'_>, subject: &Subject, codes: &[TypedCode]) -> Result<Sorted, Error> {
    let typed: Vec<&str> = codes.iter().map(TypedCode::as_str).filter(|code| !code.is_empty()).collect();
    if typed.is_empty() {
        return Ok(Sorted::default());
    }
    let identity = IdentityHash::of(subject);
    let known = if wait(tx, &identity).await?.is_some() {
        Vec::new()
    } else {
        let keys: Vec<CodeKey> = typed.iter().filter_map(|code| CodeKey::of(code)).collect();
        rosters::known_codes(tx, &keys).await?
    };
    let is_known = |code: &str| CodeKey::of(code).is_some_and(|key| known.contains(&key));
    let unknown: Vec<String> = typed.into_iter().filter(|code| !is_known(code)).map(str::to_owned).collect();
    count(tx, &identity, unknown.len()).await?;
    Ok(Sorted { known, unknown })
}

/// How long it is until another code may be tried; `None`: at once.
async fn wait(session: &impl Session, identity: &IdentityHash) -> Result<Option<Duration>, Error> {
    let row = session.row(&WAIT, [&identity.as_bytes().as_slice(), &MOST_WRONG]).await?;
    Ok(row.map(|row| Duration::from_secs_f64(row.get::<_, f64>("seconds").max(0.0))))
}

static WAIT: Statement<2> = Statement::new(
    "select extract(epoch from tried_at + interval '1 hour' - now())::float8 as seconds
     from wrong_join_codes
     where identity_sha256 = $1 and tried_at > now() - interval '1 hour'
     order by tried_at desc
     offset $2 - 1
     limit 1",
    [Type::BYTEA, Type::INT8],
);

async fn count(tx: &Transaction<'_>, identity: &IdentityHash, wrong: usize) -> Result<(), Error> {
    let wrong = i32::try_from(wrong).unwrap_or(i32::MAX);
    if wrong == 0 {
        return Ok(());
    }
    tx.rows(&COUNT, [&identity.as_bytes().as_slice(), &wrong]).await?;
    Ok(())
}

static COUNT: Statement<2> = Statement::new(
    "insert into wrong_join_codes (identity_sha256) select $1 from generate_series(1, $2)",
    [Type::BYTEA, Type::INT4],
);
