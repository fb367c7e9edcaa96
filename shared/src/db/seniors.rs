//! Parents whose "Senior" tag has to come or to go because the school year has changed.

use chrono::NaiveDate;
use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Hot, Statement};
use crate::domain::senior::GraduationYear;
use crate::error::Error;
use crate::tasks::{Kind, Priority};

/// To ask for the parents whose tag has to change.
pub static HOT: Hot = &[&ENQUEUE];

/// Asks for the sync of every linked parent whose tags are not those of this day, in one statement; what is asked for
/// already is left alone, be it due or failed. The sweep wakes the workers: a school year begins for many at once.
/// Returns how many were asked for.
pub async fn enqueue(session: &impl Session, today: NaiveDate) -> Result<i64, Error> {
    let current = GraduationYear::current(today);
    let (first, last) = current.born();
    let row = session
        .row(&ENQUEUE, [&first, &last, &current.tag(), &Kind::SyncZoho.as_str(), &Priority::Backfill.as_i16()])
        .await?;
    Ok(row.map_or(0, |row| row.get("asked")))
}

static ENQUEUE: Statement<5> = Statement::new(
    "with senior as materialized (select distinct parent_id from athletes where dob between $1 and $2),
     due as (
         select link.user_id
         from senior join zoho_links as link on link.user_id = senior.parent_id
         where link.module = 'Contacts' and link.gone_at is null
           and not exists (select from unnest(link.tags) as tag where lower(tag) = lower($3))
         union
         select link.user_id
         from zoho_links as link
         where has_senior_tag(link.tags) and link.module = 'Contacts' and link.gone_at is null
           and (
               exists (
                   select from unnest(link.tags) as tag
                   where tag ilike 'Senior %' and lower(tag) <> lower($3)
               )
               or not exists (select from senior where parent_id = link.user_id)
           )
     ),
     asked as (
         insert into tasks (kind, key, priority, not_before, dispatch_at)
         select $4, users.id, $5, now(), now()
         from due join users on users.id = due.user_id
         where users.zoho_contact_id is not null
         order by users.id
         on conflict (kind, key) do nothing
         returning key
     )
     select count(*) as asked from asked",
    [Type::DATE, Type::DATE, Type::TEXT, Type::TEXT, Type::INT2],
);
