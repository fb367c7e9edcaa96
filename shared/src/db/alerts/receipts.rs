//! What Zoho's receipts change: batches that went, alerts that arrived, addresses that must not be written to.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Transaction;
use super::super::session::Session;
use super::super::statement::Statement;
use super::locks::lock;
use crate::domain::alert::{Receipt, ReceiptAction};
use crate::error::Error;

/// What Zoho says became of e-mails. Any receipt proves that its batch went, also where somebody has asked for it to be
/// sent again meanwhile; saying it again changes nothing.
pub async fn receive(tx: &Transaction<'_>, receipts: &[Receipt]) -> Result<(), Error> {
    let alerts: Vec<Option<Uuid>> = receipts.iter().map(|receipt| receipt.alert.map(|id| id.0)).collect();
    let batches: Vec<Option<Uuid>> = receipts.iter().map(|receipt| receipt.batch.map(|id| id.0)).collect();
    let addresses: Vec<Option<&[u8]>> =
        receipts.iter().map(|receipt| receipt.address.as_ref().map(|hash| hash.as_bytes().as_slice())).collect();
    let outcomes: Vec<Option<&str>> = receipts.iter().map(|receipt| outcome(receipt.action)).collect();
    let suppressed: Vec<Option<&str>> = receipts.iter().map(|receipt| receipt.action.suppresses()).collect();
    let locked = lock(tx, &batches, &alerts).await?;
    prove(tx, &locked, &batches).await?;
    tx.rows(&RECEIVE, [&alerts, &batches, &addresses, &outcomes, &suppressed]).await?;
    Ok(())
}

static RECEIVE: Statement<5> = Statement::new(
    "with receipt as (
         select * from unnest($1, $2, $3, $4, $5) as receipt (alert_id, batch_id, address, outcome, reason)
     ),
     -- The address that the e-mail went to; the parent may have another one by now, or none.
     suppressed as (
         insert into email_suppressions (email_sha256, reason)
         select distinct on (1) coalesce(receipt.address, email_sha256(users.email)), receipt.reason
         from receipt
         left join gallery_alerts as alert on alert.id = receipt.alert_id
         left join users on users.id = alert.parent_id
         where receipt.reason is not null
           and coalesce(receipt.address, email_sha256(users.email)) is not null
           and (
               alert.id is not null
               or exists (select from alert_batches as batch where batch.id = receipt.batch_id)
           )
         on conflict (email_sha256) do nothing
     )
     update gallery_alerts as alert set
         status = receipt.outcome::alert_status,
         delivered_at = case when receipt.outcome = 'delivered' then coalesce(delivered_at, now()) else delivered_at end
     from receipt
     where alert.id = receipt.alert_id and receipt.outcome is not null and alert.status <> 'bounced'",
    [Type::UUID_ARRAY, Type::UUID_ARRAY, Type::BYTEA_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// These batches went. One that receipts name went under that name, whatever it says of itself. One that an alert has come
/// to since, when it was to be sent again, or was held, went if it had begun to before.
async fn prove(tx: &Transaction<'_>, batches: &[Uuid], named: &[Option<Uuid>]) -> Result<(), Error> {
    tx.rows(&PROVE, [&batches, &named]).await?;
    Ok(())
}

static PROVE: Statement<2> = Statement::new(
    "with proven as (
         update alert_batches set
             status = 'sent',
             sent_at = coalesce(sent_at, now()),
             sending_at = coalesce(sending_at, now())
         where id = any ($1) and status <> 'sent'
           and (id = any ($2) or status in ('sending', 'uncertain') or sending_at is not null and status <> 'skipped')
         returning id
     )
     update gallery_alerts set status = 'sent'
     from proven
     where batch_id = proven.id and gallery_alerts.status in ('queued', 'held', 'sending', 'uncertain')",
    [Type::UUID_ARRAY, Type::UUID_ARRAY],
);

fn outcome(action: ReceiptAction) -> Option<&'static str> {
    match action {
        ReceiptAction::Delivered => Some("delivered"),
        ReceiptAction::HardBounce => Some("bounced"),
        ReceiptAction::SoftBounce | ReceiptAction::Spam | ReceiptAction::Unsubscribed | ReceiptAction::Other => None,
    }
}
