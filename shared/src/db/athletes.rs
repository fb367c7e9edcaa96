//! `athletes`: the children. What is read here never reaches a log.

use chrono::NaiveDate;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::column::{invalid, stored, stored_list, stored_optional};
use super::rosters::Organization;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::webhook_events::{self, Happening};
use super::{Transaction, tasks, users};
use crate::domain::access::Caller;
use crate::domain::athlete::sports_told;
use crate::domain::registration::NewAthlete;
use crate::domain::{AthleteId, DateOfBirth, PersonName, Sport, UserId};
use crate::error::Error;
use crate::tasks::{FollowUp, Kind, Priority};

/// To add athletes, and to list them.
pub static HOT: Hot = &[&INSERT, &IDS_OF_PARENT, &OF_PARENT];

/// To list a parent's athletes with their organisations.
pub static HOT_LIST: Hot = &[&PAGE];

/// To add one athlete.
pub static HOT_ADD: Hot = &[&FAMILY, &INSERT];

/// To change one.
pub static HOT_UPDATE: Hot = &[&FAMILY, &UPDATE];

/// To remove one.
pub static HOT_REMOVE: Hot = &[&FAMILY, &REMOVE];

/// An athlete as the athlete's parent sees them.
#[derive(Debug, Serialize)]
pub struct Athlete {
    pub id: AthleteId,
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub dob: Option<DateOfBirth>,
    pub sport_primary: Option<Sport>,
}

impl Athlete {
    pub fn new(id: AthleteId, athlete: NewAthlete) -> Self {
        let NewAthlete { first_name, last_name, dob, sport_primary } = athlete;
        Self { id, first_name, last_name, dob, sport_primary }
    }

    fn of_row(row: &Row) -> Result<Self, Error> {
        Ok(Self::new(AthleteId(row.get("id")), new_of_row(row)?))
    }
}

fn new_of_row(row: &Row) -> Result<NewAthlete, Error> {
    Ok(NewAthlete {
        first_name: stored(row, "first_name")?,
        last_name: stored(row, "last_name")?,
        dob: row.get::<_, Option<NaiveDate>>("dob").map(DateOfBirth::from),
        sport_primary: stored_optional(row, "sport_primary")?,
    })
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
    rows.iter().map(Athlete::of_row).collect()
}

static OF_PARENT: Statement<1> = Statement::new(
    "select id, first_name, last_name, dob, sport_primary from athletes where parent_id = $1 order by id",
    [Type::UUID],
);

/// An athlete with the organisations on whose rosters the athlete is.
#[derive(Debug, Serialize)]
pub struct Listed {
    #[serde(flatten)]
    pub athlete: Athlete,
    pub organizations: Vec<Organization>,
}

impl Listed {
    /// Where the athlete stands in the list.
    pub fn place(&self) -> AthleteId {
        self.athlete.id
    }
}

/// So many of the caller's athletes behind this one, in the order in which they were added. The caller is read in the same
/// statement.
///
/// # Errors
/// Those of [`users::caller`].
pub async fn page(
    session: &impl Session,
    caller: &Caller,
    after: Option<AthleteId>,
    rows: i64,
) -> Result<Vec<Listed>, Error> {
    let after = after.map(|id| id.0);
    let rows = session.rows(&PAGE, [&caller.subject.as_str(), &after, &rows]).await?;
    let first = rows.first().ok_or_else(users::not_registered)?;
    users::insist_on_role(caller, stored(first, "role")?)?;
    rows.iter().filter(|row| row.get::<_, Option<Uuid>>("id").is_some()).map(listed).collect()
}

// A user without athletes is one row, whose athlete is null.
static PAGE: Statement<3> = Statement::new(
    "select me.role::text as role, athlete.id, athlete.first_name, athlete.last_name, athlete.dob, athlete.sport_primary,
         roster.ids as organization_ids, roster.names as organization_names
     from users as me
     left join lateral (
         select id, first_name, last_name, dob, sport_primary
         from athletes
         where parent_id = me.id and ($2::uuid is null or id > $2)
         order by id
         limit $3
     ) as athlete on true
     cross join lateral (
         select
             coalesce(array_agg(organization.user_id order by organization.org_name, organization.user_id), '{}') as ids,
             coalesce(array_agg(organization.org_name order by organization.org_name, organization.user_id), '{}') as names
         from roster_entries as entry
         join profiles_organizations as organization on organization.user_id = entry.organization_id
         where entry.athlete_id = athlete.id
     ) as roster
     where me.auth_provider_id = $1
     order by athlete.id",
    [Type::TEXT, Type::UUID, Type::INT8],
);

fn listed(row: &Row) -> Result<Listed, Error> {
    let ids: Vec<Uuid> = row.get("organization_ids");
    let names: Vec<&str> = row.get("organization_names");
    let organization = |(id, name): (Uuid, &str)| {
        let name = name.parse().map_err(|problem| invalid("org_name", problem))?;
        Ok::<_, Error>(Organization { id: UserId(id), name })
    };
    let organizations = ids.into_iter().zip(names).map(organization).collect::<Result<_, _>>()?;
    Ok(Listed { athlete: Athlete::of_row(row)?, organizations })
}

/// A parent's athletes, and the parent's own interests.
#[derive(Debug)]
pub struct Family {
    pub parent: UserId,
    interests: Vec<Sport>,
    pub athletes: Vec<(AthleteId, NewAthlete)>,
}

impl Family {
    /// Reads the family and locks the parent's profile, so that it is changed by one request after the other, and a fan-out
    /// that has counted the parent in has come to its end.
    pub async fn lock(tx: &Transaction<'_>, parent: UserId) -> Result<Self, Error> {
        let rows = tx.rows(&FAMILY, [&parent.0]).await?;
        let interests = rows.first().map_or(Ok(Vec::new()), |row| stored_list(row, "sport_interests"))?;
        let athlete = |row: &Row| -> Option<Result<_, Error>> {
            let id: Uuid = row.get::<_, Option<Uuid>>("id")?;
            Some(new_of_row(row).map(|athlete| (AthleteId(id), athlete)))
        };
        Ok(Self { parent, interests, athletes: rows.iter().filter_map(athlete).collect::<Result<_, _>>()? })
    }

    /// # Errors
    /// `unknown-athlete` (404), also for an athlete of another parent.
    pub fn get(&self, id: Option<AthleteId>) -> Result<(AthleteId, &NewAthlete), Error> {
        let found = self.athletes.iter().find(|(athlete, _)| Some(*athlete) == id);
        found.map(|(id, athlete)| (*id, athlete)).ok_or(Error::NotFound {
            code: "unknown-athlete",
            detail: "You have no athlete with this id. GET /api/athletes lists them.",
        })
    }

    /// What follows once the athlete with this id has become another (`None`: is gone): the parent's Contact in the CRM
    /// follows, and others are told if the parent's sports are others now.
    pub async fn changed(
        &self,
        tx: &Transaction<'_>,
        id: AthleteId,
        becomes: Option<&NewAthlete>,
        priority: Priority,
    ) -> Result<FollowUp, Error> {
        let before = self.athletes.iter().map(|(_, athlete)| athlete);
        let others = self.athletes.iter().filter(|(other, _)| *other != id).map(|(_, athlete)| athlete);
        let mut follow_up = FollowUp::default();
        if sports_told(&self.interests, before) != sports_told(&self.interests, others.chain(becomes)) {
            follow_up.and(webhook_events::emit(tx, Happening::UserUpdated(self.parent)).await?);
        }
        follow_up.and(tasks::enqueue_at(tx, Kind::SyncZoho, &[self.parent.0], priority).await?);
        Ok(follow_up)
    }
}

static FAMILY: Statement<1> = Statement::new(
    "select parent.sport_interests, athlete.id, athlete.first_name, athlete.last_name, athlete.dob, athlete.sport_primary
     from profiles_parents as parent
     left join athletes as athlete on athlete.parent_id = parent.user_id
     where parent.user_id = $1
     order by athlete.id
     for update of parent",
    [Type::UUID],
);

/// Writes an athlete anew.
pub async fn update(tx: &Transaction<'_>, id: AthleteId, athlete: &NewAthlete) -> Result<(), Error> {
    let NewAthlete { first_name, last_name, dob, sport_primary } = athlete;
    let (dob, sport) = (dob.map(DateOfBirth::date), sport_primary.as_ref().map(Sport::as_str));
    tx.rows(&UPDATE, [&id.0, &first_name.as_str(), &last_name.as_str(), &dob, &sport]).await?;
    Ok(())
}

static UPDATE: Statement<5> = Statement::new(
    "update athletes set first_name = $2, last_name = $3, dob = $4, sport_primary = $5 where id = $1",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::DATE, Type::TEXT],
);

/// Removes an athlete, also from all rosters. Returns whose rosters those were.
pub async fn remove(tx: &Transaction<'_>, id: AthleteId) -> Result<Vec<UserId>, Error> {
    let row = tx.row(&REMOVE, [&id.0]).await?;
    let organizations: Vec<Uuid> = row.map(|row| row.get("organizations")).unwrap_or_default();
    Ok(organizations.into_iter().map(UserId).collect())
}

// The entries are still there for the statement that deletes the athlete; they go at its end.
static REMOVE: Statement<1> = Statement::new(
    "delete from athletes where id = $1
     returning array(select organization_id from roster_entries where athlete_id = athletes.id) as organizations",
    [Type::UUID],
);
