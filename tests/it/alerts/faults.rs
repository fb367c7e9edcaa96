//! Alerts while something breaks: Zoho, the way to it, or the worker. Zoho has no idempotency key, so what may have
//! gone is never sent again.

use local::stack::Options;
use serde_json::{Value, json};
use tests::{Detour, System, Webhook, eventually, sheree};

/// Alerts are on, Sheree waits for a gallery, and Zoho tells what became of an e-mail only when it is asked to.
async fn sheree_waits_with(options: Options) -> System {
    let set = [("ENABLE_EMAIL_ALERTS".to_owned(), "true".to_owned())].into();
    let system = System::with_options(Options { set, ..options }).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.gallery("PD-1").await;
    system.keep_receipts().await;
    system
}

async fn sheree_waits() -> System {
    sheree_waits_with(Options::default()).await
}

/// The reason that an operator reads on the task of the only batch.
async fn failure(system: &System) -> Option<Value> {
    let rows = system.rows("select failure from tasks where kind = 'send-alerts' and lease is null", &[]).await;
    rows.first().and_then(|row| row.get("failure"))
}

/// Everything that could make a worker send the batch again.
async fn try_everything_to_send_it_again(system: &System) {
    system.mend_zoho().await;
    for _ in 0..2 {
        system.let_an_hour_pass().await;
        system.sweep().await;
        system.wake("send-alerts", &[system.batch().await]).await;
        system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    }
    system.fanned_out().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_zoho_acted_leaves_an_uncertain_alert_that_is_not_sent_again() {
    let system = sheree_waits().await;
    system.fault("transmission", "hang-before", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.held("transmission").await;

    system.kill("send-alerts").await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["uncertain"]).await;
    try_everything_to_send_it_again(&system).await;

    assert_eq!((system.alerts().await, system.batches().await), (vec!["uncertain".into()], vec!["uncertain".into()]));
    assert_eq!(system.calls("transmission").await, 1);
    assert_eq!(system.recipients().await, [Value::Null; 0]);
    assert_eq!(system.count("tasks where kind = 'send-alerts'").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_zoho_acted_leaves_an_uncertain_alert_that_a_receipt_proves() {
    let system = sheree_waits().await;
    system.fault("transmission", "hang-after", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.held("transmission").await;

    system.kill("send-alerts").await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["uncertain"]).await;
    try_everything_to_send_it_again(&system).await;
    let before_the_receipt = system.alerts().await;
    let receipt = json!({"transmission_name": system.batch().await, "action": "email_delivered"});
    system.zoho_post("receipts", &receipt).await;

    assert_eq!(before_the_receipt, ["uncertain"]);
    assert_eq!((system.alerts().await, system.batches().await), (vec!["delivered".into()], vec!["sent".into()]));
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_receipt_of_a_batch_proves_that_all_of_it_went() {
    let system = sheree_waits().await;
    system.add_parents(2).await;
    system.fault("transmission", "reset-after", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["uncertain", "uncertain", "uncertain"]).await;
    let batch = system.batch().await;
    let opened = json!({"transmission_name": batch, "action": "email_open", "address": "sheree@example.com"});

    system.zoho_post("receipts", &opened).await;
    let after_one = system.alerts().await;
    let again = system.send_receipt("email_open", batch).await;

    assert_eq!(after_one, ["sent", "sent", "sent"]);
    assert_eq!((again.status, system.batches().await), (202, vec!["sent".to_owned()]));
    system.stop().await;
}

/// The database forgets that a batch has begun, as one may that fails over.
async fn lose_the_mark(system: &System) {
    let lost = "create function lose_the_mark() returns trigger language plpgsql as $$ begin return old; end $$;
                create trigger lose_the_mark before update on alert_batches for each row
                    when (new.status = 'sending') execute function lose_the_mark()";
    system.session().await.batch_execute(lost).await.expect("the trigger is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_mark_was_lost_is_sent_if_zoho_took_it_and_uncertain_if_nobody_knows() {
    for (fault, status) in [(None, "sent"), (Some("reset-after"), "uncertain")] {
        let system = sheree_waits().await;
        lose_the_mark(&system).await;
        if let Some(fault) = fault {
            system.fault("transmission", fault, &json!({})).await;
        }

        system.send_webhook(&Webhook::gallery_published("PD-1")).await;
        system.alerts_become(&[status]).await;
        try_everything_to_send_it_again(&system).await;

        assert_eq!((system.alerts().await, system.batches().await), (vec![status.into()], vec![status.to_owned()]));
        assert_eq!(system.calls("transmission").await, 1);
        system.make_admin("ops").await;
        assert_eq!(system.get("/api/admin/integrations", "ops").await.status, 200);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_the_batch_that_it_names_whatever_that_says_of_itself() {
    let system = sheree_waits().await;
    system.pause("send-alerts").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["queued"]).await;
    let batch = system.batch().await;

    for (status, alert) in [("queued", "queued"), ("held", "held"), ("skipped", "queued")] {
        let was = "update alert_batches set status = $1::text::batch_status, sending_at = null, sent_at = null";
        system.rows(was, &[&status]).await;
        system.rows("update gallery_alerts set status = $1::text::alert_status", &[&alert]).await;

        let answer = system.send_receipt("email_open", batch).await;

        assert_eq!(answer.status, 202);
        assert_eq!((system.alerts().await, system.batches().await), (vec!["sent".into()], vec!["sent".to_owned()]));
    }
    system.rows("update task_kinds set paused_until = null, reason = null where kind = 'send-alerts'", &[]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.settled("send-alerts").await;
    assert_eq!(system.calls("transmission").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_it_marked_the_batch_is_replaced_and_the_alert_sent_once() {
    let system = sheree_waits().await;
    system.pause("send-alerts").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["queued"]).await;
    system.ready("send-alerts", 1).await;
    let lock = system.lock_table("alert_batches").await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    lock.waited_for_by(1).await;

    system.kill("send-alerts").await;
    lock.release().await;
    let after_the_kill = system.alerts().await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["sent"]).await;
    try_everything_to_send_it_again(&system).await;

    assert_eq!(after_the_kill, ["queued"]);
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoho_says_nothing_the_alert_is_uncertain() {
    let system = sheree_waits().await;
    system.fault("transmission", "hang-before", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.held("transmission").await;

    system.alerts_become(&["uncertain"]).await;
    try_everything_to_send_it_again(&system).await;

    assert_eq!((system.alerts().await, system.batches().await), (vec!["uncertain".into()], vec!["uncertain".into()]));
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoho_fails_in_the_middle_the_alert_is_uncertain() {
    for fault in ["status-500", "html-500", "status-502", "reset"] {
        let system = sheree_waits().await;
        system.fault("transmission", fault, &json!({})).await;

        system.send_webhook(&Webhook::gallery_published("PD-1")).await;
        system.alerts_become(&["uncertain"]).await;
        try_everything_to_send_it_again(&system).await;

        assert_eq!(system.alerts().await, ["uncertain"], "{fault}");
        assert_eq!(system.calls("transmission").await, 1, "{fault}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoho_cannot_be_reached_the_alert_waits_and_goes_later() {
    let mut detour = Detour::closed().await;
    let system = sheree_waits_with(Options { zoho_url: Some(detour.url()), ..Options::default() }).await;
    // A token that still lives, so that it is the transmission which finds nobody.
    system.have_a_token("1000.earlier.day").await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let reason = eventually("the attempt is over", || failure(&system)).await;
    let while_closed = (system.alerts().await, system.batches().await);
    detour.open(&system.endpoints().zoho).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["sent"]).await;

    assert_eq!(reason["code"], "unreachable");
    assert_eq!(while_closed, (vec!["queued".to_owned()], vec!["queued".to_owned()]));
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoho_asks_to_slow_down_all_alerts_wait_with_its_reason() {
    let system = sheree_waits().await;
    system.fault("transmission", "status-429", &json!({"retry_after": 1200})).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let reason = eventually("the attempt is over", || failure(&system)).await;
    let paused = "select reason from task_kinds where kind = 'send-alerts'
                  and paused_until between now() + interval '19 minutes' and now() + interval '20 minutes'";
    let paused: String = system.value(paused, &[]).await;
    let while_paused = system.alerts().await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["sent"]).await;

    assert_eq!(reason["code"], "TOO_MANY_REQUESTS");
    assert!(paused.starts_with("TOO_MANY_REQUESTS"), "{paused}");
    assert_eq!(while_paused, ["queued"]);
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_zoho_does_not_take_is_replaced_and_the_alert_goes_once() {
    let system = sheree_waits().await;
    system.have_a_token("1000.revoked.token").await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"]).await;

    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    assert_eq!((system.calls("token").await, system.calls("transmission").await), (1, 2));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_zoho_refuses_waits_for_a_person() {
    let system = sheree_waits().await;
    system.zoho_post("settings", &json!({"template_ids": ["another"]})).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let reason = eventually("the attempt is over", || failure(&system)).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;

    assert_eq!(reason["code"], "400007");
    assert_eq!(system.count("tasks where kind = 'send-alerts' and failed_at is not null").await, 1);
    assert_eq!((system.alerts().await, system.calls("transmission").await), (vec!["queued".to_owned()], 1));
    system.stop().await;
}
