//! What outgoing events are about, as it is now: one statement for each sort of subject, and each row read by itself.

use std::collections::HashMap;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::column::{Loaded, Unreadable, each, stored, stored_list, stored_optional};
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::deliveries::{Data, DeletedUserData, GalleryData, ReferralData, Subject, UserData};
use crate::domain::{GalleryId, ReferralId, UserId};
use crate::error::Error;

/// To read subjects of each sort.
pub static HOT: Hot = &[&USERS, &GALLERIES, &REFERRALS];

/// Those of the subjects that (still) exist.
#[derive(Debug, Default)]
pub struct Subjects {
    pub found: HashMap<Subject, Data>,
    pub unreadable: HashMap<Subject, Unreadable>,
}

impl Subjects {
    fn add<T>(&mut self, loaded: Loaded<T>, subject: impl Fn(Uuid) -> Subject, data: impl Fn(T) -> (Subject, Data)) {
        self.found.extend(loaded.rows.into_iter().map(data));
        self.unreadable.extend(loaded.unreadable.into_iter().map(|row| (subject(row.key), row)));
    }
}

/// Reads these subjects.
pub async fn load(session: &impl Session, subjects: &[Subject]) -> Result<Subjects, Error> {
    let (mut user_ids, mut gallery_ids, mut referral_ids) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = HashMap::new();
    for subject in subjects {
        match subject {
            Subject::User(id) => user_ids.push(id.0),
            Subject::Gallery(id) => gallery_ids.push(id.0),
            Subject::Referral(id) => referral_ids.push(id.0),
            // There is nothing left to read, and no more than the id is told.
            Subject::DeletedUser(id) => {
                drop(found.insert(*subject, Data::DeletedUser(DeletedUserData { user_id: *id })));
            }
        }
    }
    let mut subjects = Subjects { found, unreadable: HashMap::new() };
    subjects.add(
        users(session, &user_ids).await?,
        |key| Subject::User(UserId(key)),
        |user| (Subject::User(user.user_id), Data::User(user)),
    );
    subjects.add(
        galleries(session, &gallery_ids).await?,
        |key| Subject::Gallery(GalleryId(key)),
        |gallery| (Subject::Gallery(gallery.gallery_id), Data::Gallery(gallery)),
    );
    subjects.add(
        referrals(session, &referral_ids).await?,
        |key| Subject::Referral(ReferralId(key)),
        |referral| (Subject::Referral(referral.referral_id), Data::Referral(referral)),
    );
    Ok(subjects)
}

async fn users(session: &impl Session, ids: &[Uuid]) -> Result<Loaded<UserData>, Error> {
    if ids.is_empty() {
        return Ok(Loaded::default());
    }
    let rows = session.rows(&USERS, [&ids]).await?;
    Ok(each(&rows, "id", user))
}

static USERS: Statement<1> = Statement::new(
    "select
         users.id,
         users.role::text as role,
         users.email,
         coalesce(parent.first_name, org.first_name, photographer.first_name) as first_name,
         coalesce(parent.last_name, org.last_name, photographer.last_name) as last_name,
         parent.phone_number,
         org.org_name,
         coalesce(parent.referred_by_code, org.referred_by_code) as referred_by_code,
         array(
             select unnest(parent.sport_interests)
             union
             select sport_primary from athletes where parent_id = users.id and sport_primary is not null
             order by 1
         ) as sports
     from users
     left join profiles_parents as parent on parent.user_id = users.id
     left join profiles_organizations as org on org.user_id = users.id
     left join profiles_photographers as photographer on photographer.user_id = users.id
     where users.id = any ($1)",
    [Type::UUID_ARRAY],
);

fn user(row: &Row) -> Result<UserData, Error> {
    Ok(UserData {
        user_id: UserId(row.get("id")),
        role: stored(row, "role")?,
        email: stored(row, "email")?,
        first_name: stored_optional(row, "first_name")?,
        last_name: stored_optional(row, "last_name")?,
        phone_number: stored_optional(row, "phone_number")?,
        org_name: stored_optional(row, "org_name")?,
        sport_interest: stored_list(row, "sports")?,
        referred_by_code: stored_optional(row, "referred_by_code")?,
    })
}

async fn galleries(session: &impl Session, ids: &[Uuid]) -> Result<Loaded<GalleryData>, Error> {
    if ids.is_empty() {
        return Ok(Loaded::default());
    }
    let rows = session.rows(&GALLERIES, [&ids]).await?;
    let gallery = |row: &Row| {
        Ok(GalleryData {
            gallery_id: GalleryId(row.get("id")),
            host: stored(row, "host")?,
            external_host_id: stored(row, "external_host_id")?,
            title: stored(row, "title")?,
            event_date: row.get("event_date"),
            public_url: stored_optional(row, "public_url")?,
            organization_id: UserId(row.get("organization_id")),
            organization_name: stored(row, "org_name")?,
            live_at: row.get("live_at"),
        })
    };
    Ok(each(&rows, "id", gallery))
}

static GALLERIES: Statement<1> = Statement::new(
    "select
         gallery.id, gallery.host, gallery.external_host_id, gallery.title, gallery.event_date, gallery.public_url,
         gallery.organization_id, org.org_name, gallery.live_at
     from galleries as gallery
     join profiles_organizations as org on org.user_id = gallery.organization_id
     where gallery.id = any ($1)",
    [Type::UUID_ARRAY],
);

async fn referrals(session: &impl Session, ids: &[Uuid]) -> Result<Loaded<ReferralData>, Error> {
    if ids.is_empty() {
        return Ok(Loaded::default());
    }
    let rows = session.rows(&REFERRALS, [&ids]).await?;
    let referral = |row: &Row| {
        Ok(ReferralData {
            referral_id: ReferralId(row.get("id")),
            photographer_id: row.get::<_, Option<_>>("photographer_id").map(UserId),
            referred_user_id: row.get::<_, Option<_>>("referred_user_id").map(UserId),
            action_type: stored(row, "action_type")?,
            commission_status: row.get("commission_status"),
            source: row.get("source"),
            external_ref: row.get("external_ref"),
            created_at: row.get("created_at"),
        })
    };
    Ok(each(&rows, "id", referral))
}

static REFERRALS: Statement<1> = Statement::new(
    "select
         id, photographer_id, referred_user_id, action_type::text as action_type,
         commission_status::text as commission_status, source, external_ref, created_at
     from referral_ledger
     where id = any ($1)",
    [Type::UUID_ARRAY],
);
