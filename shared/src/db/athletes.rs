//! `athletes`: the children. What is read here never reaches a log.

use chrono::NaiveDate;
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Transaction;
use super::column::{stored, stored_optional};
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::registration::NewAthlete;
use crate::domain::{AthleteId, DateOfBirth, PersonName, Sport, UserId};
use crate::error::Error;

/// To add athletes, and to list them.
pub static HOT: Hot = &[&INSERT, &IDS_OF_PARENT, &OF_PARENT];

/// An athlete as her parent sees her.
#[derive(Debug, Serialize)]
pub struct Athlete {
    pub id: AthleteId,
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub dob: Option<DateOfBirth>,
    pub sport_primary: Option<Sport>,
}

/// Adds all of a parent's athletes in one statement.
pub async fn insert(tx: &Transaction<'_>, parent: UserId, athletes: &[(AthleteId, &NewAthlete)]) -> Result<(), Error> {
    if athletes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = athletes.iter().map(|(id, _)| id.0).collect();
    let first_names: Vec<&str> = athletes.iter().map(|(_, athlete)| athlete.first_name.as_str()).collect();
    let last_names: Vec<&str> = athletes.iter().map(|(_, athlete)| athlete.last_name.as_str()).collect();
    let dobs: Vec<Option<NaiveDate>> = athletes.iter().map(|(_, athlete)| athlete.dob.map(DateOfBirth::date)).collect();
    let sports: Vec<Option<&str>> =
        athletes.iter().map(|(_, athlete)| athlete.sport_primary.as_ref().map(Sport::as_str)).collect();
    tx.rows(&INSERT, [&parent.0, &ids, &first_names, &last_names, &dobs, &sports]).await?;
    Ok(())
}

static INSERT: Statement<6> = Statement::new(
    "insert into athletes (id, parent_id, first_name, last_name, dob, sport_primary)
     select id, $1, first_name, last_name, dob, sport_primary
     from unnest($2, $3, $4, $5, $6) as new (id, first_name, last_name, dob, sport_primary)",
    [Type::UUID, Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::DATE_ARRAY, Type::TEXT_ARRAY],
);

/// The ids of a parent's athletes.
pub async fn ids_of_parent(session: &impl Session, parent: UserId) -> Result<Vec<AthleteId>, Error> {
    let rows = session.rows(&IDS_OF_PARENT, [&parent.0]).await?;
    Ok(rows.iter().map(|row| AthleteId(row.get("id"))).collect())
}

static IDS_OF_PARENT: Statement<1> = Statement::new("select id from athletes where parent_id = $1", [Type::UUID]);

/// A parent's athletes in the order in which they were added.
pub async fn of_parent(session: &impl Session, parent: UserId) -> Result<Vec<Athlete>, Error> {
    let rows = session.rows(&OF_PARENT, [&parent.0]).await?;
    rows.iter()
        .map(|row| {
            Ok(Athlete {
                id: AthleteId(row.get("id")),
                first_name: stored(row, "first_name")?,
                last_name: stored(row, "last_name")?,
                dob: row.get::<_, Option<NaiveDate>>("dob").map(DateOfBirth::from),
                sport_primary: stored_optional(row, "sport_primary")?,
            })
        })
        .collect()
}

static OF_PARENT: Statement<1> = Statement::new(
    "select id, first_name, last_name, dob, sport_primary from athletes where parent_id = $1 order by id",
    [Type::UUID],
);
