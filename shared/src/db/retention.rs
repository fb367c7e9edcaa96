//! What is kept for a while only: events that nobody came for, what events said, what endpoints answered, what calls to
//! the CRM cost minute by minute, conflicts with it, who was deleted there, and who has typed wrong codes.

use tokio_postgres::types::Type;

use super::session::Session;
use super::statement::{Hot, Statement};
use crate::error::Error;

/// To drop what is too old.
pub static HOT: Hot = &[&APPLY];

/// How long an event waits for what it is about.
const WAITS_DAYS: i32 = 90;
/// How long it is kept what an event said or an endpoint answered.
const SAID_DAYS: i32 = 30;
/// How long it is kept what calls to the CRM cost. Zoho counts a rolling day.
const SPENT_DAYS: i32 = 2;
/// How long it is known who has been deleted in the CRM, too: longer than the sixty days for which its recycle bin could
/// give her back.
const ERASED_DAYS: i32 = 90;
/// How long a conflict is kept after it was noticed last.
const CONFLICT_DAYS: i32 = 180;

/// Ends what has waited for too long, with its row for a record, and drops what nobody needs any more: payloads, with
/// them the hash of a buyer's address, answers, conflicts, and who was deleted. A thousand of each at once. Returns how
/// many events expired.
pub async fn apply(session: &impl Session) -> Result<i64, Error> {
    let row = session.row(&APPLY, [&WAITS_DAYS, &SAID_DAYS, &SPENT_DAYS, &ERASED_DAYS, &CONFLICT_DAYS]).await?;
    Ok(row.map_or(0, |row| row.get("expired")))
}

static APPLY: Statement<5> = Statement::new(
    "with expired as (
         update webhook_inbox set
             status = 'expired',
             ended_at = now(),
             payload = null,
             subject = case when subject like 'buyer:%' then 'buyer:' else subject end
         where id = any (array(
             select id from webhook_inbox
             where status = 'pending' and received_at < now() - make_interval(days => $1)
             order by received_at
             limit 1000
             for update skip locked
         ))
         returning id
     ),
     emptied as (
         update webhook_inbox set
             payload = null,
             subject = case when subject like 'buyer:%' then 'buyer:' else subject end
         where id = any (array(
             select id from webhook_inbox
             where payload is not null and coalesce(applied_at, ended_at) < now() - make_interval(days => $2)
             order by coalesce(applied_at, ended_at)
             limit 1000
             for update skip locked
         ))
     ),
     forgotten as (
         update webhook_deliveries set last_answer = null
         where id = any (array(
             select id from webhook_deliveries
             where last_answer is not null and last_attempt_at < now() - make_interval(days => $2)
             order by last_attempt_at
             limit 1000
             for update skip locked
         ))
     ),
     guessed as (
         -- no code is counted for longer
         delete from wrong_join_codes where tried_at < now() - interval '1 hour'
     ),
     spent as (
         delete from zoho_usage where minute < now() - make_interval(days => $3)
     ),
     erased as (
         delete from erasures
         where user_id = any (array(
             select user_id from erasures
             where erased_at < now() - make_interval(days => $4)
             order by erased_at
             limit 1000
             for update skip locked
         ))
     ),
     settled as (
         delete from sync_conflicts
         where id = any (array(
             select id from sync_conflicts
             where noticed_at < now() - make_interval(days => $5)
             order by noticed_at
             limit 1000
             for update skip locked
         ))
     )
     select count(*) as expired from expired",
    [Type::INT4, Type::INT4, Type::INT4, Type::INT4, Type::INT4],
);
