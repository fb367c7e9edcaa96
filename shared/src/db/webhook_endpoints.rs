//! `webhook_endpoints`: the endpoints of the secret, and how they are doing.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::Transaction;
use super::session::Session;
use super::statement::{Hot, Statement};
use crate::deliveries::Endpoints;
use crate::entries::WrongEntry;
use crate::error::Error;
use crate::tasks::Kind;

/// To write down how endpoints have behaved.
pub static HOT: Hot = &[&LOCK, &RECORD];

/// To keep the table equal to the secret.
pub static HOT_SWEEP: Hot = &[&MOVED, &REGISTER, &DISABLED];

/// How an endpoint has answered the calls of one batch.
#[derive(Clone, Debug)]
pub struct Conduct {
    pub endpoint: String,
    /// The address that was called; what another one did says nothing about this one.
    pub url_sha256: Vec<u8>,
    pub succeeded: bool,
    pub failed: bool,
    /// 410: it wants to hear no more.
    pub gone: bool,
    /// It is to be spared for so long.
    pub pause: Option<Duration>,
    /// How often in a row it had to be spared, this time included.
    pub throttles: i32,
}

/// What has been written down of how endpoints have behaved.
#[derive(Debug, Default)]
pub struct Noted {
    /// Those that still have the address that was called, by name.
    pub noted: Vec<String>,
    /// Those of them that are disabled now.
    pub disabled: Vec<String>,
}

/// Makes the table equal to the secret: an endpoint hears of what happens from then on. One whose entry is wrong stays
/// as it was: what is on its way to it waits until the entry is mended. A new address deserves a new chance, so an
/// endpoint that had been disabled under another one is not any more, and what was put off for the sake of the old one
/// is due. Returns how many endpoints changed.
pub async fn register(tx: &Transaction<'_>, endpoints: &Endpoints) -> Result<usize, Error> {
    if !endpoints.usable() {
        return Ok(0);
    }
    let mut names = Vec::new();
    let mut addresses = Vec::new();
    let mut events = Vec::new();
    for endpoint in endpoints.iter() {
        names.push(endpoint.name.as_str());
        addresses.push(endpoint.url_sha256().to_vec());
        events.push(endpoint.events().iter().map(|event| event.as_str()).collect::<Vec<_>>().join(","));
    }
    let left_out: Vec<&str> = endpoints.wrong().iter().map(WrongEntry::name).collect();
    let moved = moved(tx, &names, &addresses).await?;
    let changed = tx.rows(&REGISTER, [&names, &addresses, &events, &left_out]).await?;
    if !moved.is_empty() {
        free(tx, &moved).await?;
    }
    Ok(changed.len())
}

static REGISTER: Statement<4> = Statement::new(
    "with gone as (
         update webhook_endpoints set removed_at = now()
         where removed_at is null and name <> all ($1) and name <> all ($4)
         returning name
     ),
     present as (
         insert into webhook_endpoints as endpoint (name, url_sha256, events)
         select name, url_sha256, string_to_array(events, ',')
         from unnest($1, $2, $3) as wanted (name, url_sha256, events)
         order by name
         on conflict (name) do update set
             url_sha256 = excluded.url_sha256,
             events = excluded.events,
             removed_at = null,
             disabled_at = case when endpoint.url_sha256 = excluded.url_sha256 then endpoint.disabled_at end,
             disabled_reason = case when endpoint.url_sha256 = excluded.url_sha256 then endpoint.disabled_reason end,
             paused_until = case when endpoint.url_sha256 = excluded.url_sha256 then endpoint.paused_until end,
             throttles = case when endpoint.url_sha256 = excluded.url_sha256 then endpoint.throttles else 0 end,
             failing_since = case when endpoint.url_sha256 = excluded.url_sha256 then endpoint.failing_since end
         where (endpoint.url_sha256, endpoint.events) is distinct from (excluded.url_sha256, excluded.events)
             or endpoint.removed_at is not null
         returning endpoint.name
     )
     select name from gone union all select name from present",
    [Type::TEXT_ARRAY, Type::BYTEA_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// Those that are there under another address. Their rows are locked, so whoever writes down what the old one did comes
/// either before this, and what he puts off is freed, or after it, and puts off nothing.
async fn moved(tx: &Transaction<'_>, names: &[&str], addresses: &[Vec<u8>]) -> Result<Vec<String>, Error> {
    let rows = tx.rows(&MOVED, [&names, &addresses]).await?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

static MOVED: Statement<2> = Statement::new(
    "select endpoint.name
     from webhook_endpoints as endpoint
     join unnest($1, $2) as wanted (name, url_sha256) on wanted.name = endpoint.name
     where wanted.url_sha256 <> endpoint.url_sha256
     order by endpoint.name
     for no key update of endpoint",
    [Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
);

/// What waits for these endpoints is due. What somebody works on is left to him.
async fn free(tx: &Transaction<'_>, endpoints: &[String]) -> Result<(), Error> {
    let kinds = [Kind::DeliverWebhook, Kind::DeliverUserWebhook].map(Kind::as_str);
    tx.rows(&FREE, [&endpoints, &kinds.as_slice()]).await?;
    Ok(())
}

static FREE: Statement<2> = Statement::new(
    "with waiting as materialized (
         select task.kind, task.key
         from webhook_deliveries as delivery
         join tasks as task on task.key = delivery.id
         where delivery.endpoint = any ($1) and delivery.status = 'pending' and task.kind = any ($2)
           and task.failed_at is null and task.lease is null and task.not_before > now()
         for update of task skip locked
     )
     update tasks set not_before = now(), dispatch_at = now()
     from waiting
     where tasks.kind = waiting.kind and tasks.key = waiting.key",
    [Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// Writes down how endpoints have behaved, and disables those that want to hear no more, or have not taken anything
/// for five days.
pub async fn record(tx: &Transaction<'_>, conducts: &[Conduct]) -> Result<Noted, Error> {
    if conducts.is_empty() {
        return Ok(Noted::default());
    }
    let names: Vec<&str> = conducts.iter().map(|conduct| conduct.endpoint.as_str()).collect();
    tx.rows(&LOCK, [&names]).await?;
    let rows = tx
        .rows(
            &RECORD,
            [
                &names,
                &conducts.iter().map(|conduct| conduct.url_sha256.as_slice()).collect::<Vec<_>>(),
                &conducts.iter().map(|conduct| conduct.succeeded).collect::<Vec<_>>(),
                &conducts.iter().map(|conduct| conduct.failed).collect::<Vec<_>>(),
                &conducts.iter().map(|conduct| conduct.gone).collect::<Vec<_>>(),
                &conducts.iter().map(|conduct| conduct.pause.map(|wait| wait.as_secs_f64())).collect::<Vec<_>>(),
                &conducts.iter().map(|conduct| conduct.throttles).collect::<Vec<_>>(),
            ],
        )
        .await?;
    let disabled = rows.iter().filter(|row| row.get("disabled")).map(|row| row.get("name")).collect();
    Ok(Noted { noted: rows.iter().map(|row| row.get("name")).collect(), disabled })
}

static LOCK: Statement<1> = Statement::new(
    "select from webhook_endpoints where name = any ($1) order by name for no key update",
    [Type::TEXT_ARRAY],
);

static RECORD: Statement<7> = Statement::new(
    "with conduct as (
         select * from unnest($1, $2, $3, $4, $5, $6, $7)
             as conduct (name, url_sha256, succeeded, failed, gone, pause, throttles)
     ),
     changed as (
         update webhook_endpoints as endpoint set
             last_success_at = case when succeeded then now() else last_success_at end,
             failing_since = case
                 when succeeded then null
                 when failed or gone then coalesce(failing_since, now())
                 else failing_since
             end,
             paused_until = case
                 when pause is not null then greatest(paused_until, now() + make_interval(secs => pause))
                 when succeeded then null
                 else paused_until
             end,
             throttles = case
                 when succeeded then (pause is not null)::int
                 when pause is not null then greatest(endpoint.throttles, conduct.throttles)
                 else endpoint.throttles
             end,
             disabled_at = coalesce(disabled_at, case
                 when gone or (failed and not succeeded and failing_since < now() - interval '5 days') then now()
             end),
             disabled_reason = coalesce(disabled_reason, case
                 when gone then '410 Gone'
                 when failed and not succeeded and failing_since < now() - interval '5 days'
                     then 'no success for five days'
             end)
         from conduct
         where endpoint.name = conduct.name and endpoint.url_sha256 = conduct.url_sha256
         returning endpoint.name, disabled_at
     )
     select name, disabled_at is not null as disabled from changed",
    [
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
        Type::BOOL_ARRAY,
        Type::BOOL_ARRAY,
        Type::BOOL_ARRAY,
        Type::FLOAT8_ARRAY,
        Type::INT4_ARRAY,
    ],
);

/// How many endpoints of the secret are told nothing.
pub async fn disabled(session: &impl Session) -> Result<i64, Error> {
    let row = session.row(&DISABLED, []).await?;
    Ok(row.map_or(0, |row| row.get("disabled")))
}

static DISABLED: Statement<0> = Statement::new(
    "select count(*) as disabled from webhook_endpoints where disabled_at is not null and removed_at is null",
    [],
);
