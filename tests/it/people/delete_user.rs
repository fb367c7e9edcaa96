//! delete-user, `DELETE /api/user`: somebody goes, with everything that is hers.

use serde_json::{Value, json};
use tests::{Answer, School, System, Webhook, frank, sheree};
use uuid::Uuid;

async fn delete(system: &System, sub: &str) -> Answer {
    system.call("DELETE", "/api/user", sub, &Value::Null).await
}

/// The codes of everything that has to be settled first.
fn reasons(answer: &Answer) -> Vec<&str> {
    assert_eq!((answer.status, answer.code()), (409, "cannot-be-deleted"), "{}", answer.body);
    answer.body["reasons"].as_array().into_iter().flatten().filter_map(|reason| reason["code"].as_str()).collect()
}

/// Somebody with this address has bought photos.
fn order(buyer: &str) -> Webhook {
    let data = json!({
        "order_id": "SB1", "external_host_id": "PD-1", "buyer_email": buyer, "total": "48.00", "currency": "USD",
    });
    Webhook::new("order.created", &data)
}

/// A job of the only organisation for the only photographer, who has got so far with it.
async fn job(system: &System, status: &str) {
    system
        .rows(
            "insert into assignments
                 (id, organization_id, assigned_photographer_id, job_status, payout_rate, title, location_zip, starts_at)
             select new_uuid_v7(), org.user_id, photographer.user_id, $1::text::job_status, 250, 'Fall Soccer', '60601', now()
             from profiles_organizations as org, profiles_photographers as photographer",
            &[&status],
        )
        .await;
}

async fn erasure(system: &System, user: Uuid) -> (Option<String>, Option<String>, bool) {
    let rows = system
        .rows(
            "select zoho_contact_id, zoho_account_id, erased_at is not null from erasures where user_id = $1",
            &[&user],
        )
        .await;
    assert_eq!(rows.len(), 1, "one tombstone for {user}");
    (rows[0].get(0), rows[0].get(1), rows[0].get(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_goes_and_only_her_tombstone_and_the_money_stay() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let school = system.school().await;
    let user = system.register("sheree", &sheree(&school.join_code)).await.id("/user/id");
    let contact = "4150868000000376008";
    system.rows("update users set zoho_contact_id = $2 where id = $1", &[&user, &contact]).await;
    system.rows("insert into zoho_links (user_id, module, base) values ($1, 'Contacts', '{}')", &[&user]).await;
    system
        .rows("insert into sync_conflicts (id, user_id, module, field, kept) values ($1, $1, 'Contacts', 'phone', 'ours')", &[&user])
        .await;
    let revision = system.task("sync-zoho", user).await.map(|task| task.revision);

    let gone = delete(&system, "sheree").await;
    let again = delete(&system, "sheree").await;

    assert_eq!((gone.status, &gone.body), (204, &Value::Null));
    assert_eq!((again.status, again.code()), (404, "not-registered"));
    assert_eq!(system.get("/api/user/context", "sheree").await.code(), "not-registered");
    for table in ["profiles_parents", "athletes", "roster_entries", "zoho_links", "sync_conflicts"] {
        assert_eq!(system.count(table).await, 0, "{table}");
    }
    assert_eq!(system.count("referral_ledger where referred_user_id is null").await, 1);
    assert_eq!(erasure(&system, user).await, (Some(contact.to_owned()), None, false));
    let task = system.task("sync-zoho", user).await.expect("the CRM is to follow");
    assert!(Some(task.revision) > revision && !task.failed, "{task:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_never_linked_leaves_a_task_all_the_same_and_comes_back_as_somebody_new() {
    let system = System::start().await;
    let first = system.register("sheree", &sheree("")).await.id("/user/id");
    // Her Contact may just be made.
    system.rows("delete from tasks", &[]).await;

    delete(&system, "sheree").await;
    let second = system.register("sheree", &sheree("")).await.id("/user/id");

    assert_ne!(first, second);
    assert_eq!(erasure(&system, first).await, (None, None, false));
    assert!(system.task("sync-zoho", first).await.is_some() && system.task("sync-zoho", second).await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_settles_his_commissions_and_his_jobs_first() {
    let system = System::start().await;
    let user = system.register("frank", &frank()).await.id("/user/id");
    system.school().await;
    system.register("sheree", &sheree("")).await;
    job(&system, "Shot").await;

    let both = delete(&system, "frank").await;
    system.rows("update referral_ledger set commission_status = 'Paid'", &[]).await;
    let jobs = delete(&system, "frank").await;
    system.rows("update assignments set job_status = 'Delivered'", &[]).await;
    let gone = delete(&system, "frank").await;

    assert_eq!(reasons(&both), ["pending-commissions", "claimed-jobs"]);
    assert_eq!(reasons(&jobs), ["claimed-jobs"]);
    assert_eq!(gone.status, 204);
    assert_eq!(system.count("referral_ledger where photographer_id is null").await, 1);
    assert_eq!(system.count("assignments where assigned_photographer_id is null").await, 1);
    assert_eq!(erasure(&system, user).await, (None, None, false));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_goes_once_it_has_neither_galleries_nor_jobs() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let School { id, .. } = system.school().await;
    system.rows("update profiles_organizations set zoho_account_id = '77'", &[]).await;
    system.gallery("PD-1").await;
    job(&system, "Delivered").await;

    let both = delete(&system, "cathy").await;
    system.rows("delete from galleries", &[]).await;
    let jobs = delete(&system, "cathy").await;
    system.rows("delete from assignments", &[]).await;
    let gone = delete(&system, "cathy").await;

    assert_eq!(reasons(&both), ["has-galleries", "has-jobs"]);
    assert_eq!(reasons(&jobs), ["has-jobs"]);
    assert_eq!(gone.status, 204);
    assert_eq!(erasure(&system, id).await, (None, Some("77".to_owned()), false));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_and_strangers_are_refused() {
    let system = System::start().await;
    system.make_admin("ops").await;

    let admin = delete(&system, "ops").await;
    let nobody = delete(&system, "nobody").await;

    assert_eq!((admin.status, admin.code()), (403, "admins-stay"));
    assert_eq!((nobody.status, nobody.code()), (404, "not-registered"));
    assert_eq!(system.count("users").await, 1);
    assert_eq!(system.count("erasures").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trace_of_her_address_stays_but_that_it_must_not_be_written_to() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    system.register("sheree", &sheree("")).await;
    system.rows("insert into email_suppressions (email_sha256, reason) values (email_sha256('sheree@example.com'), 'bounce')", &[]).await;
    let order = order("sheree@example.com");
    system.send_webhook(&order).await;
    let hers = "webhook_inbox where subject = 'buyer:' || encode(email_sha256('sheree@example.com'), 'hex')";
    assert_eq!(system.count(hers).await, 1);

    delete(&system, "sheree").await;

    assert_eq!(system.count(hers).await, 0);
    assert_eq!(system.count("webhook_inbox where payload is null and subject = 'buyer:'").await, 1);
    assert_eq!(system.count("email_suppressions").await, 1);
    // The order is known by its number for good, and pays once.
    let late = system.send_webhook(&order).await;
    assert_eq!(late.body["status"], "duplicate", "{}", late.body);
    assert_eq!(system.count("referral_ledger where external_ref = 'SB1' and referred_user_id is null").await, 1);
    let logs = system.logs();
    for personal in ["sheree", "Sheree", "Jordan", "+1312"] {
        assert!(!logs.contains(personal), "{personal} is in the logs");
    }
    system.stop().await;
}

/// Sheree's identity, with another verified address.
async fn register_with(system: &System, email: &str) -> Answer {
    let claims = json!({ "sub": "sheree", "email": email, "email_verified": true });
    let token = system.token_with(&claims).await;
    tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&sheree(""))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_is_credited_once_for_an_address_however_often_the_account_is_made() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let credited = system.register("sheree", &sheree("")).await;
    register_with(&system, "lane@example.com").await;
    delete(&system, "sheree").await;

    let anew = register_with(&system, "Sheree@Example.com").await;
    let asked = register_with(&system, "Sheree@Example.com").await;
    let unknown = json!({"referred_by_code": "FRNK-2024"});
    let unknown = system.call("PATCH", "/api/user/profile", "sheree", &unknown).await;
    let patch = json!({"referred_by_code": "FRANK-2024"});
    let corrected = system.call("PATCH", "/api/user/profile", "sheree", &patch).await;
    delete(&system, "sheree").await;
    let by_the_other = register_with(&system, "lane@example.com").await;

    assert_eq!(credited.body["referral"], "credited");
    assert_eq!((anew.status, &anew.body["referral"]), (201, &json!("none")));
    assert_eq!((asked.status, &asked.body["referral"]), (200, &json!("none")));
    assert_eq!((unknown.status, unknown.wrong_fields()), (422, vec!["/referred_by_code"]), "{}", unknown.body);
    assert_eq!(corrected.status, 200, "{}", corrected.body);
    assert_eq!((by_the_other.status, &by_the_other.body["referral"]), (201, &json!("none")));
    assert_eq!(system.count("referral_ledger where action_type = 'Sign_Up'").await, 1);
    // By no hash that stands anywhere else.
    let hash = "sha256(convert_to('sign-up-credit:sheree@example.com', 'UTF8'))";
    assert_eq!(system.count(&format!("sign_up_credits where email_hash = {hash}")).await, 1);
    assert_eq!(system.count("sign_up_credits where email_hash = email_sha256('sheree@example.com')").await, 0);
    system.stop().await;
}

/// Functions of the version before wrote the ledger alone, and go on doing so while a deployment is under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_that_was_credited_without_a_row_for_its_address_is_not_credited_again() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    system.register("sheree", &sheree("")).await;
    system.rows("delete from sign_up_credits", &[]).await;

    delete(&system, "sheree").await;
    let anew = system.register("sheree", &sheree("")).await;

    assert_eq!((anew.status, &anew.body["referral"]), (201, &json!("none")));
    assert_eq!(system.count("referral_ledger where action_type = 'Sign_Up'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_under_a_former_address_that_another_user_has_now_stay() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    system.register("sheree", &sheree("")).await;
    register_with(&system, "lane@example.com").await;
    let claims = json!({ "sub": "nora", "email": "sheree@example.com", "email_verified": true });
    let token = system.token_with(&claims).await;
    let nora = tests::parent("Nora", &["Sam"], "");
    let nora = tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&nora)).await;
    system.send_webhook(&order("sheree@example.com")).await;
    let traces = "webhook_inbox where payload is not null and subject like 'buyer:_%'";

    let gone = delete(&system, "sheree").await;
    let of_nora = system.count(traces).await;
    let nora_gone = delete(&system, "nora").await;

    assert_eq!((nora.status, gone.status, nora_gone.status), (201, 204, 204), "{}", nora.body);
    assert_eq!((of_nora, system.count(traces).await), (1, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trace_of_a_former_address_stays() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    system.send_webhook(&order("sheree@example.com")).await;
    register_with(&system, "lane@example.com").await;
    // Ordered under the former address after the change: it waits.
    let data = json!({
        "order_id": "SB2", "external_host_id": "PD-1", "buyer_email": "sheree@example.com", "total": "48.00", "currency": "USD",
    });
    let late = system.send_webhook(&Webhook::new("order.created", &data)).await;
    let traces = "webhook_inbox where payload is not null or subject like 'buyer:%' and subject <> 'buyer:'";
    assert_eq!((late.body["status"].as_str(), system.count(traces).await), (Some("pending"), 2));

    let gone = delete(&system, "sheree").await;

    assert_eq!((gone.status, system.count(traces).await), (204, 0));
    assert_eq!(system.count("webhook_inbox where status in ('applied', 'expired')").await, 2);
    assert_eq!(system.count("former_emails").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_told_who_was_deleted_by_the_id_alone() {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;
    system.change_endpoint("make", &json!({"events": ["user.created", "user.deleted"]})).await;
    system.register_endpoints().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");

    delete(&system, "sheree").await;
    system.deliver("deliver-user-webhook").await;

    let arrived = system.arrived("make").await;
    let [webhook] = &*arrived else { panic!("{arrived:?}") };
    let body = webhook.json();
    assert_eq!((&body["type"], &body["data"]), (&json!("user.deleted"), &json!({ "user_id": user })));
    assert_eq!(tests::openapi::problems_of_our_webhook(&body), [""; 0]);
    // What is known of the erasure ends, and with it the event.
    system.rows("delete from erasures", &[]).await;
    assert_eq!(system.count("webhook_events where deleted_user_id is not null").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_were_to_be_told_about_her_ends_by_itself() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.endpoint("make", &["user.created", "user.updated"]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let failed = system.event("user.updated", user, 5).await;
    let failed = system.delivery(failed, "make", "failed", 10).await;
    system
        .rows(
            "insert into tasks (kind, key, not_before, dispatch_at, failed_at, failure)
             values ('deliver-user-webhook', $1, now(), now(), now(), '{\"code\": \"x\", \"message\": \"x\"}')",
            &[&failed],
        )
        .await;
    assert_eq!(system.count("tasks where kind = 'deliver-user-webhook'").await, 2);

    delete(&system, "sheree").await;
    system.rows("delete from tasks where kind = 'sync-zoho'", &[]).await;
    system.stack().set_mappings_enabled(true).await;
    system.let_an_hour_pass().await;
    system.sweep().await;

    system.drained().await;
    assert_eq!(system.count("tasks").await, 0);
    assert_eq!(system.count("webhook_deliveries").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_comes_while_she_goes_waits_for_whoever_has_the_address_next() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    system.register("sheree", &sheree("")).await;
    system.ready("delete-user", 1).await;
    let lock = system.lock_table("users").await;

    let (gone, order, ()) = tokio::join!(
        delete(&system, "sheree"),
        async {
            system.blocked().await;
            system.send_webhook(&order("sheree@example.com")).await
        },
        async {
            lock.keeps_waiting(2).await;
            lock.release().await;
        }
    );

    assert_eq!(gone.status, 204, "{}", gone.body);
    assert_eq!((order.status, &order.body["status"]), (202, &json!("pending")), "{}", order.body);
    system.stop().await;
}

/// She verifies another address, under which she has bought photos, in the very moment in which she goes.
#[tokio::test(flavor = "multi_thread")]
async fn no_trace_of_an_address_stays_that_is_hers_only_since_then() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.send_webhook(&order("lane@example.com")).await;
    let changing = system.session().await;
    changing.batch_execute("begin").await.unwrap();
    changing.execute("update users set email = 'lane@example.com' where id = $1", &[&user]).await.unwrap();
    let applied = "update webhook_inbox set status = 'applied', applied_at = now()";
    assert_eq!(changing.execute(applied, &[]).await.unwrap(), 1);

    let (gone, ()) = tokio::join!(delete(&system, "sheree"), async {
        system.blocked().await;
        changing.batch_execute("commit").await.unwrap();
    });

    assert_eq!((gone.status, system.count("users").await), (204, 0), "{}", gone.body);
    assert_eq!(system.count("webhook_inbox where payload is null and subject = 'buyer:'").await, 1);
    system.stop().await;
}

/// A gallery goes live in the very moment in which she goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_goes_meanwhile_does_not_keep_others_from_being_told() {
    let system = System::start().await;
    let school = system.school().await;
    let user = system.register("sheree", &sheree(&school.join_code)).await.id("/user/id");
    system.register("nora", &tests::parent("Nora", &["Sam"], &school.join_code)).await;
    system.gallery("PD-1").await;
    let going = system.session().await;
    going.batch_execute("begin").await.unwrap();
    going.execute("delete from users where id = $1", &[&user]).await.unwrap();

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.blocked().await;
    going.batch_execute("commit").await.unwrap();

    system.fanned_out().await;
    assert_eq!(system.count("gallery_alerts").await, 1);
    assert!(!system.logs().contains("the work goes back to wait"));
    system.stop().await;
}

/// A host's gallery is registered in the very moment in which she goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_that_is_registered_meanwhile_keeps_its_organisation() {
    let system = System::start().await;
    let School { id, .. } = system.school().await;
    let registering = system.session().await;
    registering.batch_execute("begin").await.unwrap();
    registering
        .execute(
            "insert into galleries (id, host, external_host_id, organization_id, title, event_date)
             values (new_uuid_v7(), 'photoday', 'PD-1', $1, 'Fall Soccer', '2026-10-03')",
            &[&id],
        )
        .await
        .unwrap();

    let (refused, ()) = tokio::join!(delete(&system, "cathy"), async {
        system.blocked().await;
        registering.batch_execute("commit").await.unwrap();
    });

    assert_eq!(reasons(&refused), ["has-galleries"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_dropped_three_months_after_the_erasure_and_not_before() {
    let system = System::start().await;
    system
        .rows(
            "insert into erasures (user_id, requested_at, erased_at)
             select gen_random_uuid(), now() - interval '1 year', now() - make_interval(days => days)
             from unnest(array[null, 89, 91]) as days",
            &[],
        )
        .await;

    system.sweep().await;

    assert_eq!(system.count("erasures").await, 2);
    assert_eq!(system.count("erasures where erased_at is null").await, 1);
    system.stop().await;
}
