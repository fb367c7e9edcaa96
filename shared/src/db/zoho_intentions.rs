//! What we set out to do on records of the CRM, written down in `zoho_links` before it is done: should nobody come to record
//! it, it is known as ours all the same.
//!
//! Several workers may work on one person, her own task's and those of her records, and a call may arrive long after
//! nobody waits for it any more. So each entry of `zoho_links.sent` belongs to the lease under which it was set out:
//!
//! - Where one of them stands over there, it is our own word and nobody's edit (`domain::merge`).
//! - It is dropped once Zoho has said to the same lease what became of it, or, by whoever records a look at the record,
//!   when it is too old to arrive ([`zoho_links::record`](super::zoho_links::record)). If nobody looks so late, it no
//!   longer counts for what is changed after that ([`Link::may_have_arrived`]). The same set out once more takes its
//!   place. A record that is gone may come back with it.
//! - Nobody sets out to write, and nobody records, what was read before somebody else set out to write: [`intend`], and
//!   `Fate::of` in `sync`.

use std::collections::HashSet;

use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::zoho_links::{Link, Sent};
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::domain::record::{Changes, Field};
use crate::error::Error;

/// To write down what is about to be written.
pub static HOT: Hot = &[&INTEND, &INTEND_TAGS];

/// What is about to be written on a record.
#[derive(Clone, Copy, Debug)]
pub struct Intention<'a> {
    pub user: UserId,
    /// Her link as it was read.
    pub link: &'a Link,
    pub changes: &'a Changes,
}

/// Writes down what is about to be written over there under this lease. Returns those for whom it is: nobody has recorded
/// or set out to write anything since their links were read. Rows are locked as by [`intend_tags`].
pub async fn intend(
    session: &impl Session,
    module: CrmModule,
    lease: Uuid,
    intentions: &[Intention<'_>],
) -> Result<HashSet<UserId>, Error> {
    if intentions.is_empty() {
        return Ok(HashSet::new());
    }
    let users: Vec<Uuid> = intentions.iter().map(|one| one.user.0).collect();
    let changes: Vec<Json<&Changes>> = intentions.iter().map(|one| Json(one.changes)).collect();
    let versions: Vec<i64> = intentions.iter().map(|one| one.link.version).collect();
    let seen: Vec<Json<&[Sent]>> = intentions.iter().map(|one| Json(&*one.link.sent)).collect();
    let rows = session.rows(&INTEND, [&users, &changes, &module.as_str(), &lease, &versions, &seen]).await?;
    Ok(rows.iter().map(|row| UserId(row.get("user_id"))).collect())
}

static INTEND: Statement<6> = Statement::new(
    "with present as materialized (
         select id from users where id = any ($1) order by id for no key update
     ),
     intended as materialized (
         select * from unnest($1, $2, $5, $6) as intended (user_id, changes, version, seen)
     )
     insert into zoho_links as link (user_id, module, base, sent, version)
     select user_id, $3, '{}',
         jsonb_build_array(jsonb_build_object(
             'by', $4::uuid, 'at', floor(extract(epoch from now()) * 1000)::bigint, 'changes', changes
         )),
         version
     from intended join present on id = user_id
     order by user_id
     on conflict (user_id, module) do update set
         sent = excluded.sent || coalesce(
             (
                 select jsonb_agg(earlier)
                 from jsonb_array_elements(link.sent) as earlier
                 -- the same once more is known from the newer entry
                 where earlier -> 'changes' <> excluded.sent -> 0 -> 'changes'
             ),
             '[]'
         )
     where link.version = excluded.version
       and coalesce(link.sent, '[]') <@ (
           select seen from intended where intended.user_id = link.user_id
       )
     returning user_id",
    [Type::UUID_ARRAY, Type::JSONB_ARRAY, Type::TEXT, Type::UUID, Type::INT8_ARRAY, Type::JSONB_ARRAY],
);

/// Takes note that nothing has arrived of what was set out to be written under this lease: Zoho has refused it.
pub async fn forget_intentions(
    tx: &Transaction<'_>,
    module: CrmModule,
    lease: Uuid,
    users: &[Uuid],
) -> Result<(), Error> {
    tx.rows(&FORGET_INTENTIONS, [&users, &module.as_str(), &lease]).await?;
    Ok(())
}

static FORGET_INTENTIONS: Statement<3> = Statement::new(
    "update zoho_links set sent = (
         select jsonb_agg(one) from jsonb_array_elements(sent) as one where (one ->> 'by')::uuid <> $3
     )
     where user_id = any ($1) and module = $2",
    [Type::UUID_ARRAY, Type::TEXT, Type::UUID],
);

/// Writes down that the addresses of these users' Contacts are about to be cleared, beside whatever else is.
pub async fn intend_clearing(session: &impl Session, lease: Uuid, users: &[Uuid]) -> Result<(), Error> {
    session.rows(&INTEND_CLEARING, [&users, &lease, &clearing()]).await?;
    Ok(())
}

static INTEND_CLEARING: Statement<3> = Statement::new(
    "with present as materialized (
         select id from users where id = any ($1) order by id for no key update
     )
     update zoho_links as link set
         sent = coalesce(
             (select jsonb_agg(earlier) from jsonb_array_elements(link.sent) as earlier
              where earlier -> 'changes' <> $3),
             '[]'
         ) || jsonb_build_object(
             'by', $2::uuid, 'at', floor(extract(epoch from now()) * 1000)::bigint, 'changes', $3
         )
     from present
     where link.user_id = present.id and link.module = 'Contacts'",
    [Type::UUID_ARRAY, Type::UUID, Type::JSONB],
);

/// Takes note that these users' addresses were cleared under this lease: nothing of it is to come any more.
pub async fn forget_clearing(tx: &Transaction<'_>, lease: Uuid, users: &[Uuid]) -> Result<(), Error> {
    tx.rows(&FORGET_CLEARING, [&users, &lease, &clearing()]).await?;
    Ok(())
}

static FORGET_CLEARING: Statement<3> = Statement::new(
    "update zoho_links set sent = (
         select jsonb_agg(one) from jsonb_array_elements(sent) as one
         where (one ->> 'by')::uuid <> $2 or one -> 'changes' <> $3
     )
     where user_id = any ($1) and module = 'Contacts'",
    [Type::UUID_ARRAY, Type::UUID, Type::JSONB],
);

/// The changes of a Contact whose address is cleared.
pub(super) fn clearing() -> Json<Changes> {
    Json(Changes::from([(Field::Email, None)]))
}

/// Writes down tags that are about to be put on Contacts, so that they are known as ours whatever becomes of the call. The
/// rows in `users` are locked first, as for every other change of links: so nobody records a round between its reading
/// of the tags and its writing of them, and nobody waits in a circle.
pub async fn intend_tags(session: &impl Session, tags: &[(UserId, Vec<String>)]) -> Result<(), Error> {
    let (users, tags): (Vec<Uuid>, Vec<Json<&Vec<String>>>) =
        tags.iter().map(|(user, tags)| (user.0, Json(tags))).unzip();
    session.rows(&INTEND_TAGS, [&users, &tags]).await?;
    Ok(())
}

static INTEND_TAGS: Statement<2> = Statement::new(
    "with present as materialized (
         -- whoever is being deleted is waited for, and is not here then
         select id from users where id = any ($1) order by id for no key update
     )
     insert into zoho_links as link (user_id, module, base, tags, tags_set_out_at, version)
     select id, 'Contacts', '{}', array(select jsonb_array_elements_text(intended.tags)), now(), 0
     from unnest($1, $2) as intended (user_id, tags) join present on id = user_id
     order by id
     on conflict (user_id, module) do update set
         tags = array(select unnest(link.tags) union select unnest(excluded.tags)),
         tags_set_out_at = excluded.tags_set_out_at",
    [Type::UUID_ARRAY, Type::JSONB_ARRAY],
);
