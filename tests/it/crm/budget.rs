//! Calls to the CRM cost credits: what they cost is known, and while few are left, sign-ups go before what has waited
//! anyway.

use serde_json::{Value, json};
use tests::{System, cathy, frank, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";

async fn shown(system: &System) -> Value {
    let answer = system.get("/api/admin/integrations", "ops").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["zoho"].clone()
}

/// Somebody signs up while the CRM is not to be touched.
async fn registered_while_off(system: &System, sub: &str, body: &Value) -> Uuid {
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    let user = system.register(sub, body).await.id("/user/id");
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn while_credits_are_short_sign_ups_go_on_and_a_backfill_waits() {
    let set = [("ENABLE_ZOHO_SYNC", "true"), ("ZOHO_CREDIT_RESERVE", "50")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let system = System::with_variables(set.into()).await;
    system.make_admin("ops").await;
    system.zoho_post("settings", &json!({ "credits": 40 })).await;
    let others: Vec<Value> = (0..100).map(|n| json!({ "Last_Name": format!("Moss {n}") })).collect();
    for others in [&others[..], &others[..]] {
        system.contacts_of_sales(others).await;
    }
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.drained().await;
    let told = shown(&system).await;

    let sheree = registered_while_off(&system, "sheree", &sheree("")).await;
    system.sweep().await;
    system.woken().await;
    let cathy = system.register("cathy", &cathy()).await.id("/user/id");
    system.woken().await;
    let waiting = system.task(KIND, sheree).await.expect("her task waits");
    let signed_up = (system.linked_contact(frank).await, system.linked_contact(cathy).await);
    system.zoho_post("settings", &json!({ "credits": 100_000 })).await;
    system.rows("update zoho_budget set noted_at = now() - interval '16 minutes'", &[]).await;
    system.goes_on().await;

    let remaining = told["credits_remaining"].as_i64().expect("Zoho has told what is left");
    assert!((1..50).contains(&remaining) && told["remaining_noted_at"].is_string(), "{told}");
    assert_eq!((waiting.attempts, waiting.failed, waiting.leased), (0, false, false));
    assert!(signed_up.0.is_some() && signed_up.1.is_some(), "{signed_up:?}");
    assert!(system.linked_contact(sheree).await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_goes_on_while_credits_are_not_short() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    for (remaining, minutes) in [(2_000_i64, 0), (1_999, 16)] {
        let noted = "update zoho_budget set credits_remaining = $1, noted_at = now() - $2::int * interval '1 minute'";
        system.rows(noted, &[&remaining, &minutes]).await;
        let sub = format!("parent-{minutes}");
        let user = registered_while_off(&system, &sub, &tests::parent("Pat", &[], "")).await;
        system.let_an_hour_pass().await;

        system.sweep().await;
        system.drained().await;

        assert!(system.linked_contact(user).await.is_some(), "{remaining} {minutes} minutes ago");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_what_calls_have_cost_and_how_far_a_backfill_has_come() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let before = shown(&system).await;
    system.fill_parents(25).await;
    let gone = system.register("sheree", &sheree("")).await.id("/user/id");
    let waiting = shown(&system).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.sweep().await;
    system.drained().await;
    system.rows("update users set zoho_contact_id = null where id = $1", &[&gone]).await;
    system.rows("update zoho_links set gone_at = now() where user_id = $1", &[&gone]).await;
    let after = shown(&system).await;

    let nothing = json!({
        "credits_used_24h": 0, "credits_remaining": null, "remaining_noted_at": null, "calls_last_hour": 0,
        "credits_last_hour": 0, "watch_expires_at": null, "reconciled_to": {"Contacts": null, "Accounts": null},
        "unlinked": 0, "linked": 0, "waiting": 0,
    });
    assert_eq!(before, nothing);
    assert_eq!((&waiting["unlinked"], &waiting["linked"]), (&json!(26), &json!(0)));
    assert_eq!((&after["unlinked"], &after["linked"]), (&json!(0), &json!(25)), "one is not waited for any more");
    let zoho = system.zoho().await;
    let calls: u64 = zoho["calls"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "token")
        .filter_map(|(_, n)| n.as_u64())
        .sum();
    assert!(zoho["credits"].as_u64() > Some(calls), "a write of more than ten costs more than one");
    assert_eq!((&after["credits_used_24h"], &after["credits_last_hour"]), (&zoho["credits"], &zoho["credits"]));
    assert_eq!(after["calls_last_hour"], json!(calls));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_calls_have_cost_is_kept_for_two_days_and_shown_for_one() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let usage = "insert into zoho_usage (minute, calls, credits)
        select date_trunc('minute', now()) - hours * interval '1 hour', 1, credits
        from (values (0, 1), (2, 10), (25, 100), (47, 1000), (49, 10000)) as spent (hours, credits)";
    system.rows(usage, &[]).await;

    system.sweep().await;

    let zoho = shown(&system).await;
    assert_eq!((&zoho["credits_used_24h"], &zoho["credits_last_hour"]), (&json!(11), &json!(1)));
    assert_eq!(system.count("zoho_usage").await, 4);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_uses_up_the_credits_tries_a_batch_a_quarter_of_an_hour_until_there_are_more() {
    let set = [("ENABLE_ZOHO_SYNC", "false"), ("ZOHO_CREDIT_RESERVE", "50")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let system = System::with_variables(set.into()).await;
    system.zoho_post("settings", &json!({ "credits": 100 })).await;
    system.fill_parents(1000).await;
    system.rows("update tasks set priority = 1", &[]).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    let linked = async || system.count("users where zoho_contact_id is not null").await;

    system.sweep().await;
    system.woken().await;
    let first = linked().await;
    system.sweep().await;
    system.woken().await;
    let still = linked().await;
    let later = "update zoho_budget set noted_at = now() - interval '16 minutes'";
    system.rows(later, &[]).await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;
    let tried = linked().await;
    system.zoho_post("settings", &json!({ "credits": 100_000 })).await;
    system.rows(later, &[]).await;
    system.goes_on().await;

    assert!((200..1000).contains(&first), "it goes on until credits get short: {first}");
    assert_eq!(still, first, "and then it waits");
    assert!((first + 100..=first + 200).contains(&tried), "a batch for each worker at most: {first}, {tried}");
    assert_eq!(linked().await, 1000);
    assert_eq!(system.count("tasks").await, 0);
    system.stop().await;
}
