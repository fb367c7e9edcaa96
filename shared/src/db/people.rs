//! People as the CRM is to know them: one query over users, profiles, athletes and links.

use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::column::stored;
use super::session::Session;
use crate::domain::record::{Field, Fields};
use crate::domain::{Role, Sport, UserId};
use crate::error::Error;

/// A user, what we know about her, and how far the CRM knows it.
#[derive(Debug)]
pub struct Person {
    pub id: UserId,
    pub role: Role,
    pub fields: Fields,
    /// Her interests and her athletes' sports.
    pub sports: Vec<Sport>,
    pub link: Option<Link>,
}

/// The Contact that is hers, and on what both sides last agreed.
#[derive(Debug)]
pub struct Link {
    pub contact_id: String,
    pub base: Fields,
    pub tags: Vec<String>,
}

/// Those of the users who (still) exist.
pub async fn by_ids(session: &impl Session, ids: &[Uuid]) -> Result<Vec<Person>, Error> {
    let rows = session
        .rows(
            "select
                 users.id,
                 users.email,
                 users.role::text as role,
                 users.zoho_contact_id,
                 coalesce(parent.first_name, org.first_name, photographer.first_name) as first_name,
                 coalesce(parent.last_name, org.last_name, photographer.last_name) as last_name,
                 parent.phone_number,
                 parent.mailing_address,
                 array(
                     select unnest(parent.sport_interests)
                     union
                     select sport_primary from athletes where parent_id = users.id and sport_primary is not null
                 ) as sports,
                 link.base,
                 link.tags
             from users
             left join profiles_parents as parent on parent.user_id = users.id
             left join profiles_organizations as org on org.user_id = users.id
             left join profiles_photographers as photographer on photographer.user_id = users.id
             left join zoho_links as link on link.user_id = users.id and link.module = 'Contacts'
             where users.id = any ($1)
             order by users.id",
            &[(&ids, Type::UUID_ARRAY)],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Person, Error> {
    let address: Option<Value> = row.get("mailing_address");
    let part = |name: &str| address.as_ref().and_then(|a| a.get(name)).and_then(Value::as_str).map(str::to_owned);
    let fields = [
        (Field::FirstName, row.get("first_name")),
        (Field::LastName, row.get("last_name")),
        (Field::Email, row.get("email")),
        (Field::Phone, row.get("phone_number")),
        (Field::Street, part("street")),
        (Field::City, part("city")),
        (Field::State, part("state")),
        (Field::PostalCode, part("postal_code")),
        (Field::Country, part("country")),
    ];
    let sports: Vec<&str> = row.get("sports");
    let sports = sports.into_iter().map(str::parse).collect::<Result<_, _>>();
    let base: Option<Json<Fields>> = row.get("base");
    let tags: Option<Vec<String>> = row.get("tags");
    Ok(Person {
        id: UserId(row.get("id")),
        role: stored(row, "role")?,
        fields: fields.into_iter().collect(),
        sports: sports.map_err(|problem: String| Error::internal("a stored value is not valid", problem))?,
        link: row.get::<_, Option<String>>("zoho_contact_id").map(|contact_id| Link {
            contact_id,
            base: base.map(|Json(base)| base).unwrap_or_default(),
            tags: tags.unwrap_or_default(),
        }),
    })
}
