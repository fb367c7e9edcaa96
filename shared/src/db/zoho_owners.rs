//! Whose records of the CRM are, as far as we know: users of ours, and those who are still to be erased.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::column::{each, stored_optional};
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::event::CrmModule;
use crate::domain::{CrmId, UserId};
use crate::error::Error;

/// To tell whose records are.
pub static HOT: Hot = &[&OF_CONTACTS, &OF_ACCOUNTS];

/// Who else has to do with records of one module.
#[derive(Debug, Default)]
pub struct Others {
    /// Users of ours, among those who were asked for.
    users: HashSet<UserId>,
    /// Whose records are still to be erased.
    erasing: HashSet<UserId>,
    /// The records that were theirs.
    to_erase: HashSet<CrmId>,
    linked: HashMap<CrmId, UserId>,
}

/// Who one of these users is, and whose these records are here.
pub async fn others(
    session: &impl Session,
    module: CrmModule,
    users: &[Uuid],
    records: &[CrmId],
) -> Result<Others, Error> {
    let others = match module {
        CrmModule::Contacts => &OF_CONTACTS,
        CrmModule::Accounts => &OF_ACCOUNTS,
    };
    let records: Vec<&str> = records.iter().map(CrmId::as_str).collect();
    let rows = session.rows(others, [&users, &records]).await?;
    let owner = |row: &Row| Ok((UserId(row.get("user_id")), stored_optional(row, "record_id")?, row.get("erasing")));
    let mut others = Others::default();
    // A record id that cannot be read is the id of no record that was asked for.
    for (user, record, erasing) in each(&rows, "user_id", owner).rows {
        if erasing {
            others.erasing.insert(user);
            others.to_erase.extend(record);
        } else {
            others.users.insert(user);
            others.linked.extend(record.map(|record| (record, user)));
        }
    }
    Ok(others)
}

static OF_CONTACTS: Statement<2> = Statement::new(
    "select id as user_id, zoho_contact_id as record_id, false as erasing
     from users
     where id = any ($1)
     union
     select id, zoho_contact_id, false from users where zoho_contact_id = any ($2)
     union
     select user_id, zoho_contact_id, true
     from erasures
     where (user_id = any ($1) or zoho_contact_id = any ($2)) and erased_at is null",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY],
);

static OF_ACCOUNTS: Statement<2> = Statement::new(
    "select user_id, zoho_account_id as record_id, false as erasing
     from profiles_organizations
     where user_id = any ($1)
     union
     select user_id, zoho_account_id, false from profiles_organizations where zoho_account_id = any ($2)
     union
     select user_id, zoho_account_id, true
     from erasures
     where (user_id = any ($1) or zoho_account_id = any ($2)) and erased_at is null",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY],
);

impl Others {
    #[cfg(test)]
    pub(crate) fn of_users(users: &[UserId]) -> Self {
        Self { users: users.iter().copied().collect(), ..Self::default() }
    }

    pub fn is_user(&self, user: UserId) -> bool {
        self.users.contains(&user)
    }

    pub fn is_being_erased(&self, user: UserId) -> bool {
        self.erasing.contains(&user)
    }

    /// Whether a record was that of somebody who is still to be erased.
    pub fn is_to_erase(&self, record: &CrmId) -> bool {
        self.to_erase.contains(record)
    }

    /// The user to whom a record is linked.
    pub fn holder(&self, record: &CrmId) -> Option<UserId> {
        self.linked.get(record).copied()
    }
}
