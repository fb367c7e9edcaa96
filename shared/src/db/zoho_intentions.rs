//! What we set out to do on records of the CRM, written down in `zoho_links` before it is done: should nobody come to record
//! it, it is known as ours all the same.

use std::collections::HashSet;

use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::zoho_links::Link;
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::domain::record::Changes;
use crate::error::Error;

/// What is about to be written on a record.
#[derive(Clone, Copy, Debug)]
pub struct Intention<'a> {
    pub user: UserId,
    /// Her link as it was read.
    pub link: &'a Link,
    pub sent: &'a Changes,
}

/// Writes down what is about to be written over there under this lease, so that it is not taken for somebody's edit should
/// nobody come to record it. Returns those for whom it is: nobody has recorded or set out to write anything since their
/// links were read. Rows are locked as by [`intend_tags`].
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
    let sent: Vec<Json<[&Changes; 1]>> = intentions.iter().map(|one| Json([one.sent])).collect();
    let versions: Vec<i64> = intentions.iter().map(|one| one.link.version).collect();
    let sent_by: Vec<Option<Uuid>> = intentions.iter().map(|one| one.link.sent_by).collect();
    let rows = session
        .rows(
            "with present as materialized (
                 select id from users where id = any ($1) order by id for no key update
             ),
             intended as materialized (
                 select * from unnest($1, $2, $5, $6) as intended (user_id, sent, version, sent_by)
             )
             insert into zoho_links as link (user_id, module, base, sent, sent_by, version)
             select user_id, $3, '{}', sent, $4, version
             from intended join present on id = user_id
             order by user_id
             on conflict (user_id, module) do update set
                 -- beside what may have arrived of earlier attempts
                 sent = case
                     when link.sent @> excluded.sent then link.sent
                     else coalesce(link.sent, '[]') || excluded.sent
                 end,
                 sent_by = excluded.sent_by
             where link.version = excluded.version
               and link.sent_by is not distinct from (
                   select intended.sent_by from intended where intended.user_id = link.user_id
               )
             returning user_id",
            &[
                (&users, Type::UUID_ARRAY),
                (&sent, Type::JSONB_ARRAY),
                (&module.as_str(), Type::TEXT),
                (&lease, Type::UUID),
                (&versions, Type::INT8_ARRAY),
                (&sent_by, Type::UUID_ARRAY),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| UserId(row.get("user_id"))).collect())
}

/// Takes note that nothing has arrived of what was set out to be written under this lease: Zoho has refused it.
pub async fn forget_intentions(
    tx: &Transaction<'_>,
    module: CrmModule,
    lease: Uuid,
    users: &[Uuid],
) -> Result<(), Error> {
    tx.rows(
        "update zoho_links set sent = null where user_id = any ($1) and module = $2 and sent_by = $3",
        &[(&users, Type::UUID_ARRAY), (&module.as_str(), Type::TEXT), (&lease, Type::UUID)],
    )
    .await?;
    Ok(())
}

/// Writes down that the addresses of these users' Contacts are about to be cleared, beside whatever else is.
pub async fn intend_clearing(session: &impl Session, lease: Uuid, users: &[Uuid]) -> Result<(), Error> {
    session
        .rows(
            "with present as materialized (
                 select id from users where id = any ($1) order by id for no key update
             )
             update zoho_links as link set
                 sent = case
                     when link.sent @> '[{\"email\": null}]' then link.sent
                     else coalesce(link.sent, '[]') || '[{\"email\": null}]'
                 end,
                 sent_by = $2
             from present
             where link.user_id = present.id and link.module = 'Contacts'",
            &[(&users, Type::UUID_ARRAY), (&lease, Type::UUID)],
        )
        .await?;
    Ok(())
}

/// Writes down tags that are about to be put on Contacts, so that they are known as ours whatever becomes of the call. The
/// rows in `users` are locked first, as for every other change of links: so nobody records a round between its reading
/// of the tags and its writing of them, and nobody waits in a circle.
pub async fn intend_tags(session: &impl Session, tags: &[(UserId, Vec<String>)]) -> Result<(), Error> {
    let (users, tags): (Vec<Uuid>, Vec<Json<&Vec<String>>>) =
        tags.iter().map(|(user, tags)| (user.0, Json(tags))).unzip();
    session
        .rows(
            "with present as materialized (
                 -- whoever is being deleted is waited for, and is not here then
                 select id from users where id = any ($1) order by id for no key update
             )
             insert into zoho_links as link (user_id, module, base, tags, version)
             select id, 'Contacts', '{}', array(select jsonb_array_elements_text(intended.tags)), 0
             from unnest($1, $2) as intended (user_id, tags) join present on id = user_id
             order by id
             on conflict (user_id, module) do update set
                 tags = array(select unnest(link.tags) union select unnest(excluded.tags))",
            &[(&users, Type::UUID_ARRAY), (&tags, Type::JSONB_ARRAY)],
        )
        .await?;
    Ok(())
}
