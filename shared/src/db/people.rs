//! People as the CRM is to know them: one query over users, profiles, athletes and links.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::column::{Loaded, each, stored, stored_list};
use super::session::Session;
use super::statement::{Hot, Statement};
use super::zoho_links::Link;
use crate::domain::event::CrmModule;
use crate::domain::record::{Field, Fields};
use crate::domain::{CrmId, Role, Sport, UserId};
use crate::error::Error;

/// To read people.
pub static HOT: Hot = &[&READ];

/// A user, what we know about her, and how far the CRM knows it.
pub struct Person {
    pub id: UserId,
    /// When she was read, by the database's clock.
    pub read_at: DateTime<Utc>,
    pub role: Role,
    /// Of both modules.
    pub fields: Fields,
    /// Her interests and her athletes' sports.
    pub sports: Vec<Sport>,
    /// Her athletes' days of birth.
    pub births: Vec<NaiveDate>,
    pub contact: Link,
    pub account: Link,
}

/// Without what we know about her and her athletes.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Person {
    /// Whether the CRM has a record of this module for her: a Contact for everybody but our own admins, and beside it an
    /// Account for an organisation.
    pub fn has(&self, module: CrmModule) -> bool {
        match module {
            CrmModule::Contacts => self.role != Role::Admin,
            CrmModule::Accounts => self.role == Role::Org,
        }
    }

    pub fn link(&self, module: CrmModule) -> &Link {
        match module {
            CrmModule::Contacts => &self.contact,
            CrmModule::Accounts => &self.account,
        }
    }
}

/// Those of the users who (still) exist.
pub async fn by_ids(session: &impl Session, ids: &[Uuid]) -> Result<Loaded<Person>, Error> {
    read(session, ids, &[], &[]).await
}

/// Whose these Contacts and Accounts are.
pub async fn by_records(
    session: &impl Session,
    contacts: &[CrmId],
    accounts: &[CrmId],
) -> Result<Loaded<Person>, Error> {
    read(session, &[], contacts, accounts).await
}

async fn read(
    session: &impl Session,
    ids: &[Uuid],
    contacts: &[CrmId],
    accounts: &[CrmId],
) -> Result<Loaded<Person>, Error> {
    let texts = |ids: &[CrmId]| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
    let rows = session.rows(&READ, [&ids, &texts(contacts), &texts(accounts)]).await?;
    Ok(each(&rows, "id", from_row))
}

static READ: Statement<3> = Statement::new(
    "select
         users.id,
         now() as read_at,
         users.email,
         users.role::text as role,
         coalesce(parent.first_name, org.first_name, photographer.first_name) as first_name,
         coalesce(parent.last_name, org.last_name, photographer.last_name) as last_name,
         parent.phone_number,
         parent.mailing_address,
         coalesce(parent.referred_by_code, org.referred_by_code) as referred_by_code,
         photographer.referral_code,
         photographer.certification_level::text as certification_level,
         org.org_name,
         org.org_type::text as org_type,
         array(
             select unnest(parent.sport_interests)
             union
             select sport_primary from athletes where parent_id = users.id and sport_primary is not null
         ) as sports,
         array(select dob from athletes where parent_id = users.id and dob is not null) as births,
         users.zoho_contact_id as contact_id,
         contact.base as contact_base,
         contact.sent as contact_sent,
         contact.tags as contact_tags,
         contact.tags_set_out_at as contact_tags_set_out_at,
         contact.synced_at as contact_synced_at,
         contact.version as contact_version,
         contact.modified_at as contact_modified_at,
         contact.gone_at is not null as contact_gone,
         contact.corrections as contact_corrections,
         extract(epoch from contact.corrected_at + interval '1 hour' - now())::float8 as contact_corrections_end,
         org.zoho_account_id as account_id,
         account.base as account_base,
         account.sent as account_sent,
         account.tags as account_tags,
         account.tags_set_out_at as account_tags_set_out_at,
         account.synced_at as account_synced_at,
         account.version as account_version,
         account.modified_at as account_modified_at,
         account.gone_at is not null as account_gone,
         account.corrections as account_corrections,
         extract(epoch from account.corrected_at + interval '1 hour' - now())::float8 as account_corrections_end
     from users
     left join profiles_parents as parent on parent.user_id = users.id
     left join profiles_organizations as org on org.user_id = users.id
     left join profiles_photographers as photographer on photographer.user_id = users.id
     left join zoho_links as contact on contact.user_id = users.id and contact.module = 'Contacts'
     left join zoho_links as account on account.user_id = users.id and account.module = 'Accounts'
     where users.id in (
         select unnest($1)
         union
         select id from users where zoho_contact_id = any ($2)
         union
         select user_id from profiles_organizations where zoho_account_id = any ($3)
     )
     order by users.id",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

fn from_row(row: &Row) -> Result<Person, Error> {
    Ok(Person {
        id: UserId(row.get("id")),
        role: stored(row, "role")?,
        read_at: row.get("read_at"),
        fields: fields(row),
        sports: stored_list(row, "sports")?,
        births: row.get("births"),
        contact: Link::of_row(row, "contact")?,
        account: Link::of_row(row, "account")?,
    })
}

fn fields(row: &Row) -> Fields {
    let address: Option<Value> = row.get("mailing_address");
    let part = |name: &str| address.as_ref().and_then(|a| a.get(name)).and_then(Value::as_str).map(str::to_owned);
    [
        (Field::FirstName, row.get("first_name")),
        (Field::LastName, row.get("last_name")),
        (Field::Email, row.get("email")),
        (Field::Phone, row.get("phone_number")),
        (Field::Street, part("street")),
        (Field::City, part("city")),
        (Field::State, part("state")),
        (Field::PostalCode, part("postal_code")),
        (Field::Country, part("country")),
        (Field::Role, row.get("role")),
        (Field::ReferredByCode, row.get("referred_by_code")),
        (Field::ReferralCode, row.get("referral_code")),
        (Field::CertificationLevel, row.get("certification_level")),
        (Field::OrgName, row.get("org_name")),
        (Field::OrgType, row.get("org_type")),
    ]
    .into_iter()
    .collect()
}
