//! Admins see how the traffic with others is doing; nobody else does.

use std::collections::BTreeSet;

use local::samconfig;
use local::services::workspace;
use local::template::Template;
use serde_json::{Value, json};
use tests::{System, Webhook, sent, sheree};

const INTEGRATIONS: &str = "/api/admin/integrations";

/// Method and path of each route for admins, as the template has them.
fn routes() -> Vec<(String, String)> {
    let root = workspace::root();
    let parameters = samconfig::parameters(&root.join("samconfig.toml"), "dev").expect("the stage has parameters");
    let template = Template::read(&root.join("template.yaml"), &parameters).expect("the template can be read");
    let routes = template.functions.into_iter().flat_map(|function| function.routes);
    let routes: Vec<_> = routes.map(|route| (route.method, route.path)).collect();
    let of_admins: Vec<_> = routes.into_iter().filter(|(_, path)| path.starts_with("/api/admin/")).collect();
    assert!(of_admins.len() >= 7, "{of_admins:?}");
    of_admins
}

/// A body that each of the routes takes.
fn body_for(path: &str) -> Value {
    let nobody = uuid::Uuid::nil();
    match path {
        "/api/admin/tasks/replay" => json!({"kind": "sync-zoho", "all": true, "resume": true}),
        "/api/admin/deliveries/resend" => json!({"endpoint": "make", "since": "2026-01-01T00:00:00Z"}),
        "/api/admin/organizations/{id}/hand-over" => json!({"email": "mills@example.com"}),
        "/api/admin/alerts/send" => json!({"batch_id": nobody, "decision": "sent"}),
        _ => Value::Null,
    }
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let list = list.as_array().expect("a list");
    let found = list.iter().find(|one| one["name"] == name || one["kind"] == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {list:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_admins_gets_in() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.school().await;
    system.register("sheree", &sheree("")).await;
    system.endpoint("make", &["user.created"]).await;
    system.pause("sync-zoho").await;
    let tasks = "select json_agg(tasks order by kind, key)::text from tasks";
    let before: String = system.value(tasks, &[]).await;

    for (method, path) in &routes() {
        let body = body_for(path);
        let nobody = sent(system.request(method, path).json(&body)).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        let stranger = system.call(method, path, "mallory", &body).await;
        assert_eq!((stranger.status, stranger.code()), (404, "not-registered"), "{method} {path}");
        for user in ["sheree", "cathy"] {
            let refused = system.call(method, path, user, &body).await;
            assert_eq!((refused.status, refused.code()), (403, "not-an-admin"), "{method} {path}");
        }
    }
    let after: String = system.value(tasks, &[]).await;

    assert_eq!(after, before);
    assert_eq!(system.pause_of("sync-zoho").await, "a test");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_gets_in_everywhere() {
    let system = System::start().await;
    system.make_admin("ops").await;

    let mut refused = BTreeSet::new();
    for (method, path) in &routes() {
        let answer = system.call(method, path, "ops", &body_for(path)).await;
        if answer.status != 200 {
            refused.insert((answer.status, answer.code().to_owned()));
        }
    }

    let there_are_none = ["unknown-batch", "unknown-endpoint", "unknown-organization"];
    assert_eq!(refused, there_are_none.map(|code| (404, code.to_owned())).into());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_and_kinds_of_work_are_shown_as_they_stand() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.make_admin("ops").await;
    system.fill_tasks("sync-zoho", 3).await;
    system.fill_failures("sync-zoho", "failed", 0, 2).await;
    system.pause("send-alerts").await;

    let answer = system.get(INTEGRATIONS, "ops").await;

    let flags = json!({"ENABLE_ZOHO_SYNC": true, "ENABLE_EMAIL_ALERTS": false, "ZOHO_SYNC_ROUTE": "native"});
    assert_eq!((answer.status, &answer.body["flags"]), (200, &flags));
    let kinds = &answer.body["kinds"];
    assert_eq!(kinds.as_array().map(Vec::len), Some(6));
    let sync = named(kinds, "sync-zoho");
    assert_eq!((&sync["waiting"], &sync["failed"], &sync["paused_until"]), (&json!(3), &json!(2), &Value::Null));
    assert!(sync["oldest_seconds"].as_i64() > Some(3_500), "{sync}");
    let paused = named(kinds, "send-alerts");
    assert_eq!(paused["reason"], "a test");
    assert!(chrono::DateTime::parse_from_rfc3339(paused["paused_until"].as_str().unwrap()).is_ok(), "{paused}");
    assert_eq!(named(kinds, "pull-zoho")["paused_until"], Value::Null);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_backs_off_hides_none_that_stands_behind_it() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.make_admin("ops").await;
    system.fill_tasks("sync-zoho", 1).await;
    system.rows("update tasks set priority = 1", &[]).await;
    let backs_off = "insert into tasks (kind, key, priority, not_before, dispatch_at)
        select 'sync-zoho', gen_random_uuid(), 0, later, later from (select now() + interval '10 minutes' as later) as clock";
    system.rows(backs_off, &[]).await;

    let answer = system.get(INTEGRATIONS, "ops").await;

    let sync = named(&answer.body["kinds"], "sync-zoho");
    assert_eq!(sync["waiting"], 2);
    assert!(sync["oldest_seconds"].as_i64() > Some(3_500), "{sync}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_shown_with_what_they_may_and_without_their_keys() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;

    let answer = system.get(INTEGRATIONS, "ops").await;

    let photoday = named(&answer.body["sources"], "photoday");
    assert_eq!(
        (&photoday["scheme"], &photoday["keys"], &photoday["hosts"]),
        (&json!("standard"), &json!(1), &json!([]))
    );
    assert!(photoday["events"].as_array().unwrap().contains(&json!("gallery.published")), "{photoday}");
    assert!(photoday["last_event_at"].is_string(), "{photoday}");
    let make = named(&answer.body["sources"], "make");
    assert_eq!((&make["hosts"], &make["last_event_at"]), (&json!(["photoday", "gotphoto"]), &Value::Null));
    assert_eq!(named(&answer.body["sources"], "zoho-campaigns")["scheme"], "token");
    for source in system.secret("webhook-sources").await.as_object().unwrap().values() {
        for key in source["keys"].as_array().unwrap() {
            let key = key.as_str().unwrap();
            assert!(!answer.body.to_string().contains(key.trim_start_matches("whsec_")), "a key is shown");
        }
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_shown_with_how_they_are_doing() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.register_endpoints().await;
    for name in ["active", "slowed", "disabled", "removed"] {
        system.endpoint(name, &["user.created"]).await;
    }
    let states = "update webhook_endpoints set
        paused_until = case name when 'slowed' then now() + interval '1 hour' when 'active' then now() - interval '1 hour' end,
        disabled_at = case name when 'disabled' then now() end,
        disabled_reason = case name when 'disabled' then '410 Gone' end,
        removed_at = case name when 'removed' then now() end";
    system.rows(states, &[]).await;
    for status in ["pending", "pending", "failed", "delivered"] {
        let event = system.event("user.created", user, 1).await;
        system.delivery(event, "active", status, 1).await;
    }

    let answer = system.get(INTEGRATIONS, "ops").await;

    let endpoints = &answer.body["endpoints"];
    for state in ["active", "slowed", "disabled", "removed"] {
        assert_eq!(named(endpoints, state)["state"], state);
    }
    let active = named(endpoints, "active");
    assert_eq!((&active["pending"], &active["failed"], &active["paused_until"]), (&json!(2), &json!(1), &Value::Null));
    assert_eq!(active["events"], json!(["user.created"]));
    assert_eq!((&active["origin"], &active["keys"]), (&Value::Null, &json!(0)), "the secret does not know it");
    assert_eq!(named(endpoints, "disabled")["reason"], "410 Gone");
    assert!(named(endpoints, "slowed")["paused_until"].is_string());
    let make = named(endpoints, "make");
    assert_eq!((&make["origin"], &make["keys"]), (&json!(system.endpoints().webhook_receiver), &json!(1)));
    let key = system.endpoints().webhook_endpoints["make"].trim_start_matches("whsec_");
    assert!(!answer.body.to_string().contains("/hooks/") && !answer.body.to_string().contains(key), "{}", answer.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_are_shown_and_never_whose_they_are() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let waiting = "insert into webhook_inbox (id, source, event_id, type, status, occurred_at, received_at, subject, payload)
        select new_uuid_v7(), 'photoday', n::text, 'order.created', 'pending', now(), now() + make_interval(secs => n),
            case when n = 1 then 'gallery:photoday/PD-9' else 'buyer:' || encode(sha256('sheree@example.com'), 'hex') end, '{}'
        from generate_series(1, 60) as n";
    system.rows(waiting, &[]).await;
    let ended =
        "update webhook_inbox set status = case event_id when '59' then 'refused' else 'expired' end::webhook_status,
                     ended_at = now() where event_id in ('58', '59', '60')";
    system.rows(ended, &[]).await;

    let answer = system.get(INTEGRATIONS, "ops").await;

    let inbox = &answer.body["inbox"];
    assert_eq!((&inbox["pending"], &inbox["refused"], &inbox["expired"]), (&json!(57), &json!(1), &json!(2)));
    let shown = inbox["waiting"].as_array().unwrap();
    assert_eq!(shown.len(), 50);
    assert_eq!((&shown[0]["subject"], &shown[0]["type"]), (&json!("gallery:photoday/PD-9"), &json!("order.created")));
    assert!(shown[1..].iter().all(|event| event["subject"] == "buyer"), "{shown:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_wait_for_a_word_are_shown_with_what_speaks_for_either() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    system.make_admin("ops").await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    for gallery in ["PD-1", "PD-2", "PD-3"] {
        system.gallery(gallery).await;
    }
    system.fault("transmission", "reset", &json!({})).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["uncertain"]).await;
    let batch = system.batch().await;
    system.mend_zoho().await;
    system.send_webhook(&Webhook::gallery_published("PD-2")).await;
    system.alerts_become(&["delivered", "uncertain"]).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", false)]).await;
    system.send_webhook(&Webhook::gallery_published("PD-3")).await;
    system.fanned_out().await;

    let answer = system.get(INTEGRATIONS, "ops").await;

    let alerts = &answer.body["alerts"];
    let gallery: uuid::Uuid = system.value("select id from galleries where external_host_id = 'PD-3'", &[]).await;
    assert_eq!(alerts["held"], json!([{"gallery_id": gallery, "title": "Fall Soccer", "alerts": 1}]));
    let [uncertain] = &**alerts["uncertain"].as_array().unwrap() else { panic!("{alerts}") };
    assert_eq!((&uncertain["batch_id"], &uncertain["alerts"]), (&json!(batch), &json!(1)));
    assert_eq!((&uncertain["transmissions_since"], &uncertain["receipts_since"]), (&json!(1), &json!(1)));
    assert!(!answer.body.to_string().contains("sheree") && !answer.body.to_string().contains('@'), "{}", answer.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_uncertain_batches_before_a_thousand_sent_ones_are_shown() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.school().await;
    system.add_parents(200).await;
    for fill in [
        "insert into galleries (id, host, external_host_id, organization_id, title, event_date)
         select new_uuid_v7(), 'photoday', 'PD-' || n, organization.user_id, 'Fall Soccer', current_date
         from generate_series(1, 1000) as n cross join profiles_organizations as organization",
        "insert into alert_batches (id, gallery_id, status, sending_at, sent_at)
         select new_uuid_v7(), id, 'sent', now(), now() from galleries",
        "insert into gallery_alerts (gallery_id, parent_id, id, batch_id, status)
         select batch.gallery_id, parent.user_id, new_uuid_v7(), batch.id, 'delivered'
         from alert_batches as batch cross join profiles_parents as parent",
        "insert into alert_batches (id, gallery_id, status, sending_at)
         select new_uuid_v7(), (select min(id::text)::uuid from galleries), 'uncertain', now() - make_interval(mins => n)
         from generate_series(1, 100) as n",
    ] {
        system.rows(fill, &[]).await;
    }

    let answer = system.get(INTEGRATIONS, "ops").await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let uncertain = answer.body["alerts"]["uncertain"].as_array().unwrap();
    assert_eq!(uncertain.len(), 100);
    for batch in uncertain {
        let since = (&batch["alerts"], &batch["transmissions_since"], &batch["receipts_since"]);
        assert_eq!(since, (&json!(0), &json!(1000), &json!(200_000)));
    }
    system.stop().await;
}
