//! resend-deliveries, `POST /api/admin/deliveries/resend`: one event, or all since a time, is delivered again.

use futures_util::future::join;
use serde_json::{Value, json};
use tests::{Answer, System, Webhook, frank};
use uuid::Uuid;

use super::with_make;

const LIST: &str = "/api/admin/deliveries?";
const RESEND: &str = "/api/admin/deliveries/resend";

async fn resend_since(system: &System, minutes_ago: i32, more: Value) -> Answer {
    let since: chrono::DateTime<chrono::Utc> =
        system.value("select now() - make_interval(mins => $1)", &[&minutes_ago]).await;
    let mut body = json!({"endpoint": "make", "since": since});
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    system.post(RESEND, "ops", &body).await
}

/// The events whose deliveries wait to be made, the oldest first.
async fn open(system: &System) -> Vec<Uuid> {
    let open = "select event.id from tasks
                join webhook_deliveries as delivery on delivery.id = tasks.key and delivery.status = 'pending'
                    and delivery.attempts = 0
                join webhook_events as event on event.id = delivery.event_id
                order by occurred_at";
    system.rows(open, &[]).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_request_is_told_at_once() {
    let (system, _) = with_make(&[]).await;
    let bodies = [
        (json!({}), vec!["/endpoint", "/since"], vec!["required", "required"]),
        (
            json!({"endpoint": "make", "since": "yesterday", "cursor": "2", "most": 1001, "delivered": 1, "force": true}),
            vec!["/since", "/cursor", "/most", "/delivered", "/force"],
            vec!["not-a-time", "not-a-cursor", "out-of-range", "not-a-boolean", "unknown-field"],
        ),
        (
            json!({"delivery_id": "1", "endpoint": "make"}),
            vec!["/delivery_id", "/endpoint"],
            vec!["not-an-id", "unknown-field"],
        ),
    ];

    let query = system.get(&format!("{LIST}endpoint=a%20b&status=lost&type=user.gone&limit=x&page=2"), "ops").await;

    assert_eq!(query.status, 422);
    assert_eq!(query.wrong_fields(), ["/endpoint", "/status", "/type", "/limit", "/page"]);
    assert_eq!(
        query.field_codes(),
        ["wrong-format", "unknown-value", "unknown-value", "not-a-whole-number", "unknown-field"]
    );
    for (body, places, codes) in bodies {
        let answer = system.post(RESEND, "ops", &body).await;
        assert_eq!((answer.status, answer.wrong_fields(), answer.field_codes()), (422, places, codes), "{body}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_delivery_is_sent_again_even_if_it_has_arrived() {
    let (system, user) = with_make(&["ENABLE_ZOHO_SYNC"]).await;
    let event = system.event("user.created", user, 1).await;
    let delivery = system.delivery(event, "make", "delivered", 1).await;

    let answer = system.post(RESEND, "ops", &json!({ "delivery_id": delivery })).await;
    let nobody = system.post(RESEND, "ops", &json!({ "delivery_id": Uuid::nil() })).await;

    assert_eq!((answer.status, answer.body), (202, json!({"resent": 1, "more": false, "next": null})));
    assert_eq!((nobody.status, nobody.code()), (404, "unknown-delivery"));
    assert_eq!(open(&system).await, [event]);
    assert!(system.task("deliver-user-webhook", delivery).await.is_some());
    let messages: Vec<_> =
        system.messages("DeliverWebhookQueue").await.into_iter().filter_map(|one| one.body).collect();
    assert_eq!(messages, [format!(r#"{{"kind":"deliver-user-webhook","keys":["{delivery}"]}}"#)]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_since_a_time_is_sent_the_oldest_first_with_what_was_never_tried() {
    let (system, user) = with_make(&[]).await;
    let before = system.event("user.created", user, 90).await;
    let missed = system.event("user.created", user, 50).await;
    let failed = system.event("user.updated", user, 40).await;
    let skipped = system.event("user.created", user, 30).await;
    let delivered = system.event("user.created", user, 20).await;
    let retrying = system.event("user.created", user, 10).await;
    let unwanted = system.event("gallery.live", user, 10).await;
    for (event, status, attempts) in [
        (before, "failed", 9),
        (failed, "failed", 9),
        (skipped, "skipped", 0),
        (delivered, "delivered", 1),
        (retrying, "pending", 3),
    ] {
        system.delivery(event, "make", status, attempts).await;
    }

    let first = resend_since(&system, 60, json!({"most": 2})).await;
    let after_the_first = open(&system).await;
    let second = resend_since(&system, 60, json!({"most": 2})).await;
    let third = resend_since(&system, 60, json!({"most": 2})).await;

    assert_eq!((&first.body["resent"], &first.body["more"]), (&json!(2), &json!(true)));
    assert_eq!(after_the_first, [missed, failed]);
    assert_eq!(second.body, json!({"resent": 2, "more": false, "next": null}));
    assert_eq!(third.body, json!({"resent": 0, "more": false, "next": null}));
    assert_eq!(open(&system).await, [missed, failed, skipped, retrying]);
    let of_unwanted: i64 =
        system.value("select count(*) from webhook_deliveries where event_id = $1", &[&unwanted]).await;
    assert_eq!(of_unwanted, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_or_has_no_task_is_sent_and_what_is_due_soon_is_left_alone() {
    let (system, user) = with_make(&[]).await;
    let mut deliveries = Vec::new();
    for minutes in [40, 30, 20, 10] {
        let event = system.event("user.created", user, minutes).await;
        deliveries.push(system.delivery(event, "make", "pending", 0).await);
    }
    let tasks = "insert into tasks (kind, key, not_before, dispatch_at, failed_at, failure)
                 select 'deliver-user-webhook', key, now() + wait, now() + wait, failed_at, '{\"code\": \"crashed\"}'
                 from (values
                     ($1::uuid, interval '30 seconds', null),
                     ($2, interval '20 hours', null),
                     ($3, interval '0', now())
                 ) as task (key, wait, failed_at)";
    system.rows(tasks, &[&deliveries[0], &deliveries[1], &deliveries[2]]).await;

    let answer = resend_since(&system, 60, json!({})).await;

    assert_eq!(answer.body, json!({"resent": 3, "more": false, "next": null}));
    assert_eq!(system.count("tasks where not_before <= now() and failed_at is null").await, 3);
    assert!(system.task("deliver-user-webhook", deliveries[0]).await.unwrap().waits, "it is about to be sent");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_arrived_is_sent_again_only_when_that_is_asked_for() {
    let (system, user) = with_make(&[]).await;
    let mut events = Vec::new();
    for minutes in [50, 40, 30] {
        let event = system.event("user.created", user, minutes).await;
        system.delivery(event, "make", "delivered", 1).await;
        events.push(event);
    }

    let without = resend_since(&system, 60, json!({})).await;
    let first = resend_since(&system, 60, json!({"delivered": true, "most": 2})).await;
    let after_the_first = open(&system).await;
    let rest = resend_since(&system, 60, json!({"delivered": true, "cursor": first.body["next"]})).await;

    assert_eq!(without.body["resent"], 0);
    assert_eq!((&first.body["resent"], &first.body["more"]), (&json!(2), &json!(true)));
    assert_eq!(after_the_first, events[..2]);
    assert_eq!(rest.body, json!({"resent": 1, "more": false, "next": null}));
    assert_eq!(open(&system).await, events);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_at_one_moment_and_arrives_between_the_requests_is_sent_again_once() {
    let (system, user) = with_make(&[]).await;
    let mut events = Vec::new();
    for _ in 0..5 {
        let event = system.event("user.created", user, 30).await;
        system.delivery(event, "make", "delivered", 1).await;
        events.push(event);
    }
    system.rows("update webhook_events set occurred_at = date_trunc('hour', now()) - interval '1.000001 s'", &[]).await;
    let arrives = "update webhook_deliveries set status = 'delivered', attempts = 1, delivered_at = now()
                   where status = 'pending'";

    let (mut sent, mut requests, mut cursor) = (Vec::new(), 0, Value::Null);
    while requests == 0 || (cursor.is_string() && requests < 9) {
        let answer = resend_since(&system, 120, json!({"delivered": true, "most": 2, "cursor": cursor})).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        sent.extend(open(&system).await);
        system.rows(arrives, &[]).await;
        cursor = answer.body["next"].clone();
        requests += 1;
    }

    sent.sort_unstable();
    events.sort_unstable();
    assert_eq!((requests, sent), (3, events));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_send_again_is_to_say_that_the_endpoint_is_alive() {
    let (system, user) = with_make(&[]).await;
    let dead = "update webhook_endpoints set disabled_at = now(), disabled_reason = '410 Gone', throttles = 3,
                    failing_since = now() - interval '6 days', paused_until = now() + interval '1 hour'";
    system.rows(dead, &[]).await;
    let event = system.event("user.created", user, 5).await;

    let answer = resend_since(&system, 60, json!({})).await;

    assert_eq!(answer.body["resent"], 1);
    assert_eq!(open(&system).await, [event]);
    let alive = "webhook_endpoints where disabled_at is null and disabled_reason is null and throttles = 0
                     and failing_since is null and paused_until is null";
    assert_eq!(system.count(alive).await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_disabled_hears_what_it_has_missed() {
    let system = System::with_endpoints(&[]).await;
    system.make_admin("ops").await;
    system.school().await;
    system.endpoint_answers("zapier", &json!({ "status": 410, "times": 1 })).await;
    for gallery in ["PD-1", "PD-2"] {
        system.gallery(gallery).await;
        system.send_webhook(&Webhook::gallery_published(gallery)).await;
        system.deliver("deliver-webhook").await;
    }
    let refused = system.arrived("zapier").await;

    let body = json!({"endpoint": "zapier", "since": "2026-01-01T00:00:00Z"});
    let answer = system.post(RESEND, "ops", &body).await;
    system.deliver("deliver-webhook").await;

    let arrived = system.arrived("zapier").await;
    assert_eq!((refused.len(), &answer.body["resent"], arrived.len()), (1, &json!(2), 3));
    let ids: Vec<&str> = arrived.iter().map(|arrived| arrived.header("webhook-id")).collect();
    assert!(ids[1..].contains(&ids[0]) && ids[1] != ids[2], "{ids:?}");
    assert_eq!(system.count("webhook_deliveries where status = 'delivered'").await, 2);
    assert_eq!(system.count("tasks where kind = 'deliver-webhook'").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asked_to_be_spared_is_still_spared() {
    let (system, user) = with_make(&[]).await;
    let slowed =
        "update webhook_endpoints set throttles = 3, failing_since = now(), paused_until = now() + interval '1 hour'";
    system.rows(slowed, &[]).await;
    system.event("user.created", user, 5).await;

    resend_since(&system, 60, json!({})).await;

    let spared = "webhook_endpoints where throttles = 3 and failing_since is not null and paused_until > now()";
    assert_eq!(system.count(spared).await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_is_told_nothing() {
    let (system, user) = with_make(&[]).await;
    let event = system.event("user.created", user, 5).await;
    let delivery = system.delivery(event, "make", "failed", 9).await;
    let unknown = system.post(RESEND, "ops", &json!({"endpoint": "nobody", "since": "2026-01-01T00:00:00Z"})).await;
    system.rows("update webhook_endpoints set removed_at = now()", &[]).await;

    let removed = resend_since(&system, 60, json!({})).await;
    let one = system.post(RESEND, "ops", &json!({ "delivery_id": delivery })).await;

    for answer in [unknown, removed, one] {
        assert_eq!((answer.status, answer.code()), (404, "unknown-endpoint"));
    }
    assert_eq!(system.count("tasks").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_people_wait_for_their_flag_and_other_news_do_not() {
    let (system, user) = with_make(&[]).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.rows("update webhook_endpoints set events = array['user.created', 'referral.earned']", &[]).await;
    system.event("user.created", user, 5).await;
    let earned = "with referral as (
                      insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
                      values (new_uuid_v7(), $1, $2, 'Booking', 'photoday', 'B1') returning id
                  )
                  insert into webhook_events (id, type, referral_id, occurred_at)
                  select new_uuid_v7(), 'referral.earned', id, now() - interval '4 minutes' from referral";
    system.rows(earned, &[&frank, &user]).await;

    let answer = resend_since(&system, 60, json!({})).await;

    assert_eq!(answer.body["resent"], 2);
    let kinds = system.rows("select distinct kind from tasks where kind like 'deliver%' order by kind", &[]).await;
    let kinds: Vec<String> = kinds.iter().map(|row| row.get(0)).collect();
    assert_eq!(kinds, ["deliver-user-webhook", "deliver-webhook"]);
    let messages: Vec<_> =
        system.messages("DeliverWebhookQueue").await.into_iter().filter_map(|one| one.body).collect();
    assert!(
        messages.iter().all(|message| message.contains(r#""deliver-webhook""#)) && !messages.is_empty(),
        "{messages:?}"
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_at_once_one_has_it_sent_again() {
    let (system, user) = with_make(&[]).await;
    for minutes in 1..=20 {
        let event = system.event("user.created", user, minutes).await;
        if minutes % 2 == 0 {
            system.delivery(event, "make", "failed", 9).await;
        }
    }
    system.ready("resend-deliveries", 2).await;
    let lock = system.lock_table("webhook_deliveries").await;
    let body = json!({"endpoint": "make", "since": "2026-01-01T00:00:00Z"});

    let both = join(system.post(RESEND, "ops", &body), system.post(RESEND, "eve", &body));
    let release = async {
        lock.keeps_waiting(2).await;
        lock.release().await;
    };
    let ((one, other), ()) = join(both, release).await;

    let mut resent = [&one, &other].map(|answer| answer.body["resent"].as_i64().unwrap());
    resent.sort_unstable();
    assert_eq!(resent, [0, 20], "{one:?} {other:?}");
    assert_eq!(open(&system).await.len(), 20);
    assert_eq!(system.count("tasks where revision = 1").await, 20);
    system.stop().await;
}
