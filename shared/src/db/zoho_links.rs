//! `users.zoho_contact_id` and `zoho_links`: which Contact is whose, and on what both sides last agreed.

use std::collections::HashSet;

use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use crate::domain::UserId;
use crate::domain::record::Fields;
use crate::error::Error;

/// What is now known to be so at Zoho for one user.
#[derive(Clone, Debug)]
pub struct Synced {
    pub user: UserId,
    pub contact_id: String,
    pub base: Fields,
    pub tags: Vec<String>,
}

/// Records all of them and returns those users for whom that was refused, because they have another Contact or
/// theirs is another user's here: an existing link is never overwritten. Who has gone meanwhile is passed over.
pub async fn record(tx: &Transaction<'_>, synced: &[Synced]) -> Result<HashSet<UserId>, Error> {
    if synced.is_empty() {
        return Ok(HashSet::new());
    }
    let users: Vec<Uuid> = synced.iter().map(|one| one.user.0).collect();
    let contacts: Vec<&str> = synced.iter().map(|one| one.contact_id.as_str()).collect();
    let bases: Vec<Json<&Fields>> = synced.iter().map(|one| Json(&one.base)).collect();
    // An array of arrays must be rectangular, so each list of tags travels as JSON.
    let tags: Vec<Json<&Vec<String>>> = synced.iter().map(|one| Json(&one.tags)).collect();
    let rows = tx
        .rows(
            "with synced as (
                 -- one of two people who were answered with the same Contact: it cannot be both's
                 select distinct on (contact_id) *
                 from unnest($1, $2, $3, $4) as synced (user_id, contact_id, base, tags)
                 order by contact_id, user_id
             ),
             linked as (
                 update users set zoho_contact_id = synced.contact_id
                 from synced
                 where users.id = synced.user_id
                   and coalesce(users.zoho_contact_id, synced.contact_id) = synced.contact_id
                   and not exists (
                       select from users as other
                       where other.zoho_contact_id = synced.contact_id and other.id <> synced.user_id
                   )
                 returning users.id
             )
             insert into zoho_links (user_id, module, base, tags)
             select user_id, 'Contacts', base, array(select jsonb_array_elements_text(tags))
             from synced join linked on linked.id = synced.user_id
             on conflict (user_id, module) do update set
                 base = excluded.base,
                 tags = excluded.tags,
                 synced_at = now(),
                 version = zoho_links.version + 1
             returning user_id",
            &[
                (&users, Type::UUID_ARRAY),
                (&contacts, Type::TEXT_ARRAY),
                (&bases, Type::JSONB_ARRAY),
                (&tags, Type::JSONB_ARRAY),
            ],
        )
        .await?;
    let linked: HashSet<Uuid> = rows.iter().map(|row| row.get("user_id")).collect();
    existing(tx, users.into_iter().filter(|user| !linked.contains(user)).collect()).await
}

/// Asked in a statement of its own, which sees deletions that the one before has waited for.
async fn existing(tx: &Transaction<'_>, users: Vec<Uuid>) -> Result<HashSet<UserId>, Error> {
    if users.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = tx.rows("select id from users where id = any ($1)", &[(&users, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(|row| UserId(row.get("id"))).collect())
}
