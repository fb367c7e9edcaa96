//! What people in the CRM have changed, taken over into our profiles.

use serde_json::{Value, json};
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::record::{Changes, Field, Unit};
use crate::domain::{Role, UserId};
use crate::error::Error;

/// To take changes over.
pub static HOT: Hot = &[&PARENTS, &ORGANIZATIONS, &PHOTOGRAPHERS];

/// All changes of one profile: there is one of it for each user.
#[derive(Clone, Debug)]
pub struct Taken<'a> {
    pub user: UserId,
    pub role: Role,
    pub changes: &'a Changes,
}

/// Takes over the changes of people whose rows in `users` are locked; one statement for each role. Nobody is named twice:
/// of two rows for one profile PostgreSQL would take any one.
pub async fn take_over(tx: &Transaction<'_>, taken: &[Taken<'_>]) -> Result<(), Error> {
    for role in [Role::Parent, Role::Org, Role::Photographer] {
        let of_role: Vec<&Taken<'_>> = taken.iter().filter(|one| one.role == role).collect();
        if of_role.is_empty() {
            continue;
        }
        match role {
            Role::Parent => parents(tx, &of_role).await?,
            _ => names(tx, role, &of_role).await?,
        }
    }
    Ok(())
}

async fn parents(tx: &Transaction<'_>, taken: &[&Taken<'_>]) -> Result<(), Error> {
    let has = |unit: Unit| taken.iter().map(|one| one.changes.contains_key(&unit.fields()[0])).collect::<Vec<_>>();
    let addresses: Vec<Option<Json<Value>>> = taken.iter().map(|one| address(one.changes).map(Json)).collect();
    tx.rows(
        &PARENTS,
        [
            &users(taken),
            &values(taken, Field::FirstName),
            &values(taken, Field::LastName),
            &has(Unit::Phone),
            &values(taken, Field::Phone),
            &has(Unit::Address),
            &addresses,
        ],
    )
    .await?;
    Ok(())
}

static PARENTS: Statement<7> = Statement::new(
    "update profiles_parents as profile set
         first_name = coalesce(taken.first_name, profile.first_name),
         last_name = coalesce(taken.last_name, profile.last_name),
         phone_number = case when has_phone then taken.phone else profile.phone_number end,
         mailing_address = case when has_address then taken.address else profile.mailing_address end
     from unnest($1, $2, $3, $4, $5, $6, $7)
         as taken (user_id, first_name, last_name, has_phone, phone, has_address, address)
     where profile.user_id = taken.user_id",
    [
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BOOL_ARRAY,
        Type::TEXT_ARRAY,
        Type::BOOL_ARRAY,
        Type::JSONB_ARRAY,
    ],
);

async fn names(tx: &Transaction<'_>, role: Role, taken: &[&Taken<'_>]) -> Result<(), Error> {
    let names = if role == Role::Org { &ORGANIZATIONS } else { &PHOTOGRAPHERS };
    tx.rows(
        names,
        [
            &users(taken),
            &values(taken, Field::FirstName),
            &values(taken, Field::LastName),
            &values(taken, Field::OrgName),
        ],
    )
    .await?;
    Ok(())
}

static ORGANIZATIONS: Statement<4> = Statement::new(
    "update profiles_organizations as profile set
         first_name = coalesce(taken.first_name, profile.first_name),
         last_name = coalesce(taken.last_name, profile.last_name),
         org_name = coalesce(taken.org_name, profile.org_name)
     from unnest($1, $2, $3, $4) as taken (user_id, first_name, last_name, org_name)
     where profile.user_id = taken.user_id",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

static PHOTOGRAPHERS: Statement<4> = Statement::new(
    "update profiles_photographers as profile set
         first_name = coalesce(taken.first_name, profile.first_name),
         last_name = coalesce(taken.last_name, profile.last_name)
     from unnest($1, $2, $3, $4) as taken (user_id, first_name, last_name, org_name)
     where profile.user_id = taken.user_id",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

fn users(taken: &[&Taken<'_>]) -> Vec<Uuid> {
    taken.iter().map(|one| one.user.0).collect()
}

fn values(taken: &[&Taken<'_>], field: Field) -> Vec<Option<String>> {
    taken.iter().map(|one| one.changes.get(&field).cloned().flatten()).collect()
}

/// An address of the CRM may be incomplete: its blanks are empty texts. One without any part is none.
fn address(changes: &Changes) -> Option<Value> {
    let part = |field: Field| changes.get(&field).cloned().flatten();
    if Unit::Address.fields().iter().all(|field| part(*field).is_none()) {
        return None;
    }
    let part = |field: Field| part(field).unwrap_or_default();
    Some(json!({
        "street": part(Field::Street),
        "city": part(Field::City),
        "state": part(Field::State),
        "postal_code": part(Field::PostalCode),
        "country": part(Field::Country),
    }))
}
