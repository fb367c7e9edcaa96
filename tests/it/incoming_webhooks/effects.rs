//! What events change besides galleries: the ledger and the links to the CRM; and those that wait for somebody.

use serde_json::{Value, json};
use tests::{System, Webhook, frank, sheree};
use uuid::Uuid;

fn order(order_id: &str, buyer_email: &str) -> Webhook {
    let data = json!({
        "order_id": order_id, "external_host_id": "PD-1", "buyer_email": buyer_email, "total": "48.00", "currency": "USD",
    });
    Webhook::new("order.created", &data)
}

fn linked(user: Uuid, contact: &str) -> Webhook {
    Webhook::new("crm.contact.linked", &json!({ "user_id": user, "zoho_contact_id": contact })).from("make")
}

/// The ledger: action, source, the host's reference, and whether it is Frank's for Sheree.
async fn ledger(system: &System) -> Vec<(String, String, String)> {
    let rows = system
        .rows(
            "select action_type::text, source, external_ref
             from referral_ledger as ledger
             join profiles_photographers as photographer on photographer.user_id = ledger.photographer_id
             join users on users.id = ledger.referred_user_id
             where photographer.referral_code = 'FRANK2024' and users.email = 'sheree@example.com' and source <> 'isoxp'
             order by external_ref",
            &[],
        )
        .await;
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// Of the only event in the inbox.
async fn status(system: &System) -> String {
    system.value("select status::text from webhook_inbox", &[]).await
}

async fn contact_of(system: &System, user: Uuid) -> Option<String> {
    system.value("select zoho_contact_id from users where id = $1", &[&user]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_and_a_booking_are_credited_to_the_recruiting_photographer_once() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    system.register("sheree", &sheree("")).await;
    let booking = Webhook::new("booking.created", &json!({"booking_id": "SB1", "buyer_email": "Sheree@Example.com"}));

    let first = system.send_webhook(&order("SB1", "SHEREE@example.com")).await;
    // The host forgets what it has sent, and sends it as another event.
    let again = system.send_webhook(&order("SB1", "sheree@example.com")).await;
    // Middleware tells of the same order of the same host.
    let data = json!({"host": "photoday", "order_id": "SB1", "buyer_email": "sheree@example.com"});
    let through_make = system.send_webhook(&Webhook::new("order.created", &data).from("make")).await;
    let booked = system.send_webhook(&booking).await;

    for answer in [first, again, through_make, booked] {
        assert_eq!((answer.status, &answer.body["status"]), (202, &json!("accepted")));
    }
    let expected = [("Gallery_Purchase", "photoday", "SB1"), ("Booking", "photoday", "booking:SB1")]
        .map(|(action, source, reference)| (action.to_owned(), source.to_owned(), reference.to_owned()));
    assert_eq!(ledger(&system).await, expected);
    let status: String =
        system.value("select string_agg(distinct commission_status::text, ',') from referral_ledger", &[]).await;
    assert_eq!(status, "Pending");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_its_buyer_and_does_not_remember_her_address() {
    let system = System::start().await;
    system.register("frank", &frank()).await;

    let sent = system.send_webhook(&order("SB1", "sheree@example.com")).await;

    assert_eq!((sent.status, &sent.body["status"]), (202, &json!("pending")));
    let kept: String = system.value("select webhook_inbox::text from webhook_inbox", &[]).await;
    assert!(!kept.contains("sheree"), "{kept}");

    system.register("sheree", &sheree("")).await;

    assert_eq!(ledger(&system).await.len(), 1);
    assert_eq!(status(&system).await, "applied");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_a_buyer_who_takes_over_the_address_later() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let old = system.token_with(&json!({"sub": "sheree", "email": "old@example.com", "email_verified": true})).await;
    let registered = tests::sent(system.request("POST", "/api/users").bearer_auth(old).json(&sheree(""))).await;
    system.send_webhook(&order("SB1", "sheree@example.com")).await;

    let again = system.post("/api/users", "sheree", &sheree("")).await;

    assert_eq!((registered.status, again.status), (201, 200));
    assert_eq!(ledger(&system).await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_their_buyer_at_the_same_instant_meet() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let body = sheree("");
    let orders: Vec<Webhook> = (0..8).map(|n| order(&format!("SB{n}"), "sheree@example.com")).collect();

    let register = system.register("sheree", &body);
    let sends = futures_util::future::join_all(orders.iter().map(|order| system.send_webhook(order)));
    let (_, answers) = tokio::join!(register, sends);

    assert!(answers.iter().all(|answer| answer.status == 202));
    assert_eq!(ledger(&system).await.len(), 8);
    assert_eq!(system.count("webhook_inbox where status = 'pending'").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_whom_nobody_brought_earns_nobody_anything() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let mut body = sheree("");
    body["referred_by_code"] = Value::Null;
    system.register("sheree", &body).await;

    let sent = system.send_webhook(&order("SB1", "sheree@example.com")).await;

    assert_eq!((sent.status, &sent.body["status"]), (202, &json!("accepted")));
    assert_eq!(system.count("referral_ledger").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_finds_a_buyer_who_was_brought_in_by_hand() {
    let system = System::start().await;
    let photographer = system.register("frank", &frank()).await.id("/user/id");
    system.send_webhook(&order("SB1", "sheree@example.com")).await;
    let user = Uuid::from_u128(7);
    system
        .rows(
            "insert into users (id, email, auth_provider_id, role) values ($1, 'Sheree@example.com', 'imported', 'parent')",
            &[&user],
        )
        .await;
    system
        .rows(
            "insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
             values ($1, $2, $1, 'Sign_Up', 'isoxp', 'imported')",
            &[&user, &photographer],
        )
        .await;

    let swept = system.sweep().await;

    assert_eq!(swept["subjects"], 1, "{swept}");
    assert_eq!(system.count("referral_ledger where source = 'photoday'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_linked_once_and_never_overwritten() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let other = system.register("frank", &frank()).await.id("/user/id");

    let first = system.send_webhook(&linked(user, "4150868000000376008")).await;
    let again = system.send_webhook(&linked(user, "4150868000000376008")).await;
    let changed = system.send_webhook(&linked(user, "4150868000000376009")).await;
    let stolen = system.send_webhook(&linked(other, "4150868000000376008")).await;

    assert_eq!((first.status, again.status), (202, 202));
    for refused in [&changed, &stolen] {
        assert_eq!((refused.status, refused.code()), (409, "linked-otherwise"));
    }
    assert_eq!(contact_of(&system, user).await.as_deref(), Some("4150868000000376008"));
    assert_eq!(contact_of(&system, other).await, None);
    // What was refused left no trace, so a corrected one may come under the same id.
    assert_eq!(system.count("webhook_inbox").await, 2);
    let logs = system.logs();
    for user in [user, other] {
        let told = |line: &&str| line.contains("WARN") && line.contains(&user.to_string()) && line.contains("make");
        assert_eq!(logs.lines().filter(told).count(), 1, "{logs}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_who_are_linked_to_one_contact_at_the_same_instant_get_one_link() {
    let system = System::start().await;
    let users = [
        system.register("sheree", &sheree("")).await.id("/user/id"),
        system.register("frank", &frank()).await.id("/user/id"),
    ];
    let [one, other] = users.map(|user| linked(user, "4150868000000376008"));

    // One stands before the task that is part of its transaction, the other behind its link, which nobody sees yet.
    let lock = system.lock_table("tasks").await;
    let released = async {
        lock.keeps_waiting(2).await;
        lock.release().await;
    };
    let (one, other, ()) = tokio::join!(system.send_webhook(&one), system.send_webhook(&other), released);

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "{} {}", one.body, other.body);
    assert_eq!(system.count("users where zoho_contact_id is not null").await, 1);
    assert_eq!(system.count("webhook_inbox").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_we_have_kept_wrongly_is_our_fault() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let empties = "create function empty() returns trigger language plpgsql
                   as $$ begin new.payload = '{}'; return new; end $$";
    system.rows(empties, &[]).await;
    let trigger = "create trigger empty before insert on webhook_inbox for each row execute function empty()";
    system.rows(trigger, &[]).await;

    let answer = system.send_webhook(&linked(user, "4150868000000376008")).await;

    assert_eq!((answer.status, answer.code()), (500, "internal"));
    assert_eq!(contact_of(&system, user).await, None);
    assert_eq!(system.count("webhook_inbox").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_not_link_contacts() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");

    let refused = system.send_webhook(&linked(user, "4150868000000376008").from("photoday")).await;

    assert_eq!((refused.status, refused.code()), (403, "event-not-allowed"));
    assert_eq!(contact_of(&system, user).await, None);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_waits_for_a_user_who_is_not_here_and_is_refused_if_it_does_not_fit_then() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    let user = Uuid::from_u128(7);
    let one = system.send_webhook(&linked(user, "1")).await;
    let other = system.send_webhook(&linked(user, "2")).await;
    system
        .rows(
            "insert into users (id, email, auth_provider_id, role) values ($1, 'a@example.com', 'a', 'parent')",
            &[&user],
        )
        .await;

    system.sweep().await;

    assert!([&one, &other].iter().all(|answer| answer.body["status"] == "pending"), "{} {}", one.body, other.body);
    assert_eq!(contact_of(&system, user).await.as_deref(), Some("1"));
    let refused = system.rows("select id, reason from webhook_inbox where status = 'refused'", &[]).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].get::<_, Uuid>("id"), other.id("/id"));
    assert!(refused[0].get::<_, &str>("reason").starts_with("Another Contact"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_came_for_expires_after_ninety_days_with_a_record() {
    let system = System::start().await;
    system.send_webhook(&order("SB1", "nobody@example.com")).await;
    system.rows("update webhook_inbox set received_at = now() - interval '89 days'", &[]).await;
    system.sweep().await;
    let before = status(&system).await;

    system.rows("update webhook_inbox set received_at = now() - interval '91 days'", &[]).await;
    let swept = system.sweep().await;

    assert_eq!((before.as_str(), &swept["expired"]), ("pending", &json!(1)));
    let row = &system.rows("select status::text, ended_at, payload, subject from webhook_inbox", &[]).await[0];
    assert_eq!(row.get::<_, &str>("status"), "expired");
    assert!(row.get::<_, Option<chrono::DateTime<chrono::Utc>>>("ended_at").is_some());
    assert_eq!(row.get::<_, Option<Value>>("payload"), None);
    assert_eq!(row.get::<_, &str>("subject"), "buyer:", "nobody can be known again by it");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_has_expired_is_still_a_duplicate() {
    let system = System::start().await;
    let order = order("SB1", "sheree@example.com");
    let first = system.send_webhook(&order).await;
    system.rows("update webhook_inbox set received_at = now() - interval '91 days'", &[]).await;
    system.sweep().await;

    let again = system.send_webhook(&order).await;

    assert_eq!((again.status, again.id("/id")), (200, first.id("/id")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_dropped_thirty_days_after_they_were_applied_and_ids_stay() {
    let system = System::start().await;
    system.school().await;
    system.gallery("PD-1").await;
    let published = Webhook::gallery_published("PD-1");
    system.send_webhook(&published).await;

    let mut kept = Vec::new();
    for days in [29, 31] {
        let sql = format!("update webhook_inbox set applied_at = now() - interval '{days} days'");
        system.rows(&sql, &[]).await;
        system.sweep().await;
        kept.push(system.count("webhook_inbox where payload is not null").await);
    }

    assert_eq!(kept, [1, 0]);
    assert_eq!(system.send_webhook(&published).await.body["status"], "duplicate");
    assert_eq!(status(&system).await, "applied");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_and_what_endpoints_answered_is_dropped_after_thirty_days_too() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let id = Uuid::from_u128(7);
    system
        .rows(
            "insert into webhook_inbox (id, source, event_id, type, status, occurred_at, subject, payload, ended_at, reason)
             values ($1, 'make', 'e', 'crm.contact.linked', 'refused', now(), 'user:x', '{\"zoho_contact_id\":\"1\"}', now(), 'r')",
            &[&id],
        )
        .await;
    system
        .rows("insert into webhook_endpoints (name, events, url_sha256) values ('make', '{}', sha256('u'))", &[])
        .await;
    system
        .rows(
            "insert into webhook_deliveries (id, event_id, endpoint, status, last_attempt_at, last_answer)
             select $1, id, 'make', 'failed', now(), 'sheree@example.com' from webhook_events where user_id = $2",
            &[&id, &user],
        )
        .await;

    let mut kept = Vec::new();
    for days in [29, 31] {
        system.rows(&format!("update webhook_inbox set ended_at = now() - interval '{days} days'"), &[]).await;
        system
            .rows(&format!("update webhook_deliveries set last_attempt_at = now() - interval '{days} days'"), &[])
            .await;
        system.sweep().await;
        let payloads = system.count("webhook_inbox where payload is not null").await;
        kept.push((payloads, system.count("webhook_deliveries where last_answer is not null").await));
    }

    assert_eq!(kept, [(1, 1), (0, 0)]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_does_not_fit_is_told_by_its_field() {
    let system = System::start().await;
    let cases = [
        ("order.created", json!({"buyer_email": "sheree@example.com"}), "data.order_id is required."),
        (
            "order.created",
            json!({"order_id": "SB1", "buyer_email": "sheree"}),
            "data.buyer_email must be an e-mail address.",
        ),
        (
            "booking.created",
            json!({"booking_id": ["7"], "buyer_email": "a@example.com"}),
            "data.booking_id must be text.",
        ),
        (
            "booking.created",
            json!({"booking_id": 7.5, "buyer_email": "a@example.com"}),
            "data.booking_id must be text or a whole number.",
        ),
        ("crm.contact.linked", json!({"user_id": "7", "zoho_contact_id": "1"}), "data.user_id must be an id as"),
        (
            "crm.contact.linked",
            json!({"user_id": Uuid::nil(), "zoho_contact_id": "x"}),
            "data.zoho_contact_id must be an id of Zoho",
        ),
    ];

    for (kind, data, sentence) in cases {
        let answer = system.send_webhook(&Webhook::new(kind, &data).from("make")).await;

        assert_eq!((answer.status, answer.code()), (400, "malformed"));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(sentence), "{detail}");
    }
    assert_eq!(system.count("webhook_inbox").await, 0);
    system.stop().await;
}
