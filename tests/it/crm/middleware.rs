//! `ZOHO_SYNC_ROUTE=middleware`: Make or Zapier make the Contacts and send `crm.contact.linked` back. Here the tests play
//! the scenario; `middleware_scenario.rs` runs one.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{Answer, System, Task, Webhook, cathy, eventually, frank, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const CONTACT: &str = "4150868000000376008";

/// A system on this route whose queues stand still, and whose endpoint `make` is the test.
async fn system(flag: &str) -> System {
    let set = [("ENABLE_ZOHO_SYNC", flag), ("ZOHO_SYNC_ROUTE", "middleware")];
    let set: BTreeMap<String, String> = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let system = System::with_variables(set).await;
    system.stack().set_mappings_enabled(false).await;
    system
        .rows(
            "update task_kinds set paused_until = 'infinity', reason = 'a test' where kind = 'deliver-user-webhook'",
            &[],
        )
        .await;
    system
}

async fn with_endpoint(flag: &str) -> System {
    let system = system(flag).await;
    add_endpoint(&system, "make").await;
    system
}

async fn add_endpoint(system: &System, name: &str) {
    let add =
        "insert into webhook_endpoints (name, events, url_sha256) values ($1, '{user.created}', sha256('a test'))";
    system.rows(add, &[&name]).await;
}

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

/// Takes what is to be delivered, and returns the ids of the events.
async fn take_deliveries(system: &System) -> Vec<Uuid> {
    system.rows("delete from tasks where kind = 'deliver-user-webhook'", &[]).await;
    let taken = "update webhook_deliveries set status = 'delivered', delivered_at = now() where status = 'pending'
                 returning event_id";
    system.rows(taken, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// An hour goes by, and the worker looks at the users' tasks.
async fn an_hour_later(system: &System, users: &[Uuid]) {
    system.let_an_hour_pass().await;
    system.wake(KIND, users).await;
}

/// What the scenario sends back.
async fn link(system: &System, user: Uuid, contact: &str) -> Answer {
    let data = json!({ "user_id": user, "zoho_contact_id": contact });
    system.send_webhook(&Webhook::new("crm.contact.linked", &data).from("make")).await
}

async fn times_told(system: &System, user: Uuid) -> i64 {
    system.value("select count(*) from webhook_events where type = 'user.created' and user_id = $1", &[&user]).await
}

async fn waiting_task(system: &System, user: Uuid) -> Task {
    system.task(KIND, user).await.expect("the task is there")
}

async fn is_linked_once_and_done(system: &System, user: Uuid, contact: &str) {
    system.wake(KIND, &[user]).await;
    assert_eq!(system.linked_contact(user).await.as_deref(), Some(contact));
    assert_eq!(system.task(KIND, user).await, None);
}

/// Waits until the worker stands before a lock and the receiver behind the worker.
async fn two_wait(system: &System) {
    let waiting = "(select distinct pid from pg_locks join pg_stat_activity using (pid)
                    where not granted and datname = current_database()) as waiting";
    eventually("two wait", || async { (system.count(waiting).await == 2).then_some(()) }).await;
}

/// Nothing was asked of Zoho by us.
async fn zoho_was_left_alone(system: &System) {
    let calls = system.zoho().await["calls"].clone();
    assert!(calls.as_object().is_some_and(|calls| calls.values().all(|times| *times == json!(0))), "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scenario_hears_of_a_new_user_and_links_her_and_zoho_hears_nothing_of_us() {
    let system = with_endpoint("true").await;
    // Who needs no secret does not read it.
    system.change_secret("zoho", &json!("not a secret")).await;

    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;
    let waiting = waiting_task(&system, user).await;
    let heard = take_deliveries(&system).await;
    let linked = link(&system, user, CONTACT).await;

    assert_eq!((waiting.code.as_str(), waiting.failed, waiting.waits), ("waiting-for-link", false, true));
    assert!(waiting.message.contains("make") && waiting.message.contains("crm.contact.linked"), "{}", waiting.message);
    assert_eq!(heard.len(), 1);
    assert_eq!((linked.status, &linked.body["status"]), (202, &json!("accepted")));
    is_linked_once_and_done(&system, user, CONTACT).await;
    zoho_was_left_alone(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_loop_back_never_comes_is_told_of_again_under_a_new_id() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;
    let first = take_deliveries(&system).await;

    an_hour_later(&system, &[user]).await;
    let second = take_deliveries(&system).await;
    let waiting = waiting_task(&system, user).await;
    system.wake(KIND, &[user]).await;

    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second, "receivers drop what they know");
    assert_eq!((waiting.code.as_str(), waiting.waits), ("waiting-for-link", true));
    assert!(waiting.message.contains("told of the user 2 times"), "{}", waiting.message);
    assert_eq!(times_told(&system, user).await, 2, "and not again within the hour");
    link(&system, user, CONTACT).await;
    is_linked_once_and_done(&system, user, CONTACT).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_runs_from_the_delivery_and_a_worker_who_comes_early_waits_for_the_rest() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    system.let_an_hour_pass().await;
    take_deliveries(&system).await;
    system.rows("update webhook_deliveries set delivered_at = now() - interval '20 minutes'", &[]).await;

    system.wake(KIND, &[user]).await;

    assert_eq!(times_told(&system, user).await, 1);
    let minutes = "select (extract(epoch from not_before - now()) / 60)::int from tasks where kind = 'sync-zoho'";
    assert_eq!(system.value::<i32>(minutes, &[]).await, 40);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_still_on_its_way_gets_no_company() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;

    for _ in 0..3 {
        an_hour_later(&system, &[user]).await;
    }

    assert_eq!(times_told(&system, user).await, 1);
    assert_eq!(waiting_task(&system, user).await.code, "waiting-for-link");
    // Given up for good, it is followed by another.
    system.rows("update webhook_deliveries set status = 'failed'", &[]).await;
    an_hour_later(&system, &[user]).await;
    assert_eq!(times_told(&system, user).await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_delivery_has_crashed_is_not_on_its_way() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    let crash = r#"update tasks set failed_at = now(), failure = '{"code":"crashed","message":"a test"}'
                   where kind = 'deliver-user-webhook'"#;
    system.rows(crash, &[]).await;

    an_hour_later(&system, &[user]).await;

    assert_eq!(
        system.count("webhook_deliveries where status = 'pending'").await,
        2,
        "the crash left its row as it was"
    );
    assert_eq!(times_told(&system, user).await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_its_way_to_an_endpoint_that_is_gone_keeps_nothing_from_its_successor() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;

    let mut heard = Vec::new();
    for (endpoint, end, successor) in [
        ("make", "removed_at = now()", "zapier"),
        ("zapier", "disabled_at = now(), disabled_reason = 'a test'", "another"),
    ] {
        system.rows(&format!("update webhook_endpoints set {end} where name = $1"), &[&endpoint]).await;
        add_endpoint(&system, successor).await;
        an_hour_later(&system, &[user]).await;
        heard.push(system.count(&format!("webhook_deliveries where endpoint = '{successor}'")).await);
    }

    assert_eq!(heard, [1, 1]);
    assert_eq!(times_told(&system, user).await, 3);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_somebody_has_to_look_and_a_replay_starts_another_day() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;

    system.wake(KIND, &[user]).await;
    for _ in 0..24 {
        take_deliveries(&system).await;
        an_hour_later(&system, &[user]).await;
    }

    let failed = waiting_task(&system, user).await;
    assert_eq!((failed.code.as_str(), failed.failed), ("never-linked", true));
    assert!(failed.message.contains("24 times") && failed.message.contains("endpoint: make"), "{}", failed.message);
    assert_eq!(times_told(&system, user).await, 24);
    let replay = "update tasks set failed_at = null, failure = null, attempts = 0, crashes = 0, not_before = now()";
    system.rows(replay, &[]).await;
    system.wake(KIND, &[user]).await;
    assert_eq!(times_told(&system, user).await, 25);
    assert_eq!(waiting_task(&system, user).await.code, "waiting-for-link");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_comes_after_we_have_given_up_is_taken() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    let give_up = r#"update tasks set failed_at = now(), failure = '{"code":"never-linked","message":"a test"}'"#;
    system.rows(give_up, &[]).await;

    link(&system, user, CONTACT).await;

    is_linked_once_and_done(&system, user, CONTACT).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_the_reason_says_so_and_one_that_is_added_hears_of_everybody() {
    let system = system("true").await;
    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;
    let without = waiting_task(&system, user).await;

    add_endpoint(&system, "make").await;
    an_hour_later(&system, &[user]).await;

    assert!(without.message.contains("No endpoint takes user.created"), "{}", without.message);
    assert_eq!(take_deliveries(&system).await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_an_endpoint_is_no_telling_and_the_first_one_hears_of_everybody_once() {
    let system = system("true").await;
    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;
    for _ in 0..25 {
        an_hour_later(&system, &[user]).await;
    }
    let without = waiting_task(&system, user).await;
    let events_without = times_told(&system, user).await;

    add_endpoint(&system, "make").await;
    an_hour_later(&system, &[user]).await;
    let heard = take_deliveries(&system).await;
    system.wake(KIND, &[user]).await;

    assert_eq!((without.code.as_str(), without.failed), ("waiting-for-link", false));
    assert!(without.message.contains("No endpoint takes user.created"), "{}", without.message);
    assert_eq!(events_without, 1, "that of her sign-up: whoever sends again what was missed sends one");
    assert_eq!(heard.len(), 1);
    assert_eq!(times_told(&system, user).await, 2);
    let waiting = waiting_task(&system, user).await;
    assert_eq!((waiting.code.as_str(), waiting.failed), ("waiting-for-link", false));
    assert!(waiting.message.contains("told of the user 1 times"), "{}", waiting.message);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_told_of_at_once_and_who_needs_nothing_is_done() {
    let system = with_endpoint("true").await;
    // They came before there was anybody to tell.
    system.fill_parents(98).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.rows("update users set zoho_contact_id = '7' where id = $1", &[&frank]).await;
    let admin = json!({ "admin": { "sub": "boss", "email": "boss@example.com" } });
    let admin: Uuid = system.invoke("migrate-database", &admin).await["admin"].as_str().unwrap().parse().unwrap();
    let gone = Uuid::from_u128(7);
    let ask = "insert into tasks (kind, key, not_before, dispatch_at) select $1, unnest($2::uuid[]), now(), now()";
    system.rows(ask, &[&KIND, &vec![admin, gone]]).await;
    let parents = "select key from tasks where kind = 'sync-zoho' and key in (select user_id from profiles_parents)";
    let parents: Vec<Uuid> = system.rows(parents, &[]).await.iter().map(|row| row.get(0)).collect();

    system.wake(KIND, &[frank, admin, gone]).await;
    system.wake(KIND, &[]).await;

    let told = "webhook_deliveries as delivery join webhook_events as event on event.id = delivery.event_id
                where event.type = 'user.created' and event.user_id in (select user_id from profiles_parents)";
    assert_eq!(system.count(told).await, 98);
    assert_eq!(system.count("tasks where kind = 'sync-zoho'").await, 98);
    assert_eq!(times_told(&system, parents[0]).await, 1);
    for done in [frank, admin, gone] {
        assert_eq!(system.task(KIND, done).await, None);
    }
    zoho_was_left_alone(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_different_link_is_refused_and_overwrites_nothing() {
    let system = with_endpoint("true").await;
    let sheree = registered(&system).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    link(&system, sheree, CONTACT).await;

    let another_contact = link(&system, sheree, "4150868000000999999").await;
    let another_user = link(&system, frank, CONTACT).await;
    let the_same = link(&system, sheree, CONTACT).await;

    for refused in [another_contact, another_user] {
        assert_eq!((refused.status, refused.code()), (409, "linked-otherwise"));
    }
    assert_eq!(the_same.status, 202, "saying it again changes nothing");
    assert_eq!(system.linked_contact(sheree).await.as_deref(), Some(CONTACT));
    assert_eq!(system.linked_contact(frank).await, None);
    assert_eq!(system.count("webhook_inbox").await, 2, "a refused event leaves no trace");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_user_who_is_not_there_yet_waits_for_her() {
    let system = with_endpoint("true").await;
    let user = Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001);

    let early = link(&system, user, CONTACT).await;
    let import =
        "insert into users (id, email, auth_provider_id, role) values ($1, 'sheree@example.com', 'sheree', 'parent')";
    system.rows(import, &[&user]).await;
    system.sweep().await;

    assert_eq!((early.status, &early.body["status"]), (202, &json!("pending")));
    is_linked_once_and_done(&system, user, CONTACT).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_flag_is_off_nothing_leaves_and_later_it_does() {
    let system = with_endpoint("false").await;
    let user = registered(&system).await;
    an_hour_later(&system, &[user]).await;
    system.sweep().await;
    let off = waiting_task(&system, user).await;
    let messages = system.messages("SyncZohoQueue").await.len() + system.messages("DeliverWebhookQueue").await.len();
    let told_while_off = times_told(&system, user).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.wake(KIND, &[user]).await;
    let heard = take_deliveries(&system).await;

    assert_eq!((off.attempts, off.code.as_str(), messages, told_while_off), (0, "", 0, 1));
    assert_eq!(heard.len(), 1, "the event of her sign-up, and none beside it");
    link(&system, user, CONTACT).await;
    is_linked_once_and_done(&system, user, CONTACT).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_waits_for_her_link_is_synced_when_the_route_is_native_again() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;

    system.take_route("native").await;
    an_hour_later(&system, &[user]).await;

    let contact = system.contact_of(user).await;
    is_linked_once_and_done(&system, user, contact["id"].as_str().unwrap()).await;
    // The scenario was slow. What it says is what we know.
    assert_eq!(link(&system, user, contact["id"].as_str().unwrap()).await.status, 202);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_middleware_has_linked_keeps_what_sales_wrote_on_the_native_route() {
    let system = with_endpoint("true").await;
    let known = json!({ "Last_Name": "Lane-Miller", "Email": "sheree@example.com", "Phone": "+1 312 555 0000" });
    let contact = system.contact_of_sales(&known).await;
    let user = registered(&system).await;
    link(&system, user, &contact).await;

    system.take_route("native").await;
    system.wake(KIND, &[user]).await;

    is_linked_once_and_done(&system, user, &contact).await;
    let contacts = system.contacts().await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(
        json!(["Last_Name", "Phone"].map(|field| &contacts[0][field])),
        json!(["Lane-Miller", "+1 312 555 0000"])
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_changes_on_this_route_reaches_the_contact_that_she_has_when_it_is_native_again() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    // Nothing has changed over there since it was read, so that no list of changes leads to her.
    system.zoho_post("settings", &json!({ "clock_offset_seconds": -2 * 24 * 60 * 60 })).await;
    let (user, _) = system.synced("sheree", &sheree("")).await;
    system.take_route("middleware").await;
    system.patched("sheree", &json!({ "phone_number": "+13125550001" })).await;
    system.drained().await;
    let meanwhile = system.contact_of(user).await["Phone"].clone();

    system.take_route("native").await;
    let first = system.invoke("reconcile-zoho", &json!({})).await;
    system.goes_on().await;
    let second = system.invoke("reconcile-zoho", &json!({})).await;

    assert_eq!(
        (meanwhile, system.contact_of(user).await["Phone"].clone()),
        (json!("+13125550142"), json!("+13125550001"))
    );
    assert_eq!(json!([first["tasks"], second["tasks"]]), json!([1, 0]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_whose_contact_is_gone_renames_its_account_when_the_route_is_native_again() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.zoho_post("settings", &json!({ "clock_offset_seconds": -2 * 24 * 60 * 60 })).await;
    let (user, contact) = system.synced("cathy", &cathy()).await;
    system.zoho_post("delete", &json!({ "module": "Contacts", "id": contact })).await;
    system.notified("Contacts", &[&contact]).await;
    system.drained().await;
    system.take_route("middleware").await;
    system.patched("cathy", &json!({ "org_name": "Lincoln Park High" })).await;
    system.drained().await;

    system.take_route("native").await;
    system.invoke("reconcile-zoho", &json!({})).await;
    system.goes_on().await;

    assert_eq!(system.linked_contact(user).await, None);
    assert_eq!(system.account_of(user).await["Account_Name"], "Lincoln Park High");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_on_the_native_route_is_no_telling() {
    let system = with_endpoint("true").await;
    system.take_route("native").await;
    system.fault("token", "status-500", &json!({ "times": 50 })).await;
    let user = registered(&system).await;
    system.wake(KIND, &[user]).await;
    let native = waiting_task(&system, user).await;
    system.rows("update tasks set attempts = 40 where kind = 'sync-zoho'", &[]).await;
    take_deliveries(&system).await;

    system.take_route("middleware").await;
    an_hour_later(&system, &[user]).await;

    assert_eq!((native.attempts, native.failed), (1, false));
    assert_ne!(native.code, "");
    let waiting = waiting_task(&system, user).await;
    assert_eq!((waiting.code.as_str(), waiting.failed), ("waiting-for-link", false));
    assert_eq!(times_told(&system, user).await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_has_told_nobody_and_the_next_one_tells_once() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    take_deliveries(&system).await;
    system.let_an_hour_pass().await;
    system.ready(KIND, 1).await;
    let lock = system.lock_table("webhook_events").await;
    // The message of her sign-up has waited; the one to deliver-webhook would wake a worker that nobody kills.
    system.purge("DeliverWebhookQueue").await;
    system.stack().set_mappings_enabled(true).await;
    lock.waited_for_by(1).await;

    system.kill(KIND).await;
    lock.release().await;
    system.no_worker_is_connected().await;
    let told_by_the_dead = times_told(&system, user).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    let waiting = system.told(KIND, user).await;

    assert_eq!(told_by_the_dead, 1);
    assert_eq!((waiting.code.as_str(), waiting.crashes), ("waiting-for-link", 1));
    assert_eq!(times_told(&system, user).await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_comes_while_the_worker_looks_is_not_lost() {
    let system = with_endpoint("true").await;
    let user = registered(&system).await;
    take_deliveries(&system).await;
    system.let_an_hour_pass().await;
    system.ready(KIND, 1).await;
    let lock = system.lock_table("webhook_events").await;

    let arrives = async {
        lock.waited_for_by(1).await;
        let release = async {
            two_wait(&system).await;
            lock.release().await;
        };
        tokio::join!(link(&system, user, CONTACT), release).0
    };
    let users = [user];
    let (linked, ()) = tokio::join!(arrives, system.wake(KIND, &users));

    assert_eq!(linked.status, 202);
    is_linked_once_and_done(&system, user, CONTACT).await;
    system.stop().await;
}
