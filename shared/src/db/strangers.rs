//! Records of the CRM that are linked to nobody here: whose they may be.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Session;
use super::statement::Statement;
use crate::domain::UserId;
use crate::error::Error;
use crate::tasks::Kind;

/// A record that is linked to nobody.
pub struct Stranger {
    /// The user whose id it carries.
    pub user: Option<UserId>,
    /// Of a Contact.
    pub email: Option<String>,
}

/// Without the address.
impl std::fmt::Debug for Stranger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stranger").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The users whom these records may concern: those with their ids, and those who have never had a Contact, by their
/// addresses. Whose work is on its way already sees them by itself, unless it has found a record gone and may have looked for it
/// before this one came.
pub async fn users(session: &impl Session, strangers: &[Stranger]) -> Result<Vec<Uuid>, Error> {
    let ids: Vec<Uuid> = strangers.iter().filter_map(|stranger| Some(stranger.user?.0)).collect();
    let emails: Vec<String> =
        strangers.iter().filter_map(|stranger| Some(stranger.email.as_ref()?.to_lowercase())).collect();
    let rows = session.rows(&USERS, [&ids, &emails, &Kind::SyncZoho.as_str()]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

static USERS: Statement<3> = Statement::new(
    "select id
     from users
     where role <> 'admin'
       and id in (
           select unnest($1)
           union
           select users.id
           from users
           left join zoho_links as link on link.user_id = users.id and link.module = 'Contacts'
           where lower(users.email) = any ($2) and users.zoho_contact_id is null and link.gone_at is null
       )
       and not exists (
           select from tasks
           where kind = $3 and key = users.id and failed_at is null
             and (
                 lease is null
                 or not exists (
                     select from zoho_links as lost where lost.user_id = users.id and lost.gone_at is not null
                 )
             )
       )
     order by id",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT],
);
