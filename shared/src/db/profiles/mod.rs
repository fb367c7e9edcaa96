//! `profiles_parents`, `profiles_organizations`, `profiles_photographers`: what belongs to each role.

mod update;

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::{Json, Type};

pub use update::update;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use super::users::{self, User};
use crate::domain::access::Caller;
use crate::domain::registration::{OrgProfile, ParentProfile, PhotographerProfile};
use crate::domain::{JoinCode, PhoneNumber, ReferralCode, Sport, TaxId, TypedCode, UserId, WebUrl, ZipCode};
use crate::error::Error;

/// To make a profile, to show it and to change it.
pub static HOT: Hot = &[&INSERT_PARENT, &INSERT_ORG, &INSERT_PHOTOGRAPHER, &SHOWN, &update::UPDATE];

/// To show a user all of it.
pub static HOT_OWN: Hot = &[&OWN];

/// How often a code that was made by chance may turn out to be taken before that is our fault.
const TRIES: usize = 5;

pub async fn insert_parent(tx: &Transaction<'_>, user: UserId, parent: &ParentProfile) -> Result<(), Error> {
    let sports: Vec<&str> = parent.sport_interests.iter().map(Sport::as_str).collect();
    tx.rows(
        &INSERT_PARENT,
        [
            &user.0,
            &parent.first_name.as_str(),
            &parent.last_name.as_str(),
            &parent.phone_number.as_ref().map(PhoneNumber::as_str),
            &parent.mailing_address.as_ref().map(Json),
            &parent.referred_by_code.as_ref().map(TypedCode::as_str),
            &sports,
        ],
    )
    .await?;
    Ok(())
}

static INSERT_PARENT: Statement<7> = Statement::new(
    "insert into profiles_parents
         (user_id, first_name, last_name, phone_number, mailing_address, referred_by_code, sport_interests)
     values ($1, $2, $3, $4, $5, nullif($6, ''), $7)",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::JSONB, Type::TEXT, Type::TEXT_ARRAY],
);

/// Makes the organisation's profile with a join code of its own.
pub async fn insert_org(
    tx: &Transaction<'_>,
    user: UserId,
    org: &OrgProfile,
    random: &mut impl FnMut() -> u8,
) -> Result<(), Error> {
    for _ in 0..TRIES {
        let join_code = JoinCode::from_name(org.org_name.as_str(), random);
        let inserted = tx
            .row(
                &INSERT_ORG,
                [
                    &user.0,
                    &org.first_name.as_str(),
                    &org.last_name.as_str(),
                    &org.org_name.as_str(),
                    &org.org_type.as_str(),
                    &org.tax_id.as_ref().map(TaxId::as_str),
                    &org.referred_by_code.as_ref().map(TypedCode::as_str),
                    &join_code.as_str(),
                ],
            )
            .await?;
        if inserted.is_some() {
            return Ok(());
        }
    }
    Err(Error::internal("no free join code was found", format!("{TRIES} tries")))
}

static INSERT_ORG: Statement<8> = Statement::new(
    "insert into profiles_organizations
         (user_id, first_name, last_name, org_name, org_type, tax_id, referred_by_code, join_code)
     values ($1, $2, $3, $4, $5::text::org_type, $6, nullif($7, ''), $8)
     on conflict do nothing
     returning user_id",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
);

/// Makes the photographer's profile with the code that he chose, or with one made from his business name.
///
/// # Errors
/// `referral-code-taken` when he chose somebody else's.
pub async fn insert_photographer(
    tx: &Transaction<'_>,
    user: UserId,
    photographer: &PhotographerProfile,
    random: &mut impl FnMut() -> u8,
) -> Result<(), Error> {
    if let Some(chosen) = &photographer.referral_code {
        return if insert_photographer_as(tx, user, photographer, chosen).await? {
            Ok(())
        } else {
            Err(Error::Conflict {
                code: "referral-code-taken",
                detail: "Another photographer has this referral code. Choose another one, or leave it out to get one.",
            })
        };
    }
    for _ in 0..TRIES {
        let made = ReferralCode::from_name(photographer.business_name.as_str(), random);
        if insert_photographer_as(tx, user, photographer, &made).await? {
            return Ok(());
        }
    }
    Err(Error::internal("no free referral code was found", format!("{TRIES} tries")))
}

async fn insert_photographer_as(
    tx: &Transaction<'_>,
    user: UserId,
    photographer: &PhotographerProfile,
    code: &ReferralCode,
) -> Result<bool, Error> {
    let region: Vec<&str> = photographer.service_region.iter().map(ZipCode::as_str).collect();
    let inserted = tx
        .row(
            &INSERT_PHOTOGRAPHER,
            [
                &user.0,
                &photographer.first_name.as_str(),
                &photographer.last_name.as_str(),
                &photographer.business_name.as_str(),
                &photographer.website_url.as_ref().map(WebUrl::as_str),
                &photographer.social_links,
                &code.as_str(),
                &region,
                &photographer.gear_list,
            ],
        )
        .await?;
    Ok(inserted.is_some())
}

static INSERT_PHOTOGRAPHER: Statement<9> = Statement::new(
    "insert into profiles_photographers
         (user_id, first_name, last_name, business_name, website_url, social_links, referral_code,
          service_region, gear_list)
     values ($1, $2, $3, $4, $5, coalesce($6, '{}'), $7, $8, coalesce($9, '[]'))
     on conflict do nothing
     returning user_id",
    [
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::JSONB,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::JSONB,
    ],
);

/// The profile as the API shows it to its owner: the columns by their names, and the role, which tells profiles apart.
pub async fn shown(session: &impl Session, user: UserId) -> Result<Option<Value>, Error> {
    let row = session.row(&SHOWN, [&user.0]).await?;
    Ok(row.and_then(|row| row.get("profile")))
}

// What a profile shows of its row.
macro_rules! parent {
    () => {
        "jsonb_build_object(
             'role', 'parent',
             'first_name', first_name, 'last_name', last_name, 'phone_number', phone_number,
             'mailing_address', mailing_address, 'referred_by_code', referred_by_code,
             'sport_interests', sport_interests, 'email_alerts', email_alerts,
             'share_athlete_names', share_athlete_names)"
    };
}
macro_rules! org {
    () => {
        "jsonb_build_object(
             'role', 'org',
             'first_name', first_name, 'last_name', last_name, 'org_name', org_name, 'org_type', org_type,
             'tax_id', tax_id, 'referred_by_code', referred_by_code, 'join_code', join_code)"
    };
}
macro_rules! photographer {
    () => {
        "jsonb_build_object(
             'role', 'photographer',
             'first_name', first_name, 'last_name', last_name, 'business_name', business_name,
             'website_url', website_url, 'social_links', social_links, 'referral_code', referral_code,
             'certification_level', certification_level, 'paywall_tier', paywall_tier,
             'training_progress', training_progress, 'service_region', service_region,
             'background_check_status', background_check_status, 'gear_list', gear_list,
             'availability_schedule', availability_schedule)"
    };
}

static SHOWN: Statement<1> = Statement::new(
    concat!(
        "select coalesce(
             (select ",
        parent!(),
        " from profiles_parents where user_id = $1),
             (select ",
        org!(),
        " from profiles_organizations where user_id = $1),
             (select ",
        photographer!(),
        " from profiles_photographers where user_id = $1)
         ) as profile"
    ),
    [Type::UUID],
);

/// A user with all of it, as the API shows it to its owner.
#[derive(Debug, Serialize)]
pub struct Own {
    pub user: User,
    /// Null for an admin.
    pub profile: Value,
    pub athletes: Value,
}

/// The user who calls, with all of it in one round trip.
///
/// # Errors
/// Those of [`users::caller`].
pub async fn own(session: &impl Session, caller: &Caller) -> Result<Own, Error> {
    let row = session.row(&OWN, [&caller.subject.as_str()]).await?;
    let user = users::allowed(caller, row.as_ref().map(users::from_row).transpose()?)?;
    let row = row.ok_or_else(users::not_registered)?;
    let profile = row.get::<_, Option<Value>>("profile").unwrap_or_default();
    Ok(Own { user, profile, athletes: row.get("athletes") })
}

static OWN: Statement<1> = Statement::new(
    concat!(
        "select me.*,
             coalesce(
                 (select ",
        parent!(),
        " from profiles_parents where user_id = me.id),
                 (select ",
        org!(),
        " from profiles_organizations where user_id = me.id),
                 (select ",
        photographer!(),
        " from profiles_photographers where user_id = me.id)
             ) as profile,
             coalesce((
                 select jsonb_agg(jsonb_build_object(
                     'id', id, 'first_name', first_name, 'last_name', last_name, 'dob', dob,
                     'sport_primary', sport_primary) order by id)
                 from athletes where parent_id = me.id
             ), '[]') as athletes
         from (
             select id, email, role::text as role, created_at, zoho_contact_id is not null as zoho_linked
             from users where auth_provider_id = $1
         ) as me"
    ),
    [Type::TEXT],
);
