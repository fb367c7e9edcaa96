//! Admins send alerts that were held, and decide on batches of which nobody knows whether they went.

use futures_util::future::{join, join_all, join3};
use serde_json::{Value, json};
use tests::{Answer, System, Webhook, eventually, sheree};
use uuid::Uuid;

const SEND: &str = "/api/admin/alerts/send";

/// Two admins, Cathy's school with Sheree on its roster, and a gallery.
async fn with_a_gallery(flags: &[&str]) -> (System, Uuid) {
    let system = System::with(flags).await;
    for admin in ["ops", "eve"] {
        system.make_admin(admin).await;
    }
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    let gallery = system.gallery("PD-1").await;
    system.keep_receipts().await;
    (system, gallery)
}

/// A gallery that went live while alerts were off; they are on by now.
async fn with_held_alerts(more_parents: i32) -> (System, Uuid) {
    let (system, gallery) = with_a_gallery(&[]).await;
    system.add_parents(more_parents).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
    (system, gallery)
}

/// A batch that Zoho did not answer to, and that did not go.
async fn with_an_uncertain_batch(fault: &str) -> (System, Uuid) {
    let (system, _) = with_a_gallery(&["ENABLE_EMAIL_ALERTS"]).await;
    system.fault("transmission", fault, &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["uncertain"]).await;
    system.mend_zoho().await;
    let batch = system.batch().await;
    (system, batch)
}

async fn decide(system: &System, admin: &str, batch: Uuid, decision: &str) -> Answer {
    system.post(SEND, admin, &json!({"batch_id": batch, "decision": decision})).await
}

/// A batch of so many alerts that went, although Zoho's answer got lost.
async fn with_an_uncertain_batch_that_went(alerts: usize) -> (System, Uuid, Vec<Uuid>) {
    let (system, _) = with_a_gallery(&["ENABLE_EMAIL_ALERTS"]).await;
    system.add_parents(i32::try_from(alerts).expect("few") - 1).await;
    system.fault("transmission", "reset-after", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&vec!["uncertain"; alerts]).await;
    system.mend_zoho().await;
    let ids = system.rows("select id from gallery_alerts order by id", &[]).await;
    let batch = system.batch().await;
    (system, batch, ids.iter().map(|row| row.get(0)).collect())
}

async fn delivered(system: &System, batch: Uuid, alert: Uuid) -> Answer {
    let data = json!([{"transmission_name": batch, "rcpt_additional_data": {"alert": alert}}]);
    let receipt = json!({"action": "email_delivered", "data": data});
    system.send_receipt_with(&system.receipt_token().await, &receipt).await
}

fn conflicts(answers: &[&Answer], code: &str) -> usize {
    answers.iter().filter(|answer| answer.status == 409 && answer.code() == code).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn held_alerts_are_sent_once_when_an_admin_says_so() {
    let (system, gallery) = with_held_alerts(0).await;

    let answer = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;
    system.alerts_become(&["sent"]).await;
    let again = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;
    system.woken().await;

    assert_eq!((answer.status, answer.body), (202, json!({"alerts": 1})));
    assert_eq!((again.status, again.body), (202, json!({"alerts": 0})));
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_at_once_one_sends_and_nobody_gets_two_mails() {
    let (system, gallery) = with_held_alerts(449).await;
    let body = json!({ "gallery_id": gallery });
    system.ready("send-held-alerts", 2).await;
    let lock = system.lock_table("galleries").await;

    let both = join(system.post(SEND, "ops", &body), system.post(SEND, "eve", &body));
    let release = async {
        lock.waited_for_by(1).await;
        lock.release().await;
    };
    let ((one, other), ()) = join(both, release).await;
    system.alerts_become(&["sent"; 450]).await;

    let mut alerts = [&one, &other].map(|answer| answer.body["alerts"].as_i64().unwrap());
    alerts.sort_unstable();
    assert_eq!(alerts, [0, 450]);
    assert_eq!(system.batches().await, ["sent"; 3]);
    let mut addresses = system.addresses().await;
    assert_eq!(addresses.len(), 450);
    addresses.dedup();
    assert_eq!(addresses.len(), 450);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_of_more_alerts_than_a_transaction_takes_is_sent_in_one_request() {
    let (system, gallery) = with_held_alerts(40_000).await;
    system.stack().set_mappings_enabled(false).await;

    let answer = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;

    assert_eq!(answer.body, json!({"alerts": 40_001}));
    assert_eq!(system.count("gallery_alerts where status = 'queued'").await, 40_001);
    assert_eq!(system.count("alert_batches").await, 201);
    assert_eq!(system.count("tasks where kind = 'send-alerts'").await, 201);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_batches_are_sent_as_well() {
    let (system, gallery) = with_a_gallery(&["ENABLE_EMAIL_ALERTS"]).await;
    system.pause("send-alerts").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["queued"]).await;
    system.woken().await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.alerts_become(&["held"]).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;

    let answer = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;
    system.alerts_become(&["sent"]).await;

    assert_eq!(answer.body, json!({"alerts": 1}));
    assert_eq!(system.batches().await, ["sent", "skipped"]);
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_alerts_are_off_or_there_is_nothing_to_see() {
    let (system, gallery) = with_held_alerts(0).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
    let off = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;

    let archived = system.post(SEND, "ops", &json!({ "gallery_id": gallery })).await;
    let unknown = system.post(SEND, "ops", &json!({ "gallery_id": Uuid::nil() })).await;

    assert_eq!((off.status, off.code()), (409, "alerts-are-off"));
    assert_eq!((archived.status, archived.code()), (409, "gallery-not-live"));
    assert_eq!((unknown.status, unknown.code()), (404, "unknown-gallery"));
    assert_eq!(system.alerts().await, ["held"]);
    assert_eq!(system.count("tasks where kind = 'send-alerts'").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_batch_that_went_is_sent_when_an_admin_says_so() {
    let (system, batch) = with_an_uncertain_batch("reset-after").await;

    let answer = decide(&system, "ops", batch, "sent").await;
    let again = decide(&system, "ops", batch, "send-again").await;
    system.woken().await;

    assert_eq!((answer.status, answer.body), (202, json!({"alerts": 1})));
    assert_eq!((again.status, again.code()), (409, "not-uncertain"));
    assert_eq!((system.alerts().await, system.batches().await), (vec!["sent".to_owned()], vec!["sent".to_owned()]));
    assert_eq!(system.count("alert_batches where sent_at is not null").await, 1);
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_batch_is_sent_again_once_when_two_admins_say_so() {
    let (system, batch) = with_an_uncertain_batch("reset").await;
    system.ready("send-held-alerts", 2).await;
    let lock = system.lock_table("alert_batches").await;

    let both = join(decide(&system, "ops", batch, "send-again"), decide(&system, "eve", batch, "send-again"));
    let release = async {
        lock.waited_for_by(1).await;
        lock.release().await;
    };
    let ((one, other), ()) = join(both, release).await;
    system.alerts_become(&["sent"]).await;
    system.woken().await;

    assert_eq!(
        [&one, &other].iter().filter(|answer| answer.body == json!({"alerts": 1})).count(),
        1,
        "{one:?} {other:?}"
    );
    assert_eq!(conflicts(&[&one, &other], "not-uncertain"), 1, "{one:?} {other:?}");
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    assert_eq!(system.calls("transmission").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_unsubscribed_meanwhile_gets_nothing_again() {
    let (system, batch) = with_an_uncertain_batch("reset").await;
    system.rows("insert into email_suppressions values (sha256('sheree@example.com'), 'unsubscribe')", &[]).await;

    decide(&system, "ops", batch, "send-again").await;
    system.alerts_become(&["suppressed"]).await;

    assert_eq!(system.addresses().await, [""; 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_leaves_nothing_to_decide() {
    let (system, batch) = with_an_uncertain_batch("reset-after").await;
    system.send_receipt("email_open", batch).await;

    let answer = decide(&system, "ops", batch, "send-again").await;

    assert_eq!((answer.status, answer.code()), (409, "not-uncertain"));
    assert_eq!(system.alerts().await, ["sent"]);
    assert_eq!(system.calls("transmission").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_stays_uncertain_where_it_could_not_be_sent_again() {
    let (system, batch) = with_an_uncertain_batch("reset").await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
    let off = decide(&system, "ops", batch, "send-again").await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;
    let archived = decide(&system, "ops", batch, "send-again").await;
    let before = system.batches().await;
    let unknown = decide(&system, "ops", Uuid::nil(), "sent").await;

    let sent = decide(&system, "ops", batch, "sent").await;

    assert_eq!((off.status, off.code()), (409, "alerts-are-off"));
    assert_eq!((archived.status, archived.code()), (409, "gallery-not-live"));
    assert_eq!(before, ["uncertain"]);
    assert_eq!((unknown.status, unknown.code()), (404, "unknown-batch"));
    assert_eq!((sent.status, system.batches().await), (202, vec!["sent".to_owned()]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_request_is_told_at_once() {
    let (system, gallery) = with_a_gallery(&[]).await;
    let bodies: [(Value, &[&str]); 5] = [
        (json!({}), &["/gallery_id"]),
        (json!({"gallery_id": "1", "force": true}), &["/gallery_id", "/force"]),
        (json!({"gallery_id": gallery, "decision": "sent"}), &["/decision"]),
        (json!({"batch_id": "1", "decision": "maybe"}), &["/batch_id", "/decision"]),
        (json!({"batch_id": gallery, "gallery_id": gallery, "decision": "sent"}), &["/gallery_id"]),
    ];

    for (body, places) in bodies {
        let answer = system.post(SEND, "ops", &body).await;
        assert_eq!((answer.status, &*answer.wrong_fields()), (422, places), "{body}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_a_decision_at_once_wait_for_each_other_and_not_for_ever() {
    let (system, batch, alerts) = with_an_uncertain_batch_that_went(6).await;
    system.ready("send-held-alerts", 1).await;
    let lock = system.lock_table("alert_batches").await;

    let receipts = join_all(alerts.iter().map(|alert| delivered(&system, batch, *alert)));
    let release = async {
        lock.waited_for_by(4).await;
        lock.release().await;
    };
    let (receipts, decided, ()) = join3(receipts, decide(&system, "ops", batch, "sent"), release).await;

    for receipt in &receipts {
        assert_eq!(receipt.status, 202, "{}", receipt.body);
    }
    assert!(decided.status == 202 || conflicts(&[&decided], "not-uncertain") == 1, "{decided:?}");
    assert_eq!((system.alerts().await, system.batches().await), (vec!["delivered".to_owned(); 6], vec!["sent".into()]));
    assert!(!system.logs().contains("deadlock"), "nobody was sent away to begin anew");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_the_first_sending_stops_the_second() {
    for meanwhile in ["queued", "held", "throttled"] {
        let (system, batch, alerts) = with_an_uncertain_batch_that_went(2).await;
        if meanwhile == "throttled" {
            system.fault("transmission", "status-429", &json!({"retry_after": 1200})).await;
        } else {
            system.pause("send-alerts").await;
        }
        assert_eq!(decide(&system, "ops", batch, "send-again").await.status, 202);
        if meanwhile == "held" {
            system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
            system.let_an_hour_pass().await;
            system.sweep().await;
            system.alerts_become(&["held", "held"]).await;
            system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
        }
        if meanwhile == "throttled" {
            eventually("the attempt is over", || async {
                (system.count("tasks where kind = 'send-alerts' and failure is not null").await == 1).then_some(())
            })
            .await;
            system.mend_zoho().await;
        }

        let receipt = delivered(&system, batch, alerts[0]).await;
        system.let_an_hour_pass().await;
        system.sweep().await;
        system.woken().await;

        assert_eq!(receipt.status, 202, "{meanwhile}: {}", receipt.body);
        assert_eq!(system.alerts().await, ["delivered", "sent"], "{meanwhile}");
        assert_eq!(system.batches().await, ["sent"], "{meanwhile}");
        assert_eq!(system.addresses().await, ["parent-1@example.com", "sheree@example.com"], "{meanwhile}");
        assert_eq!(system.count("tasks where kind = 'send-alerts'").await, 0, "{meanwhile}");
        system.stop().await;
    }
}
