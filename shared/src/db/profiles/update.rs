//! What somebody changes about herself.

use tokio_postgres::types::{Json, Type};

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::UserId;
use crate::domain::profile::ProfileChanges;
use crate::error::Error;

/// Writes the changes into whichever profile is hers.
pub async fn update(tx: &Transaction<'_>, user: UserId, changes: &ProfileChanges) -> Result<(), Error> {
    tx.rows(&UPDATE, [&user.0, &Json(changes.as_map())]).await?;
    Ok(())
}

// jsonb_populate_record keeps the row's own value where the object has none.
pub(super) static UPDATE: Statement<2> = Statement::new(
    "with parent as (
         update profiles_parents as profile set
             first_name = new.first_name,
             last_name = new.last_name,
             phone_number = new.phone_number,
             mailing_address = new.mailing_address,
             referred_by_code = new.referred_by_code,
             sport_interests = new.sport_interests,
             email_alerts = new.email_alerts,
             share_athlete_names = new.share_athlete_names
         from profiles_parents as old cross join lateral jsonb_populate_record(old, $2) as new
         where old.user_id = $1 and profile.user_id = $1
     ),
     org as (
         update profiles_organizations as profile set
             first_name = new.first_name,
             last_name = new.last_name,
             org_name = new.org_name,
             org_type = new.org_type,
             tax_id = new.tax_id,
             referred_by_code = new.referred_by_code
         from profiles_organizations as old cross join lateral jsonb_populate_record(old, $2) as new
         where old.user_id = $1 and profile.user_id = $1
     )
     update profiles_photographers as profile set
         first_name = new.first_name,
         last_name = new.last_name,
         business_name = new.business_name,
         website_url = new.website_url,
         social_links = new.social_links,
         service_region = new.service_region,
         gear_list = new.gear_list,
         availability_schedule = new.availability_schedule
     from profiles_photographers as old cross join lateral jsonb_populate_record(old, $2) as new
     where old.user_id = $1 and profile.user_id = $1",
    [Type::UUID, Type::JSONB],
);
