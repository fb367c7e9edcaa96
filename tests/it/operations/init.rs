//! Init: a function connects, logs in and prepares its usual statements before its first event, unless anyone can call it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use local::services::workspace;
use serde_json::{Value, json};
use tests::{Detour, System, Webhook, Wire, frank, sent, sheree};

/// What a function logs whose statements PostgreSQL could not plan ahead.
const UNPLANNED: &str = "the first event plans its statements itself";

/// Those that anyone can call.
const PUBLIC: [&str; 2] = ["get-health", "receive-webhook"];

/// The functions of the template that log in with this secret, but for those that anyone can call.
fn eager(secret: &str) -> BTreeSet<String> {
    let template = fs::read_to_string(workspace::root().join("template.yaml")).expect("the template can be read");
    let login = format!("DATABASE_SECRET: !Ref {secret}");
    let mut handler = "";
    let mut found = BTreeSet::new();
    for line in template.lines().map(str::trim) {
        handler = line.strip_prefix("Handler: ").unwrap_or(handler);
        if line == login && !PUBLIC.contains(&handler) {
            found.insert(handler.to_owned());
        }
    }
    found
}

fn names(late: &BTreeMap<&str, Vec<String>>) -> BTreeSet<String> {
    late.keys().map(|function| (*function).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_of_a_process_finds_its_connection_and_its_statement_ready() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;

    // It is refused before any statement is sent, so what is on the wire was sent before it came: the statement is prepared,
    // and planned by a bind in a transaction that is rolled back.
    let refused = system.invoke("get-user-context", &tests::nothing_to_do()).await;
    let before = wire.said();
    let answered = system.get("/api/user/context", "sheree").await;
    let after = wire.said();

    assert_eq!(refused["statusCode"], 401, "{refused}");
    assert_eq!((answered.status, answered.code()), (404, "not-registered"));
    assert_eq!((before.as_str(), after.as_str()), ("PDSQBSCSQ", "BES"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cost_no_connection() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;

    let forged = system.invoke("receive-webhook", &tests::nothing_to_do()).await;

    assert_eq!(forged["statusCode"], 401, "{forged}");
    assert_eq!(wire.connections(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_without_a_database_answers_503_and_serves_once_there_is_one() {
    let system = System::start().await;
    let port: i32 = system.value("select inet_server_port()", &[]).await;
    let mut detour = Detour::closed().await;
    system.set(BTreeMap::from([("DATABASE_PORT", detour.port().to_string())])).await;

    let away = system.get("/api/user/context", "sheree").await;
    detour.open(&format!("http://127.0.0.1:{port}")).await;
    let there = system.get("/api/user/context", "sheree").await;

    assert_eq!((away.status, away.code()), (503, "unavailable"));
    assert_eq!((there.status, there.code()), (404, "not-registered"));
    let starts = system.logs().matches("no connection yet: the first event tries again").count();
    assert_eq!(starts, 1, "one process has served both");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_cannot_be_prepared_yet_hinders_neither_the_start_nor_the_others() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.school().await;
    system.rows("alter table galleries rename to galleries_to_come", &[]).await;
    let started = system.invoke("create-gallery", &tests::nothing_to_do()).await;
    system.rows("alter table galleries_to_come rename to galleries", &[]).await;
    wire.late("isoxp_api");

    system.gallery("PD-1").await;

    let late = wire.late("isoxp_api");
    assert_eq!(started["statusCode"], 401, "{started}");
    assert!(late.len() == 1 && late[0].starts_with("insert into galleries"), "{late:?}");
    assert_eq!(system.logs().matches("statements cannot be prepared yet").count(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_usually_sends_is_prepared_before_its_first_event() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.flip(&[("ENABLE_EMAIL_ALERTS", true)]).await;
    system.make_admin("ops").await;
    let mut late = BTreeMap::new();
    let mut look = |function| late.entry(function).or_insert_with(Vec::new).extend(wire.late("isoxp_api"));

    system.register("frank", &frank()).await;
    let school = system.school().await;
    let registered = system.register("sheree", &sheree(&school.join_code)).await;
    look("register-user");
    system.get("/api/user/context", "sheree").await;
    look("get-user-context");
    system.get("/api/user", "sheree").await;
    look("get-user");
    let moved = json!({"sub": "sheree", "email": "lane@example.com", "email_verified": true});
    let moved = system.token_with(&moved).await;
    assert_eq!(sent(system.request("POST", "/api/user/email").bearer_auth(moved)).await.status, 200);
    look("confirm-email");
    system.call("PATCH", "/api/user/profile", "sheree", &json!({"first_name": "Sherry"})).await;
    look("update-profile");
    let athletes = [registered.id("/athletes/0/id")];
    system.post("/api/rosters", "sheree", &json!({"join_code": school.join_code, "athlete_ids": athletes})).await;
    look("join-roster");
    let found = format!("/api/organizations?join_code={}", school.join_code);
    assert_eq!(system.get(&found, "sheree").await.status, 200);
    look("find-organization");
    let gallery = system.gallery("PD-1").await;
    look("create-gallery");
    let verification = format!("/api/admin/organizations/{}/verification", school.id);
    for (method, status, function) in [("DELETE", 204, "unverify-organization"), ("PUT", 200, "verify-organization")] {
        assert_eq!(system.call(method, &verification, "ops", &Value::Null).await.status, status);
        look(function);
    }
    let hand_over = format!("/api/admin/organizations/{}/hand-over", school.id);
    assert_eq!(system.post(&hand_over, "ops", &json!({"email": "mills@example.com"})).await.status, 202);
    look("hand-over");
    assert_eq!(system.get("/api/hosts", "sheree").await.status, 200);
    look("list-hosts");
    for (path, list) in [
        ("integrations", "get-integrations"),
        ("failures", "list-failures"),
        ("conflicts", "list-conflicts"),
        ("deliveries", "list-deliveries"),
        ("users", "list-users"),
        ("users?q=Sheree", "list-users"),
        ("users?verified=false", "list-users"),
    ] {
        assert_eq!(system.get(&format!("/api/admin/{path}"), "ops").await.status, 200);
        look(list);
    }
    let all = json!({"kind": "sync-zoho", "all": true});
    assert_eq!(system.post("/api/admin/tasks/replay", "ops", &all).await.status, 200);
    look("replay-tasks");
    system.endpoint("make", &["user.created"]).await;
    let since = json!({"endpoint": "make", "since": "2026-01-01T00:00:00Z"});
    assert_eq!(system.post("/api/admin/deliveries/resend", "ops", &since).await.status, 202);
    look("resend-deliveries");
    system.rows("update galleries set status = 'Live', live_at = now() where id = $1", &[&gallery]).await;
    assert_eq!(system.post("/api/admin/alerts/send", "ops", &json!({"gallery_id": gallery})).await.status, 202);
    look("send-held-alerts");
    let kim =
        json!({"first_name": "Kim", "last_name": "Lane", "sport_primary": "Golf", "join_codes": [school.join_code]});
    let kim = system.post("/api/athletes", "sheree", &kim).await.id("/id");
    look("add-athlete");
    assert_eq!(system.get("/api/athletes", "sheree").await.status, 200);
    look("list-athletes");
    let kim = format!("/api/athletes/{kim}");
    assert_eq!(system.call("PATCH", &kim, "sheree", &json!({"sport_primary": "Tennis"})).await.status, 200);
    look("update-athlete");
    assert_eq!(system.call("DELETE", &kim, "sheree", &Value::Null).await.status, 204);
    look("remove-athlete");
    assert_eq!(system.call("DELETE", "/api/user", "sheree", &Value::Null).await.status, 204);
    look("delete-user");

    assert_eq!(names(&late), eager("ApiDatabaseSecret"));
    late.retain(|_, statements| !statements.is_empty());
    assert_eq!(late, BTreeMap::new());
    assert!(!system.logs().contains(UNPLANNED), "{}", system.logs());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_usually_sends_is_prepared_before_its_first_event() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true), ("ENABLE_EMAIL_ALERTS", true)]).await;
    system.register_endpoints().await;
    system.stack().set_mappings_enabled(false).await;
    let school = system.school().await;
    let user = system.register("sheree", &sheree(&school.join_code)).await.id("/user/id");
    let gallery = system.gallery("PD-1").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let mut late = BTreeMap::new();
    let mut look = |function| late.entry(function).or_insert_with(Vec::new).extend(wire.late("isoxp_worker"));

    for (worker, keys) in [
        ("fan-out-gallery", vec![gallery]),
        ("send-alerts", vec![]),
        ("sync-zoho", vec![user, school.id]),
        ("pull-zoho", vec![]),
        ("deliver-webhook", vec![]),
        ("deliver-user-webhook", vec![]),
    ] {
        system.wake(worker, &keys).await;
        // It has two kinds of tasks.
        look(if worker == "deliver-user-webhook" { "deliver-webhook" } else { worker });
        if worker == "sync-zoho" {
            let contact = system.contact_of(user).await["id"].clone();
            system.edited("Contacts", &contact, &json!({"Phone": "(312) 555-0199"})).await;
            system.notified("Contacts", &[&contact]).await;
        }
    }
    for schedule in ["sweep-tasks", "tag-seniors", "reconcile-zoho", "renew-zoho-watch"] {
        system.invoke(schedule, &json!({})).await;
        look(schedule);
    }

    assert_eq!(names(&late), eager("WorkerDatabaseSecret"));
    late.retain(|_, statements| !statements.is_empty());
    assert_eq!(late, BTreeMap::new());
    assert_eq!(system.parent(user).await["phone_number"], "+13125550199", "the edit in the CRM was taken over");
    assert!(!system.logs().contains(UNPLANNED), "{}", system.logs());
    for done in ["alert_batches where status = 'sent'", "webhook_deliveries where status = 'delivered'"] {
        assert!(system.count(done).await > 0, "the workers had work: {done}");
    }
    system.stop().await;
}
