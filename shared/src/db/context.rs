//! "Who is logged in?": everything a plugin may know about a user, in one round trip.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};

use super::column::stored;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::context::{Person, Plain};
use crate::domain::{
    AthleteId, CertificationLevel, GalleryId, GalleryStatus, OrgType, PaywallTier, Role, Sport, Subject, UserId,
};
use crate::error::Error;

/// To say who is logged in.
pub static HOT: Hot = &[&OF_SUBJECT];

/// A user as plugins see her.
#[derive(Debug)]
pub struct UserContext {
    pub id: UserId,
    pub role: Role,
    /// An admin has no profile and so no name.
    pub first_name: Option<Plain>,
    pub person: Person,
    pub athletes: Vec<Athlete>,
    pub organizations: Vec<Organization>,
    /// Twenty: those that are live first, then the newest.
    pub galleries: Vec<Gallery>,
    pub photographer: Option<Photographer>,
    pub organization: Option<OwnOrganization>,
}

#[derive(Serialize, Deserialize)]
pub struct Athlete {
    pub id: AthleteId,
    /// `None`: it is hidden.
    pub first_name: Option<Plain>,
    pub sport: Option<Plain>,
    /// On whose rosters the athlete is.
    pub organization_ids: Vec<UserId>,
}

impl std::fmt::Debug for Athlete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Athlete({})", self.id)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Organization {
    pub id: UserId,
    pub name: Plain,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Gallery {
    pub id: GalleryId,
    pub title: Plain,
    pub status: GalleryStatus,
    pub event_date: NaiveDate,
    pub organization_id: UserId,
    pub url: Option<String>,
}

/// What a photographer is here.
#[derive(Debug, Serialize, Deserialize)]
pub struct Photographer {
    pub certification_level: CertificationLevel,
    pub paywall_tier: PaywallTier,
    pub referral_code: String,
    /// Jobs that are claimed and not delivered.
    pub open_assignments: i64,
}

/// What an organisation is here.
#[derive(Debug, Serialize, Deserialize)]
pub struct OwnOrganization {
    pub org_type: OrgType,
    pub verified: bool,
    pub roster_size: i64,
}

impl UserContext {
    /// Without the names of athletes: for a plugin that may not read them.
    #[must_use]
    pub fn without_names_of_athletes(mut self) -> Self {
        for athlete in &mut self.athletes {
            athlete.first_name = None;
        }
        if let Person::Parent { athletes, .. } = &mut self.person {
            *athletes = named(&self.athletes);
        }
        self
    }
}

/// The context of an identity, or `None` if it has not registered.
pub async fn of_subject(session: &impl Session, subject: &Subject) -> Result<Option<UserContext>, Error> {
    let row = session.row(&OF_SUBJECT, [&subject.as_str()]).await?;
    row.map(|row| from_row(&row)).transpose()
}

static OF_SUBJECT: Statement<1> = Statement::new(
    "with me as (select id, role from users where auth_provider_id = $1),
     -- the organisations whose galleries are hers: by her athletes, by being one, by working for one
     mine as (
         select entry.organization_id as id
         from me
         join athletes as athlete on athlete.parent_id = me.id
         join roster_entries as entry on entry.athlete_id = athlete.id
         union
         select id from me where role = 'org'
     ),
     -- of each owner the newest twenty that are live, and the newest twenty of all: the first twenty are among them
     candidate as (
         select gallery.*
         from mine
         cross join lateral (
             (select id, status from galleries where organization_id = mine.id and status = 'Live'
              order by id desc limit 20)
             union all
             (select id, status from galleries where organization_id = mine.id order by id desc limit 20)
         ) as gallery
         union
         select gallery.id, gallery.status
         from me
         join gallery_registrations as registration on registration.parent_id = me.id
         join galleries as gallery on gallery.id = registration.gallery_id
         union
         select gallery.*
         from me
         cross join lateral (
             (select id, status from galleries where photographer_id = me.id and status = 'Live'
              order by id desc limit 20)
             union all
             (select id, status from galleries where photographer_id = me.id order by id desc limit 20)
         ) as gallery
     ),
     first as (
         select id from candidate order by (status = 'Live') desc, id desc limit 20
     ),
     shown as (
         select gallery.id, gallery.title, gallery.status, gallery.event_date, gallery.organization_id,
             -- nothing of an organisation reaches parents before it is verified
             case when me.role <> 'parent' or organization.verified_at is not null then gallery.public_url end as url
         from me
         cross join first
         join galleries as gallery on gallery.id = first.id
         join profiles_organizations as organization on organization.user_id = gallery.organization_id
     )
     select
         me.id,
         me.role::text as role,
         coalesce(parent.first_name, org.first_name, photographer.first_name) as first_name,
         org.org_name,
         org.org_type::text as org_type,
         photographer.business_name,
         photographer.certification_level::text as certification_level,
         coalesce((
             select json_agg(json_build_object(
                 'id', id, 'first_name', case when parent.share_athlete_names then athletes.first_name end,
                 'sport', sport_primary, 'organization_ids', array(
                     select organization_id from roster_entries where athlete_id = athletes.id order by organization_id
                 )) order by id)
             from athletes where parent_id = me.id
         ), '[]') as athletes,
         coalesce((
             select json_agg(json_build_object('id', user_id, 'name', org_name) order by org_name, user_id)
             from (
                 select id from mine
                 union
                 select organization_id from shown where me.role = 'photographer'
             ) as hers
             join profiles_organizations on user_id = hers.id
         ), '[]') as organizations,
         coalesce((
             select json_agg(json_build_object(
                 'id', id, 'title', title, 'status', status, 'event_date', event_date,
                 'organization_id', organization_id, 'url', url) order by (status = 'Live') desc, id desc)
             from shown
         ), '[]') as galleries,
         case when me.role = 'photographer' then json_build_object(
             'certification_level', photographer.certification_level, 'paywall_tier', photographer.paywall_tier,
             'referral_code', photographer.referral_code, 'open_assignments', (
                 select count(*) from assignments
                 where assigned_photographer_id = me.id and job_status <> 'Delivered'
             )) end as photographer,
         case when me.role = 'org' then json_build_object(
             'org_type', org.org_type, 'verified', org.verified_at is not null, 'roster_size', (
                 select count(*) from roster_entries where organization_id = me.id
             )) end as organization
     from me
     left join profiles_parents as parent on parent.user_id = me.id
     left join profiles_organizations as org on org.user_id = me.id
     left join profiles_photographers as photographer on photographer.user_id = me.id",
    [Type::TEXT],
);

fn from_row(row: &Row) -> Result<UserContext, Error> {
    let Json(athletes): Json<Vec<Athlete>> = row.get("athletes");
    let Json(organizations) = row.get("organizations");
    let Json(galleries) = row.get("galleries");
    let photographer: Option<Json<Photographer>> = row.get("photographer");
    let organization: Option<Json<OwnOrganization>> = row.get("organization");
    let role = stored(row, "role")?;
    let typed = |column: &str| Plain::of(row.get::<_, Option<&str>>(column).unwrap_or_default());
    let first_name = typed("first_name");
    let person = match role {
        Role::Admin => Person::Admin,
        Role::Parent => Person::Parent { first_name: first_name.clone(), athletes: named(&athletes) },
        Role::Org => Person::Org {
            first_name: first_name.clone(),
            org_name: typed("org_name"),
            org_type: stored(row, "org_type")?,
        },
        Role::Photographer => Person::Photographer {
            first_name: first_name.clone(),
            level: stored(row, "certification_level")?,
            business_name: typed("business_name"),
        },
    };
    let first_name = Some(first_name).filter(|name| !name.is_empty());
    Ok(UserContext {
        id: UserId(row.get("id")),
        role,
        first_name,
        person,
        athletes,
        organizations,
        galleries,
        photographer: photographer.map(|Json(photographer)| photographer),
        organization: organization.map(|Json(organization)| organization),
    })
}

fn named(athletes: &[Athlete]) -> Vec<(Plain, Option<Sport>)> {
    let sport = |athlete: &Athlete| athlete.sport.as_ref().and_then(|sport| sport.as_str().parse().ok());
    let name = |athlete: &Athlete| athlete.first_name.clone().unwrap_or_else(|| Plain::of(""));
    athletes.iter().map(|athlete| (name(athlete), sport(athlete))).collect()
}
