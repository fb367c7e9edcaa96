//! deliver-webhook: what endpoints are told, how often, and until when.

use serde_json::{Value, json};
use tests::{Arrived, Delivery, System, Webhook, eventually, frank, sheree};
use uuid::Uuid;

const USERS: &str = "deliver-user-webhook";
const OTHERS: &str = "deliver-webhook";

/// A gallery of Cathy's goes live, and zapier is to hear of it.
async fn goes_live(system: &System, external_host_id: &str) -> Uuid {
    let gallery = system.gallery(external_host_id).await;
    system.send_webhook(&Webhook::gallery_published(external_host_id)).await;
    gallery
}

/// The only delivery to an endpoint.
async fn only(system: &System, endpoint: &str) -> Delivery {
    let mut deliveries = system.deliveries(endpoint).await;
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    deliveries.remove(0)
}

/// How many seconds it is until the task is due.
async fn wait_of(system: &System, key: Uuid) -> f64 {
    let wait = "select extract(epoch from not_before - now())::float8 from tasks where key = $1";
    system.value(wait, &[&key]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn make_hears_of_a_parent_who_signs_up() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    assert_eq!(system.register_endpoints().await, 2);
    assert_eq!(system.register_endpoints().await, 0, "nothing has changed");

    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;

    let arrived = system.arrived("make").await;
    let [webhook] = &*arrived else { panic!("{arrived:?}") };
    let delivery = only(&system, "make").await;
    assert!(webhook.is_signed_with(&system.endpoints().webhook_endpoints["make"]));
    assert!(!webhook.is_signed_with(&system.endpoints().webhook_endpoints["zapier"]));
    assert_eq!(webhook.header("webhook-id"), format!("msg_{}", delivery.event));
    assert_eq!(webhook.header("content-type"), "application/json");
    assert_eq!(webhook.header("user-agent"), "isoxp-webhooks/1");
    let body = webhook.json();
    assert_eq!(body["type"], "user.created");
    assert!(body["timestamp"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == 24), "{body}");
    let expected = json!({
        "user_id": user, "role": "parent", "email": "sheree@example.com", "first_name": "Sheree", "last_name": "Lane",
        "phone_number": "+13125550142", "org_name": null, "sport_interest": ["Soccer"], "referred_by_code": "FRANK2024",
    });
    assert_eq!(body["data"], expected);
    assert_eq!((&*delivery.status, delivery.attempts, delivery.last_status), ("delivered", 1, Some(200)));
    assert_eq!(system.arrived("zapier").await.len(), 0, "it has not asked for this");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zapier_hears_of_galleries_and_of_referrals() {
    let system = System::with_endpoints(&[]).await;
    let school = system.school().await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let gallery = goes_live(&system, "PD-1").await;

    system.deliver(OTHERS).await;

    let arrived = system.arrived("zapier").await;
    let mut bodies: Vec<Value> = arrived.iter().map(Arrived::json).collect();
    bodies.sort_by_key(|body| body["type"].to_string());
    let [live, earned] = &mut *bodies else { panic!("{bodies:?}") };
    let told = live["data"].as_object_mut().unwrap();
    assert!(told.remove("live_at").unwrap().is_string());
    let expected = json!({
        "gallery_id": gallery, "host": "photoday", "external_host_id": "PD-1", "title": "Fall Soccer",
        "event_date": "2026-10-03", "public_url": "https://photos.example/PD-1", "organization_id": school.id,
        "organization_name": "Lincoln High",
    });
    assert_eq!(live["data"], expected);
    let told = earned["data"].as_object_mut().unwrap();
    assert!(told.remove("referral_id").unwrap().is_string() && told.remove("created_at").unwrap().is_string());
    let expected = json!({
        "photographer_id": frank, "referred_user_id": sheree, "action_type": "Sign_Up", "commission_status": "Pending",
        "source": "isoxp", "external_ref": sheree,
    });
    assert_eq!(earned["data"], expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_people_waits_for_its_flag() {
    let system = System::with(&[]).await;
    system.register_endpoints().await;

    system.register("sheree", &sheree("")).await;
    system.let_an_hour_pass().await;
    let swept = system.sweep().await;
    system.wake(USERS, &[]).await;
    let waiting = only(&system, "make").await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;

    assert_eq!(swept["sent"].get(USERS), None);
    assert_eq!((&*waiting.status, waiting.attempts), ("pending", 0));
    assert_eq!(only(&system, "make").await.status, "delivered");
    assert_eq!(system.arrived("make").await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_told_again_under_its_id_as_things_are_by_then() {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    // An endpoint that sends back what it does not understand.
    let echo = "no: sheree@example.com\u{7}\u{0}Sheree Lane";
    system.endpoint_answers("make", &json!({ "status": 500, "body": echo, "times": 1 })).await;

    system.deliver(USERS).await;
    let failed = only(&system, "make").await;
    let task = system.task(USERS, failed.id).await.unwrap();
    let changed = "update users set email = 'sheree@new.example' where id = $1";
    system.rows(changed, &[&user]).await;
    system.deliveries_are_due().await;
    system.deliver(USERS).await;

    let arrived = system.arrived("make").await;
    let told: Vec<Value> = arrived.iter().map(|webhook| webhook.json()["data"]["email"].clone()).collect();
    assert_eq!(told, ["sheree@example.com", "sheree@new.example"]);
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
    assert!(arrived[1].is_signed_with(&system.endpoints().webhook_endpoints["make"]));
    assert_eq!((&*failed.status, failed.attempts, failed.last_status), ("pending", 1, Some(500)));
    assert_eq!(failed.answer, "no: sheree@example.com  Sheree Lane");
    assert_eq!((&*task.code, &*task.message), ("http-500", "The endpoint make answered 500."));
    let delivered = only(&system, "make").await;
    assert_eq!((&*delivered.status, delivered.attempts, &*delivered.error), ("delivered", 2, ""));
    let logs = system.logs();
    assert!(logs.contains("http-500"), "attempts are logged");
    for personal in ["sheree@", "Sheree", "Lane", "/hooks/"] {
        assert!(!logs.contains(personal), "{personal} is in the logs");
    }
    system.stop().await;
}

/// Sheree has signed up, make knows of it, and has forgotten.
async fn make_knows_sheree() -> System {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;
    system.register("sheree", &sheree("")).await;
    system.deliver(USERS).await;
    system.rows("delete from webhook_events", &[]).await;
    system
}

/// Sheree calls herself these names, one after the other.
async fn sheree_is_called(system: &System, names: &[&str]) {
    for name in names {
        system.patched("sheree", &json!({ "first_name": name })).await;
    }
}

fn first_names(arrived: &[Arrived]) -> Vec<Value> {
    arrived.iter().map(|webhook| webhook.json()["data"]["first_name"].clone()).collect()
}

async fn statuses(system: &System, endpoint: &str) -> Vec<String> {
    system.deliveries(endpoint).await.into_iter().map(|delivery| delivery.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_while_an_endpoint_is_off_one_delivery_is_on_its_way() {
    let system = make_knows_sheree().await;
    system.endpoint_answers("make", &json!({ "status": 500 })).await;

    sheree_is_called(&system, &["Ann", "Beth", "Cleo"]).await;
    let waiting = only(&system, "make").await;
    let newest: Uuid = system.value("select id from webhook_events order by id desc limit 1", &[]).await;
    system.deliver(USERS).await;
    sheree_is_called(&system, &["Dora", "Emma", "Fay"]).await;
    let tried = statuses(&system, "make").await;
    system.mend_endpoints().await;
    system.deliveries_are_due().await;
    system.deliver(USERS).await;

    assert_eq!((&*waiting.status, waiting.attempts, waiting.event), ("pending", 0, newest));
    assert_eq!(tried, ["skipped", "pending"], "what was tried may have arrived under its id");
    assert_eq!(statuses(&system, "make").await, ["skipped", "delivered"]);
    let arrived = system.arrived("make").await;
    assert_eq!(first_names(&arrived), ["Sheree", "Cleo", "Fay"]);
    assert_ne!(arrived[1].header("webhook-id"), arrived[2].header("webhook-id"));
    assert_eq!(system.count(&format!("tasks where kind = '{USERS}'")).await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_during_a_call_is_followed_by_another_whatever_became_of_that() {
    let system = make_knows_sheree().await;
    for status in [200, 500] {
        system.rows("delete from webhook_events", &[]).await;
        system.endpoint_answers("make", &json!({ "status": status, "hang": true, "times": 1 })).await;
        sheree_is_called(&system, &["Ann"]).await;

        tokio::join!(system.deliver(USERS), async {
            system.held_by("make").await;
            sheree_is_called(&system, &["Beth", "Cleo"]).await;
            system.mend_endpoints().await;
        });
        system.deliveries_are_due().await;
        system.deliver(USERS).await;

        let first = if status == 200 { "delivered" } else { "skipped" };
        assert_eq!(statuses(&system, "make").await, [first, "delivered"]);
        let arrived = system.arrived("make").await;
        assert_eq!(first_names(&arrived[arrived.len() - 2..]), ["Ann", "Cleo"]);
        assert_eq!(system.count(&format!("tasks where kind = '{USERS}'")).await, 0);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_between_the_look_at_a_delivery_and_its_call_is_told_by_that_call() {
    let system = make_knows_sheree().await;
    sheree_is_called(&system, &["Ann"]).await;
    let session = system.session().await;
    session.batch_execute("begin; select from webhook_deliveries for update").await.unwrap();

    tokio::join!(system.deliver(USERS), async {
        system.blocked().await;
        session.batch_execute("update profiles_parents set first_name = 'Beth'; commit").await.unwrap();
    });

    assert_eq!(first_names(&system.arrived("make").await), ["Sheree", "Beth"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_attempts_in_three_days_it_waits_for_a_person() {
    let system = System::with_endpoints(&[]).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    system.endpoint_answers("zapier", &json!({ "status": 400 })).await;
    let key = only(&system, "zapier").await.id;

    let mut waits = Vec::new();
    for _ in 1..10 {
        system.deliver(OTHERS).await;
        waits.push(wait_of(&system, key).await);
        system.deliveries_are_due().await;
    }
    let nine = only(&system, "zapier").await;
    system.deliver(OTHERS).await;
    let given_up = (only(&system, "zapier").await, system.task(OTHERS, key).await.unwrap());
    system.mend_endpoints().await;
    system.rows("update tasks set failed_at = null, failure = null, not_before = now() where key = $1", &[&key]).await;
    system.deliver(OTHERS).await;

    let least = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(f64::from);
    for (wait, least) in waits.iter().zip(least) {
        // A moment goes by until it is looked at.
        assert!((least - 3.0..=least * 1.2).contains(wait), "{waits:?}");
    }
    assert_eq!((&*nine.status, nine.attempts), ("pending", 9));
    assert_eq!((&*given_up.0.status, given_up.0.attempts), ("failed", 10));
    assert_eq!((given_up.1.failed, &*given_up.1.code), (true, "no-success-in-three-days"));
    let message = "10 attempts have failed. The last one: The endpoint zapier answered 400. See what is wrong with the \
                   endpoint, then replay the task.";
    assert_eq!(given_up.1.message, message);
    let replayed = only(&system, "zapier").await;
    assert_eq!((&*replayed.status, replayed.attempts), ("delivered", 1));
    assert_eq!(system.arrived("zapier").await.len(), 11);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_believed_up_to_a_day() {
    let system = System::with_endpoints(&[]).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    let key = only(&system, "zapier").await.id;

    let mut waits = Vec::new();
    for retry_after in ["7200", "Wed, 21 Oct 2093 07:28:00 GMT", "1"] {
        let answer = json!({ "status": 500, "headers": { "retry-after": retry_after } });
        system.endpoint_answers("zapier", &answer).await;
        system.deliveries_are_due().await;
        system.deliver(OTHERS).await;
        waits.push(wait_of(&system, key).await);
    }

    assert!((7190.0..7210.0).contains(&waits[0]), "{waits:?}");
    assert!((86_390.0..86_410.0).contains(&waits[1]), "{waits:?}");
    assert!((1790.0..2170.0).contains(&waits[2]), "sooner than the schedule has it is not needed: {waits:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_leaves_an_event_that_is_told_again() {
    let system = System::with_endpoints(&[]).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    system.endpoint_answers("zapier", &json!({ "hang": true })).await;

    tokio::join!(
        async {
            let body = json!({ "kind": OTHERS, "keys": [] }).to_string();
            system.invoke(OTHERS, &json!({ "Records": [{ "messageId": "m", "body": body }] })).await;
        },
        async {
            system.held_by("zapier").await;
            system.kill(OTHERS).await;
        }
    );
    let left = only(&system, "zapier").await;
    system.mend_endpoints().await;
    system.let_an_hour_pass().await;
    system.deliver(OTHERS).await;

    let arrived = system.arrived("zapier").await;
    let delivered = only(&system, "zapier").await;
    assert_eq!((&*left.status, left.attempts), ("pending", 1), "an attempt counts before it is made");
    assert_eq!((&*delivered.status, delivered.attempts), ("delivered", 2));
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
    assert_eq!(system.count(&format!("tasks where kind = '{OTHERS}'")).await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_kills_its_workers_fails_and_begins_anew_when_it_is_replayed() {
    let system = System::with_endpoints(&[]).await;
    system.make_admin("ops").await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    let key = only(&system, "zapier").await.id;
    system.rows("update webhook_deliveries set attempts = 9", &[]).await;
    let killed = "update tasks set crashes = 4, lease = gen_random_uuid(), leased_until = now() where key = $1";
    system.rows(killed, &[&key]).await;

    system.deliver(OTHERS).await;
    let failed = only(&system, "zapier").await;
    let task = system.task(OTHERS, key).await.unwrap();
    let shown = system.get("/api/admin/deliveries?status=failed", "ops").await;
    // An older worker has left it like this.
    system.rows("update webhook_deliveries set status = 'pending'", &[]).await;
    let replayed = system.post("/api/admin/tasks/replay", "ops", &json!({ "kind": OTHERS, "keys": [key] })).await;
    let begun_anew = only(&system, "zapier").await;
    system.deliver(OTHERS).await;

    assert_eq!((task.failed, &*task.code), (true, "crashed"));
    assert_eq!(
        (&*failed.status, &*failed.error),
        ("failed", "The worker died or hung five times while it held this delivery.")
    );
    assert_eq!(shown.body["items"][0]["id"], json!(key));
    assert_eq!(replayed.body["replayed"], 1, "{replayed:?}");
    assert_eq!((&*begun_anew.status, begun_anew.attempts), ("pending", 0));
    let delivered = only(&system, "zapier").await;
    assert_eq!((&*delivered.status, delivered.attempts), ("delivered", 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_somebody_who_is_gone_nobody_is_told() {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");

    system.rows("delete from users where id = $1", &[&user]).await;
    system.deliver(USERS).await;

    assert_eq!(system.deliveries("make").await, []);
    assert_eq!(system.count(&format!("tasks where kind = '{USERS}'")).await, 0);
    assert_eq!(system.arrived("make").await.len(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_message_names_deliveries_and_nobody() {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;

    system.register("sheree", &sheree("")).await;

    let key = only(&system, "make").await.id;
    let messages = system.messages("DeliverWebhookQueue").await;
    let bodies: Vec<&str> = messages.iter().filter_map(aws_sdk_sqs::types::Message::body).collect();
    assert_eq!(bodies, [format!(r#"{{"kind":"deliver-user-webhook","keys":["{key}"]}}"#)]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_answer_the_beginning_is_kept() {
    let system = System::with_endpoints(&[]).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    let page = format!("<html>\r\n\u{1}é{}", "x".repeat(100_000));
    system.endpoint_answers("zapier", &json!({ "status": 404, "body": page })).await;

    system.deliver(OTHERS).await;

    let failed = only(&system, "zapier").await;
    assert_eq!(failed.answer, format!("<html>   é{}", "x".repeat(1024 - 11)));
    assert_eq!(failed.error, "The endpoint zapier answered 404.");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_leads_to_everything_that_is_due() {
    let system = System::with_endpoints(&[]).await;
    system.school().await;
    goes_live(&system, "PD-1").await;
    system.purge("DeliverWebhookQueue").await;
    // With the one above more than two invocations take.
    system
        .rows(
            "with event as (
                 insert into webhook_events (id, type, gallery_id)
                 select new_uuid_v7(), 'gallery.live', id from galleries cross join generate_series(1, 44)
                 returning id
             ),
             delivery as (
                 insert into webhook_deliveries (id, event_id, endpoint)
                 select new_uuid_v7(), id, 'zapier' from event
                 returning id
             )
             insert into tasks (kind, key, not_before, dispatch_at)
             select 'deliver-webhook', id, now(), now() + interval '1 hour' from delivery",
            &[],
        )
        .await;

    system.put_message("DeliverWebhookQueue", &json!({ "kind": OTHERS, "keys": [] }).to_string()).await;
    system.stack().set_mappings_enabled(true).await;
    eventually("everything is delivered", || async {
        (system.count("tasks where kind = 'deliver-webhook'").await == 0).then_some(())
    })
    .await;

    let mut ids: Vec<String> =
        system.arrived("zapier").await.iter().map(|webhook| webhook.header("webhook-id").to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 45);
    assert_eq!(system.arrived("zapier").await.len(), 45, "each of them once");
    system.stop().await;
}
