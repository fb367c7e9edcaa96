//! `docs/middleware/scenario.py` against the running system: a scenario of Make that verifies what we have signed, and
//! signs what we take, with the Python library of the Standard Webhooks project.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Delivery, Detour, System, USER_ID, frank, sheree, tags};
use uuid::Uuid;

const KIND: &str = "sync-zoho";
const USERS: &str = "deliver-user-webhook";

/// A system on the route over middleware.
async fn system() -> System {
    let set = [("ENABLE_ZOHO_SYNC", "true"), ("ZOHO_SYNC_ROUTE", "middleware")];
    System::with_variables(set.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).await
}

/// One whose queues stand still, with a scenario as its endpoint.
async fn with_scenario() -> (System, tests::Scenario) {
    let system = system().await;
    system.stack().set_mappings_enabled(false).await;
    let scenario = system.scenario(&system.endpoints().api).await;
    system.make_is(&scenario).await;
    (system, scenario)
}

async fn registered(system: &System) -> Uuid {
    system.register("sheree", &sheree("")).await.id("/user/id")
}

/// What is due is delivered.
async fn deliver(system: &System) {
    system.deliveries_are_due().await;
    system.deliver(USERS).await;
}

/// The only delivery to the scenario.
async fn delivery(system: &System) -> Delivery {
    let mut deliveries = system.deliveries("make").await;
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    deliveries.remove(0)
}

async fn is_linked_to_her_contact(system: &System, user: Uuid) {
    let contact = system.contact_of(user).await;
    assert_eq!(json!(system.linked_contact(user).await), contact["id"]);
    system.wake(KIND, &[user]).await;
    assert_eq!(system.task(KIND, user).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_signs_up_becomes_a_contact_by_the_scenario_and_its_id_comes_back() {
    let system = system().await;
    let scenario = system.scenario(&system.endpoints().api).await;
    system.make_is(&scenario).await;

    let user = registered(&system).await;
    system.drained().await;

    let contact = system.contact_of(user).await;
    let values = [USER_ID, "First_Name", "Last_Name", "Email", "Phone"].map(|field| &contact[field]);
    assert_eq!(json!(values), json!([user, "Sheree", "Lane", "sheree@example.com", "+13125550142"]));
    assert_eq!(tags(&contact), ["Soccer"]);
    assert_eq!(json!(system.linked_contact(user).await), contact["id"]);
    // The library has verified our signature, or it would have answered 401; we have verified the library's.
    let delivery = delivery(&system).await;
    assert_eq!((&*delivery.status, delivery.attempts, &*delivery.answer), ("delivered", 1, r#"{"outcome": "linked"}"#));
    let kept = "webhook_inbox where source = 'make' and type = 'crm.contact.linked' and status = 'applied'";
    assert_eq!(system.count(kept).await, 1);
    let calls = system.zoho().await["calls"].clone();
    assert_eq!(json!(["token", "upsert", "add-tags", "coql"].map(|call| &calls[call])), json!([1, 1, 1, 0]));
    for personal in ["sheree@", "Lane", "Jordan", "+1312"] {
        assert!(!scenario.output().contains(personal), "{}", scenario.output());
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_refuses_what_another_key_has_signed_and_takes_what_both_have() {
    let (system, _scenario) = with_scenario().await;
    let right = system.endpoints().webhook_endpoints["make"].clone();
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let user = registered(&system).await;

    system.make_becomes(&json!({ "keys": [other] })).await;
    deliver(&system).await;
    let refused = delivery(&system).await;
    system.make_becomes(&json!({ "keys": [other, right] })).await;
    deliver(&system).await;

    assert_eq!((&*refused.status, refused.last_status), ("pending", Some(401)));
    assert!(refused.answer.contains("no key of this endpoint has signed this"), "{}", refused.answer);
    let taken = delivery(&system).await;
    assert_eq!((&*taken.status, taken.attempts), ("delivered", 2));
    is_linked_to_her_contact(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_does_not_get_through_is_sent_with_the_next_attempt_and_makes_no_second_contact() {
    let system = system().await;
    system.stack().set_mappings_enabled(false).await;
    let mut way = Detour::closed().await;
    let scenario = system.scenario(&way.url()).await;
    system.make_is(&scenario).await;
    let user = registered(&system).await;

    deliver(&system).await;
    let lost = delivery(&system).await;
    let linked_while_lost = system.linked_contact(user).await;
    way.open(&system.endpoints().api).await;
    system.rows("update webhook_endpoints set paused_until = null", &[]).await;
    deliver(&system).await;

    assert_eq!((&*lost.status, lost.last_status, linked_while_lost), ("pending", Some(502), None));
    assert_eq!(system.contacts().await.len(), 1);
    is_linked_to_her_contact(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_leaves_alone_what_sales_wrote_where_we_know_nothing() {
    let system = system().await;
    system.stack().set_mappings_enabled(false).await;
    let mut way = Detour::closed().await;
    let scenario = system.scenario(&way.url()).await;
    system.make_is(&scenario).await;
    // We have no number of a photographer.
    let user = system.register("frank", &frank()).await.id("/user/id");
    deliver(&system).await;
    let made = system.contact_of(user).await;

    let phone = json!({ "Phone": "+1 312 555 0000" });
    system.edit_of_sales(made["id"].as_str().unwrap(), &phone).await;
    way.open(&system.endpoints().api).await;
    system.rows("update webhook_endpoints set paused_until = null", &[]).await;
    deliver(&system).await;

    assert_eq!((&made["First_Name"], &made["Phone"]), (&json!("Frank"), &Value::Null));
    assert_eq!(system.calls("upsert").await, 2);
    assert_eq!(system.contact_of(user).await["Phone"], phone["Phone"]);
    is_linked_to_her_contact(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_makes_one_contact_and_one_link() {
    let (system, scenario) = with_scenario().await;
    let user = registered(&system).await;
    deliver(&system).await;

    // As if the worker had died before it wrote down that it was through.
    system.rows("update webhook_deliveries set status = 'pending', delivered_at = null", &[]).await;
    let again =
        "insert into tasks (kind, key, not_before, dispatch_at) select $1, id, now(), now() from webhook_deliveries";
    system.rows(again, &[&USERS]).await;
    deliver(&system).await;

    let delivery = delivery(&system).await;
    assert_eq!((&*delivery.status, delivery.attempts, &*delivery.answer), ("delivered", 2, r#"{"outcome": "known"}"#));
    assert_eq!(system.calls("upsert").await, 1);
    assert_eq!(system.count("webhook_inbox").await, 1, "{}", scenario.output());
    is_linked_to_her_contact(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_the_first_scenario_forgot_is_linked_by_its_successor() {
    let system = system().await;
    system.stack().set_mappings_enabled(false).await;
    // The stack's own receiver takes everything and does nothing.
    system.register_endpoints().await;
    let user = registered(&system).await;
    deliver(&system).await;
    system.wake(KIND, &[user]).await;
    let waiting = system.task(KIND, user).await.expect("the task is there");

    let scenario = system.scenario(&system.endpoints().api).await;
    system.make_is(&scenario).await;
    system.let_an_hour_pass().await;
    system.wake(KIND, &[user]).await;
    deliver(&system).await;

    assert_eq!(waiting.code, "waiting-for-link");
    let deliveries = system.deliveries("make").await;
    assert_eq!(deliveries.len(), 2);
    assert_ne!(deliveries[0].event, deliveries[1].event);
    assert_eq!(system.arrived("make").await.len(), 1);
    is_linked_to_her_contact(&system, user).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_we_refuse_is_read_in_the_delivery_and_changes_nothing() {
    let (system, _scenario) = with_scenario().await;
    let user = registered(&system).await;
    system.rows("update users set zoho_contact_id = '7' where id = $1", &[&user]).await;

    deliver(&system).await;

    let delivery = delivery(&system).await;
    assert_eq!((&*delivery.status, delivery.last_status), ("pending", Some(409)));
    assert!(delivery.answer.contains("linked-otherwise"), "{}", delivery.answer);
    assert_eq!(system.linked_contact(user).await.as_deref(), Some("7"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_webhook_of_ours_gets_a_clear_answer_and_reaches_nobody() {
    let (system, scenario) = with_scenario().await;
    let client = local::http::client().build().unwrap();
    let headers: BTreeMap<&str, &str> =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "x"), ("webhook-signature", "v1,x")].into();

    let bare = client.post(&scenario.url).body("{}").send().await.unwrap();
    let mut forged = client.post(&scenario.url).body(vec![0xff]);
    for (name, value) in headers {
        forged = forged.header(name, value);
    }
    let forged = forged.send().await.unwrap();

    assert_eq!((bare.status().as_u16(), forged.status().as_u16()), (401, 401));
    let answer: Value = bare.json().await.unwrap();
    assert!(answer["outcome"].as_str().unwrap().contains("no key of this endpoint"), "{answer}");
    assert_eq!(system.calls("token").await, 0);
    system.stop().await;
}
