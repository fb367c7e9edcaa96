//! Endpoints of outgoing webhooks: which there are, and what becomes of those that do not take what they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tests::{Delivery, System, Webhook, sheree};
use tokio::time::{Instant, timeout};

const KIND: &str = "deliver-webhook";

/// A school with galleries that have gone live, one delivery to zapier each.
async fn live_galleries(flags: &[&str], galleries: &[&str]) -> System {
    let system = System::with_endpoints(flags).await;
    system.school().await;
    for gallery in galleries {
        goes_live(&system, gallery).await;
    }
    system
}

async fn goes_live(system: &System, external_host_id: &str) {
    system.gallery(external_host_id).await;
    system.send_webhook(&Webhook::gallery_published(external_host_id)).await;
}

fn statuses(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| &*delivery.status).collect()
}

/// What stands in a column of the table of endpoints, as text; empty if nothing does.
async fn endpoint(system: &System, name: &str, column: &str) -> String {
    let sql = format!("select coalesce({column}::text, '') from webhook_endpoints where name = $1");
    system.value(&sql, &[&name]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_hears_no_more_until_it_has_a_new_address() {
    let system = live_galleries(&[], &["PD-1", "PD-2"]).await;
    let first = system.deliveries("zapier").await[0].id;
    let later = "update tasks set not_before = now() + interval '1 hour' where kind = $1 and key <> $2";
    system.rows(later, &[&KIND, &first]).await;
    system.endpoint_answers("zapier", &json!({ "status": 410 })).await;

    system.deliver(KIND).await;
    let reason = endpoint(&system, "zapier", "disabled_reason").await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;
    goes_live(&system, "PD-3").await;
    system.sweep().await;
    let told = system.arrived("zapier").await.len();
    let skipped = system.deliveries("zapier").await;
    system.change_endpoint("zapier", &json!({ "url": system.receiver_url("zapier-2") })).await;
    let changed = system.register_endpoints().await;
    system.restart_functions().await;
    goes_live(&system, "PD-4").await;
    system.deliver(KIND).await;

    assert_eq!((&*reason, told), ("410 Gone", 1));
    assert_eq!(statuses(&skipped), ["skipped", "skipped"], "of the third one there is nothing to tell");
    assert_eq!((skipped[0].last_status, &*skipped[1].error), (Some(410), "the endpoint is disabled: 410 Gone"));
    assert!(system.logs().contains(r#""EndpointsDisabled":1"#));
    assert_eq!((changed, endpoint(&system, "zapier", "disabled_reason").await), (1, String::new()));
    assert_eq!(system.arrived("zapier-2").await.len(), 1);
    assert_eq!(statuses(&system.deliveries("zapier").await), ["skipped", "skipped", "delivered"]);
    assert_eq!(system.count(&format!("tasks where kind = '{KIND}'")).await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_overloaded_is_spared_and_no_other_waits_for_it() {
    let system = System::with(&[]).await;
    let key = system.endpoints().webhook_endpoints["make"].clone();
    let crm = json!({ "url": system.receiver_url("crm"), "keys": [key], "events": ["gallery.live"] });
    system.change_endpoint("crm", &crm).await;
    system.register_endpoints().await;
    system.stack().set_mappings_enabled(false).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    goes_live(&system, "PD-2").await;
    system.endpoint_answers("zapier", &json!({ "status": 503, "headers": { "retry-after": "120" } })).await;
    let [first, second] = &*system.deliveries("zapier").await else { panic!("two deliveries") };
    let [_, others] = &*system.deliveries("crm").await else { panic!("two deliveries") };
    let soon = "update tasks set not_before = now() + interval '1 minute' where key = any ($1)";
    system.rows(soon, &[&vec![second.id, others.id]]).await;

    system.deliver(KIND).await;
    let wait = "select extract(epoch from not_before - now())::float8 from tasks where key = $1";
    let waits: [f64; 3] = [
        system.value(wait, &[&first.id]).await,
        system.value(wait, &[&second.id]).await,
        system.value(wait, &[&others.id]).await,
    ];
    goes_live(&system, "PD-3").await;
    system.deliver(KIND).await;
    let third = system.deliveries("zapier").await.remove(2);
    let put_back = system.task(KIND, third.id).await.unwrap();

    assert!((115.0..=125.0).contains(&waits[0]), "{waits:?}");
    assert!((115.0..=125.0).contains(&waits[1]), "what has not been tried waits too: {waits:?}");
    assert!(waits[2] < 61.0, "what another one waits for is left alone: {waits:?}");
    assert_eq!((third.attempts, &*put_back.code, put_back.waits), (0, "endpoint-slowed", true));
    assert_eq!(system.arrived("zapier").await.len(), 1);
    assert_eq!(system.arrived("crm").await.len(), 2);

    // Its time is over, and it is not well yet: one delivery finds that out, and the pause grows.
    let over = "update webhook_endpoints set paused_until = now() where name = 'zapier'";
    system.rows(over, &[]).await;
    system.endpoint_answers("zapier", &json!({ "status": 429 })).await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;
    let tried = system.arrived("zapier").await.len();
    let throttles = endpoint(&system, "zapier", "throttles").await;
    let paused: f64 = system
        .value(
            "select extract(epoch from paused_until - now())::float8 from webhook_endpoints where name = 'zapier'",
            &[],
        )
        .await;
    // It is well again: one delivery finds that out too, and the others follow.
    system.rows(over, &[]).await;
    system.mend_endpoints().await;
    for _ in 0..2 {
        system.deliveries_are_due().await;
        system.deliver(KIND).await;
    }

    assert_eq!((tried, &*throttles), (2, "2"));
    assert!((15.0..=20.0).contains(&paused), "{paused}");
    assert_eq!(statuses(&system.deliveries("zapier").await), ["delivered"; 3]);
    assert_eq!(endpoint(&system, "zapier", "throttles").await, "0");
    assert_eq!(endpoint(&system, "zapier", "paused_until").await, "");
    assert_eq!(endpoint(&system, "zapier", "failing_since").await, "");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_does_not_wait_for_what_the_old_one_has_asked_for() {
    let system = live_galleries(&[], &["PD-1", "PD-2"]).await;
    let second = system.deliveries("zapier").await[1].id;
    let later = "update tasks set not_before = now() + interval '1 hour' where key = $1";
    system.rows(later, &[&second]).await;
    let answer = json!({ "status": 503, "headers": { "retry-after": "80000" } });
    system.endpoint_answers("zapier", &answer).await;

    system.deliver(KIND).await;
    let put_off = system.count("tasks where not_before > now() + interval '20 hours'").await;
    system.change_endpoint("zapier", &json!({ "url": system.receiver_url("zapier-2") })).await;
    system.register_endpoints().await;
    let due = system.count(&format!("tasks where kind = '{KIND}' and not_before <= now()")).await;
    system.restart_functions().await;
    system.deliver(KIND).await;

    assert_eq!((put_off, due), (2, 2));
    assert_eq!((system.arrived("zapier").await.len(), system.arrived("zapier-2").await.len()), (1, 2));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["delivered"; 2]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_address_asks_for_when_there_is_a_new_one_puts_nothing_off() {
    let system = live_galleries(&[], &["PD-1", "PD-2"]).await;
    let second = system.deliveries("zapier").await[1].id;
    let later = "update tasks set not_before = now() + interval '1 minute' where key = $1";
    system.rows(later, &[&second]).await;
    let answer = json!({ "status": 503, "headers": { "retry-after": "80000" }, "hang": true });
    system.endpoint_answers("zapier", &answer).await;

    tokio::join!(system.deliver(KIND), async {
        system.held_by("zapier").await;
        let moved = "update webhook_endpoints set url_sha256 = sha256('https://new.example') where name = 'zapier'";
        system.rows(moved, &[]).await;
        system.mend_endpoints().await;
    });

    let wait = "select extract(epoch from not_before - now())::float8 from tasks where key = $1";
    let wait: f64 = system.value(wait, &[&second]).await;
    assert_eq!(endpoint(&system, "zapier", "paused_until").await, "");
    assert!(wait < 61.0, "{wait}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_keeps_nobody_else_waiting() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.register_endpoints().await;
    system.school().await;
    system.drained().await;
    system.endpoint_answers("zapier", &json!({ "hang": true })).await;

    let since = Instant::now();
    goes_live(&system, "PD-1").await;
    system.held_by("zapier").await;
    system.register("sheree", &sheree("")).await;
    let told = timeout(Duration::from_secs(10), async {
        while system.arrived("make").await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    told.await.expect("make is told of Sheree meanwhile");
    let key = system.deliveries("zapier").await[0].id;
    let task = system.told(KIND, key).await;

    // Its answer never came.
    assert!((15..19).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    assert_eq!(
        (&*task.code, &*task.message),
        ("timeout", "The endpoint zapier was not reached: no answer within 15 seconds.")
    );
    assert_eq!(endpoint(&system, "zapier", "throttles").await, "1");
    system.mend_endpoints().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_takes_nothing_for_five_days_is_disabled() {
    let system = live_galleries(&[], &["PD-1"]).await;
    system.endpoint_answers("zapier", &json!({ "status": 404 })).await;

    system.deliver(KIND).await;
    let at_first = endpoint(&system, "zapier", "disabled_reason").await;
    let days = "update webhook_endpoints set failing_since = failing_since - interval '5 days 1 minute'";
    system.rows(days, &[]).await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;
    let reason = endpoint(&system, "zapier", "disabled_reason").await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;

    assert_eq!((&*at_first, &*reason), ("", "no success for five days"));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["skipped"]);
    assert_eq!(system.arrived("zapier").await.len(), 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let system = live_galleries(&[], &["PD-1"]).await;
    let elsewhere = system.receiver_url("elsewhere");
    system.endpoint_answers("zapier", &json!({ "status": 307, "headers": { "location": elsewhere } })).await;

    system.deliver(KIND).await;

    let failed = &system.deliveries("zapier").await[0];
    let error = "The endpoint zapier answered 307; redirects are not followed. Register the new address.";
    assert_eq!(failed.error, error);
    assert_eq!((failed.last_status, failed.attempts), (Some(307), 1));
    assert_eq!(system.arrived("elsewhere").await.len(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_not_called() {
    let guarded = BTreeMap::from([("ALLOW_PRIVATE_ENDPOINTS".to_owned(), "false".to_owned())]);
    let system = System::with_variables(guarded).await;
    let as_on_a_laptop = system.sweep().await;
    let url = system.receiver_url("zapier").replace("http://127.0.0.1", "https://localhost");
    system.remove_endpoint("make").await;
    system.change_endpoint("zapier", &json!({ "url": url })).await;
    system.register_endpoints().await;
    system.stack().set_mappings_enabled(false).await;
    system.school().await;
    goes_live(&system, "PD-1").await;

    system.deliver(KIND).await;

    assert_eq!(as_on_a_laptop["endpoints"], 0, "both are left out: {as_on_a_laptop}");
    let logs = system.logs();
    for endpoint in ["make", "zapier"] {
        let problem = format!(r#""entry":"{endpoint}","problem":"/url is not taken: only https is spoken to""#);
        assert!(logs.contains(&problem), "{endpoint}");
    }
    let refused = &system.deliveries("zapier").await[0];
    assert_eq!(refused.error, "The endpoint zapier was not reached: not called: localhost has no public address.");
    assert_eq!((&*refused.status, refused.attempts, refused.last_status), ("pending", 1, None));
    assert_eq!(endpoint(&system, "zapier", "throttles").await, "0");
    assert_eq!(system.arrived("zapier").await.len(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_changes_its_key_without_missing_anything() {
    let system = System::with(&[]).await;
    let old = system.endpoints().webhook_endpoints["zapier"].clone();
    let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    system.change_endpoint("zapier", &json!({ "keys": [old, new] })).await;
    system.register_endpoints().await;
    system.stack().set_mappings_enabled(false).await;
    system.school().await;
    goes_live(&system, "PD-1").await;

    system.deliver(KIND).await;

    let arrived = &system.arrived("zapier").await[0];
    assert!(arrived.is_signed_with(&old) && arrived.is_signed_with(new));
    assert_eq!(arrived.header("webhook-signature").split(' ').count(), 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_removed_is_told_nothing_and_hears_again_when_it_is_back() {
    let system = live_galleries(&[], &["PD-1"]).await;

    let zapier = system.remove_endpoint("zapier").await;
    let gone = system.register_endpoints().await;
    goes_live(&system, "PD-2").await;
    system.deliver(KIND).await;
    let skipped = system.deliveries("zapier").await;
    system.change_endpoint("zapier", &zapier).await;
    let back = system.register_endpoints().await;
    // Its worker would notice by itself; at most twice a minute it reads a secret anew.
    system.restart_functions().await;
    goes_live(&system, "PD-3").await;
    system.deliver(KIND).await;

    assert_eq!((gone, back), (1, 1));
    assert_eq!((statuses(&skipped), &*skipped[0].error), (vec!["skipped"], "the endpoint was removed"));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["skipped", "delivered"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_wrong_in_the_secret_keeps_its_deliveries_and_its_neighbour_is_told() {
    let system = System::with_endpoints(&[]).await;
    system.make_admin("ops").await;
    system.change_endpoint("make", &json!({ "events": ["gallery.live"] })).await;
    system.register_endpoints().await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    let right = system.remove_endpoint("zapier").await;

    system.change_endpoint("zapier", &json!({ "url": right["url"], "keys": ["whsec_short"], "events": [] })).await;
    let changed = system.register_endpoints().await;
    system.restart_functions().await;
    goes_live(&system, "PD-2").await;
    system.deliver(KIND).await;
    let page = system.get("/api/admin/integrations", "ops").await.body;
    let waiting = system.deliveries("zapier").await;
    let task = system.task(KIND, waiting[0].id).await.unwrap();
    system.change_endpoint("zapier", &right).await;
    system.restart_functions().await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;

    assert_eq!((changed, system.arrived("make").await.len()), (0, 2));
    assert_eq!(statuses(&waiting), ["pending"; 2]);
    assert_eq!((waiting[0].attempts, &*task.code, task.waits), (0, "endpoint-left-out", true));
    let [wrong] = &**page["wrong_entries"].as_array().unwrap() else { panic!("{page}") };
    assert_eq!((&wrong["secret"], &wrong["name"]), (&json!("webhook-endpoints"), &json!("zapier")));
    assert!(wrong["problem"].as_str().unwrap().starts_with("/keys/0 must be whsec_"), "{wrong}");
    let shown = page["endpoints"].as_array().unwrap().iter().find(|endpoint| endpoint["name"] == "zapier").unwrap();
    assert_eq!(
        (&shown["state"], &shown["reason"], &shown["pending"]),
        (&json!("left-out"), &wrong["problem"], &json!(2))
    );
    assert!(system.logs().contains(r#""Kind":"webhook-endpoints","SecretEntriesWrong":1"#));
    assert!(!page.to_string().contains("whsec_short") && !system.logs().contains("whsec_short"));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["delivered"; 2]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_does_not_want_any_more_is_not_told() {
    let system = live_galleries(&[], &["PD-1"]).await;

    system.change_endpoint("zapier", &json!({ "events": ["referral.earned"] })).await;
    system.register_endpoints().await;
    goes_live(&system, "PD-2").await;
    system.deliver(KIND).await;

    let skipped = system.deliveries("zapier").await;
    assert_eq!(statuses(&skipped), ["skipped"], "the second one was never meant for it");
    assert_eq!(skipped[0].error, "the endpoint does not want this event any more");
    assert_eq!(system.arrived("zapier").await.len(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_registered_yet_is_not_called() {
    let system = live_galleries(&[], &["PD-1"]).await;

    // The worker starts with the new secret; the sweep has not seen it.
    system.change_endpoint("zapier", &json!({ "url": system.receiver_url("zapier-2") })).await;
    system.deliver(KIND).await;
    let waiting = system.deliveries("zapier").await;
    let task = system.task(KIND, waiting[0].id).await.unwrap();
    system.register_endpoints().await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;

    assert_eq!((waiting[0].attempts, &*task.code, task.waits), (0, "endpoint-changing", true));
    assert_eq!((system.arrived("zapier").await.len(), system.arrived("zapier-2").await.len()), (0, 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_enabled_while_its_delivery_is_being_skipped_is_told() {
    let system = live_galleries(&[], &["PD-1"]).await;
    let disabled =
        "update webhook_endpoints set disabled_at = now(), disabled_reason = 'by hand' where name = 'zapier'";
    system.rows(disabled, &[]).await;
    let key = system.deliveries("zapier").await[0].id;
    let holder = system.session().await;
    holder.batch_execute("begin").await.unwrap();
    holder.execute("select from webhook_deliveries where id = $1 for update", &[&key]).await.unwrap();

    tokio::join!(system.deliver(KIND), async {
        // The worker has read that the endpoint is disabled.
        system.blocked().await;
        system.rows("update webhook_endpoints set disabled_at = null, disabled_reason = null", &[]).await;
        holder.batch_execute("commit").await.unwrap();
    });
    let waiting = system.deliveries("zapier").await.remove(0);
    let task = system.task(KIND, key).await.unwrap();
    system.deliveries_are_due().await;
    system.deliver(KIND).await;

    assert_eq!((&*waiting.status, waiting.attempts), ("pending", 0));
    assert_eq!((&*task.code, task.waits), ("endpoint-changing", true));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["delivered"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_an_endpoint_wants_since_a_moment_waits_for_a_worker_that_knows_it() {
    let system = System::with_endpoints(&[]).await;
    system.change_endpoint("zapier", &json!({ "events": ["referral.earned"] })).await;
    // A worker that goes on with this copy of the secret for half a minute.
    system.wake(KIND, &[]).await;
    system.change_endpoint("zapier", &json!({ "events": ["gallery.live"] })).await;
    system.register_endpoints().await;
    system.school().await;
    goes_live(&system, "PD-1").await;

    system.deliver(KIND).await;
    let waiting = system.deliveries("zapier").await.remove(0);
    let task = system.task(KIND, waiting.id).await.unwrap();
    system.restart_functions().await;
    system.deliveries_are_due().await;
    system.deliver(KIND).await;

    assert_eq!((&*waiting.status, waiting.attempts), ("pending", 0));
    assert_eq!((&*task.code, task.waits), ("endpoint-changing", true));
    assert_eq!(statuses(&system.deliveries("zapier").await), ["delivered"]);
    system.stop().await;
}
