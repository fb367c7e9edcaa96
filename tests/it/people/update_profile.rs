//! update-profile, `PATCH /api/user/profile`: people change what they say about themselves.

use serde_json::{Value, json};
use tests::{Answer, System, Webhook, Wire, cathy, frank, sheree};
use uuid::Uuid;

const PROFILE: &str = "/api/user/profile";

/// Somebody of the story who has changed something, and been told so.
async fn change(system: &System, sub: &str, patch: &Value) -> Value {
    let answer = system.call("PATCH", PROFILE, sub, patch).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["profile"].clone()
}

async fn refused(system: &System, sub: &str, patch: &Value) -> Answer {
    let answer = system.call("PATCH", PROFILE, sub, patch).await;
    assert_eq!(answer.code(), "invalid-fields", "{}", answer.body);
    answer
}

/// The tasks for the CRM and the events that there are about a user.
async fn follow_up(system: &System, user: Uuid) -> (i64, i64) {
    let revision = system.task("sync-zoho", user).await.map_or(0, |task| task.revision);
    let events = "select count(*) from webhook_events where user_id = $1 and type = 'user.updated'";
    (revision, system.value(events, &[&user]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_changes_her_profile_and_the_rest_of_it_stays() {
    let system = System::start().await;
    let registered = system.register("sheree", &sheree("")).await;
    let patch = json!({
        "last_name": "Moss", "phone_number": null, "mailing_address": {"street": "7 Oak Ave"},
        "sport_interests": ["golf", "Soccer"],
    });

    let answer = system.call("PATCH", PROFILE, "sheree", &patch).await;

    let mut expected = registered.body["profile"].clone();
    expected["last_name"] = json!("Moss");
    expected["phone_number"] = Value::Null;
    expected["mailing_address"]["street"] = json!("7 Oak Ave");
    expected["sport_interests"] = json!(["Golf", "Soccer"]);
    assert_eq!(answer.body["profile"], expected);
    assert_eq!(answer.body["user"], registered.body["user"]);
    // What she is told is what is there.
    let again = system.post("/api/users", "sheree", &sheree("")).await;
    assert_eq!(again.body["profile"], expected);
    assert_eq!(change(&system, "sheree", &json!({"sport_interests": null})).await["sport_interests"], json!([]));
    let nowhere = change(&system, "sheree", &json!({"mailing_address": null})).await;
    assert_eq!(nowhere["mailing_address"], Value::Null);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_and_a_photographer_change_what_is_theirs() {
    let system = System::start().await;
    let cathy = system.register("cathy", &cathy()).await.body["profile"].clone();
    let frank = system.register("frank", &frank()).await.body["profile"].clone();
    let patch_of_cathy = json!({"org_name": "Lincoln Academy", "org_type": "Club", "tax_id": null});
    let patch_of_frank = json!({
        "business_name": "Frank & Sons", "website_url": null, "social_links": {"instagram": null, "tiktok": "@f"},
        "service_region": ["60603"], "gear_list": null, "availability_schedule": {"mon": ["9-12"], "tue": []},
    });

    let changed_cathy = change(&system, "cathy", &patch_of_cathy).await;
    change(&system, "frank", &patch_of_frank).await;
    let changed_frank = change(&system, "frank", &json!({"availability_schedule": {"mon": null}})).await;

    let with = |mut profile: Value, fields: Value| {
        profile.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        profile
    };
    assert_eq!(changed_cathy, with(cathy, patch_of_cathy));
    let of_frank = json!({
        "business_name": "Frank & Sons", "website_url": null, "social_links": {"tiktok": "@f"},
        "service_region": ["60603"], "gear_list": [], "availability_schedule": {"tue": []},
    });
    assert_eq!(changed_frank, with(frank, of_frank));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_others_and_to_the_crm_and_none_to_nobody() {
    let system = System::start().await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let before = follow_up(&system, sheree).await;

    change(&system, "sheree", &json!({"first_name": " Sheree ", "phone_number": "+1 312 555 0142"})).await;
    change(&system, "sheree", &json!({})).await;
    let unchanged = follow_up(&system, sheree).await;
    refused(&system, "sheree", &json!({"first_name": "Sherry", "phone_number": "555"})).await;
    let refused = follow_up(&system, sheree).await;
    change(&system, "sheree", &json!({"first_name": "Sherry"})).await;

    assert_eq!((before, unchanged, refused), ((1, 0), (1, 0), (1, 0)));
    assert_eq!(follow_up(&system, sheree).await, (2, 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_stands_behind_others_while_the_flag_is_off() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let priority = "select priority from tasks where kind = 'sync-zoho' and key = $1";
    let done = "delete from tasks where kind = 'sync-zoho'";

    system.rows(done, &[]).await;
    change(&system, "sheree", &json!({"first_name": "Sherry"})).await;
    let on: i16 = system.value(priority, &[&sheree]).await;
    let woken = system.messages("SyncZohoQueue").await.len();
    system.rows(done, &[]).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    change(&system, "sheree", &json!({"first_name": "Sheree"})).await;
    let off: i16 = system.value(priority, &[&sheree]).await;

    assert_eq!((on, off), (0, 1));
    assert!(woken >= 1, "nobody was woken");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_cannot_be_changed_is_told_at_once() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    system.register("frank", &frank()).await;

    let of_sheree = json!({
        "first_name": null, "email": "x@example.com", "role": "org", "referred_by_code": null,
        "mailing_address": {"street": null, "planet": "Earth"}, "athletes": [],
    });
    let of_sheree = refused(&system, "sheree", &of_sheree).await;
    let of_frank = json!({
        "referral_code": "MINE", "certification_level": "Master", "paywall_tier": "CDM_Pro", "training_progress": {},
        "background_check_status": true, "gear_list": {}, "social_links": [],
    });
    let of_frank = refused(&system, "frank", &of_frank).await;
    let no_object = refused(&system, "frank", &json!(["gear_list"])).await;

    assert_eq!(
        of_sheree.wrong_fields(),
        [
            "/first_name",
            "/mailing_address/street",
            "/mailing_address/planet",
            "/role",
            "/email",
            "/referred_by_code",
            "/athletes"
        ]
    );
    assert_eq!(
        of_frank.wrong_fields(),
        [
            "/social_links",
            "/gear_list",
            "/referral_code",
            "/certification_level",
            "/paywall_tier",
            "/training_progress",
            "/background_check_status"
        ]
    );
    assert_eq!(no_object.wrong_fields(), [""]);
    let codes = of_frank.field_codes();
    assert_eq!(codes, [&["not-an-object", "not-a-list"][..], &["fixed"; 5]].concat());
    let told = of_sheree.body.to_string() + &of_frank.body.to_string();
    for theirs in ["x@example.com", "Earth", "MINE", "Elm"] {
        assert!(!told.contains(theirs), "{theirs}: {told}");
    }
    system.stop().await;
}

/// Sheree has ordered photos.
async fn order(system: &System, order_id: &str) {
    let data = json!({
        "order_id": order_id, "external_host_id": "PD-1", "buyer_email": "sheree@example.com", "total": "48.00",
        "currency": "USD",
    });
    system.send_webhook(&Webhook::new("order.created", &data)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_referral_code_is_corrected_and_credited_and_orders_earn_from_then_on() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let mut body = sheree("");
    body["referred_by_code"] = json!("FRNK2024");
    let user = system.register("sheree", &body).await.id("/user/id");
    order(&system, "SB1").await;
    let earned = "webhook_events where type = 'referral.earned'";

    let wrong = refused(&system, "sheree", &json!({"referred_by_code": "FRONK2024", "first_name": "Sherry"})).await;
    let before = (system.count("referral_ledger").await, system.count(earned).await);
    let corrected = change(&system, "sheree", &json!({"referred_by_code": "Frank \u{2013} 2024"})).await;
    order(&system, "SB2").await;
    let again = refused(&system, "sheree", &json!({"referred_by_code": "FRNK2024"})).await;
    let asked = system.post("/api/users", "sheree", &body).await;

    assert_eq!(wrong.wrong_fields(), ["/referred_by_code"]);
    assert_eq!(before, (0, 0));
    assert_eq!(corrected["referred_by_code"], "Frank \u{2013} 2024");
    assert_eq!(corrected["first_name"], "Sheree");
    let ledger =
        system.rows("select action_type::text, external_ref from referral_ledger order by created_at", &[]).await;
    let ledger: Vec<(String, String)> = ledger.iter().map(|row| (row.get(0), row.get(1))).collect();
    let row = |action: &str, reference: &str| (action.to_owned(), reference.to_owned());
    assert_eq!(ledger, [row("Sign_Up", &user.to_string()), row("Gallery_Purchase", "SB2")]);
    assert_eq!(system.count(earned).await, 2);
    assert_eq!(follow_up(&system, user).await, (2, 1));
    assert_eq!((wrong.field_codes(), again.field_codes()), (vec!["unknown-code"], vec!["already-credited"]));
    assert_eq!(again.body["errors"][0]["message"], "has been credited to its photographer and stays as it is");
    assert_eq!(asked.body["referral"], "credited");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_corrects_its_code_too_and_nobody_does_a_month_later() {
    let system = System::start().await;
    let mut body = cathy();
    body["referred_by_code"] = json!("FRANK2024");
    system.register("cathy", &body).await;
    system.register("sheree", &sheree("")).await;
    // Frank signs up after those whom he has sent.
    system.register("frank", &frank()).await;
    system.rows("update users set created_at = now() - interval '31 days' where role = 'parent'", &[]).await;

    change(&system, "cathy", &json!({"referred_by_code": "FRANK2024"})).await;
    let late = refused(&system, "sheree", &json!({"referred_by_code": "FRANK-2024"})).await;
    change(&system, "sheree", &json!({"referred_by_code": "FRANK2024"})).await;

    assert_eq!((late.wrong_fields(), late.field_codes()), (vec!["/referred_by_code"], vec!["too-late"]));
    let message = "can be corrected for 30 days after the sign-up, and stays as it is since then";
    assert_eq!(late.body["errors"][0]["message"], message);
    let recruited: Vec<String> = system
        .rows("select role::text from referral_ledger join users on users.id = referred_user_id", &[])
        .await
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(recruited, ["org"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_came_incomplete_is_shown_and_made_whole() {
    let system = System::start().await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    let from_crm = json!({"street": "", "city": "Evanston", "state": "", "postal_code": "", "country": ""});
    system.rows("update profiles_parents set mailing_address = $2 where user_id = $1", &[&user, &from_crm]).await;

    let shown = change(&system, "sheree", &json!({"first_name": "Sherry"})).await;
    let part = refused(&system, "sheree", &json!({"mailing_address": {"street": "7 Oak Ave"}})).await;
    let whole = json!({"street": "7 Oak Ave", "state": "IL", "postal_code": "60201", "country": "US"});
    let whole = change(&system, "sheree", &json!({ "mailing_address": whole })).await;

    assert_eq!(shown["mailing_address"], from_crm);
    assert_eq!(
        part.wrong_fields(),
        ["/mailing_address/state", "/mailing_address/postal_code", "/mailing_address/country"]
    );
    assert_eq!(whole["mailing_address"]["city"], "Evanston");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_profile_and_what_is_no_patch_is_refused() {
    let system = System::start().await;
    system.make_admin("ops").await;
    system.register("sheree", &sheree("")).await;
    let patch = json!({"first_name": "Sherry"});
    let token = system.token("sheree").await;
    let request = |kind: &str, body: &'static str| {
        system.request("PATCH", PROFILE).bearer_auth(&token).header("content-type", kind).body(body)
    };

    let nobody = system.call("PATCH", PROFILE, "nobody", &patch).await;
    let admin = system.call("PATCH", PROFILE, "ops", &patch).await;
    let merge_patch = tests::sent(request("application/merge-patch+json", r#"{"first_name":"Sherry"}"#)).await;
    let text = tests::sent(request("text/plain", r#"{"first_name":"Sherry"}"#)).await;
    let broken = tests::sent(request("application/json", r#"{"first_name":"#)).await;
    let without_token = tests::sent(system.request("PATCH", PROFILE).json(&patch)).await;
    let without_body = tests::sent(system.request("PATCH", PROFILE).bearer_auth(&token)).await;
    assert_eq!((without_body.status, without_body.body), (200, merge_patch.body.clone()), "which changes nothing");

    assert_eq!((nobody.status, nobody.code()), (404, "not-registered"));
    assert_eq!((admin.status, admin.code()), (403, "no-profile"));
    assert_eq!((merge_patch.status, &merge_patch.body["profile"]["first_name"]), (200, &json!("Sherry")));
    assert_eq!((text.status, text.code()), (415, "unsupported-media-type"));
    assert_eq!((broken.status, broken.code()), (400, "malformed"));
    assert_eq!(without_token.status, 401);
    system.stop().await;
}

/// Two tabs of hers, each with another link: neither undoes what the other has done.
#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_moment_are_laid_over_each_other() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let patches: Vec<Value> = (0..8).map(|n| json!({"social_links": {format!("link{n}"): n.to_string()}})).collect();

    let changes = patches.iter().map(|patch| change(&system, "frank", patch));
    futures_util::future::join_all(changes).await;

    let links = change(&system, "frank", &json!({})).await["social_links"].clone();
    assert_eq!(links.as_object().map(serde_json::Map::len), Some(9), "{links}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_costs_few_round_trips() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.register("sheree", &sheree("")).await;
    // What is prepared once per connection is counted out.
    change(&system, "sheree", &json!({"first_name": "Sherry"})).await;
    wire.said();

    change(&system, "sheree", &json!({"first_name": "Sheree"})).await;

    let said = wire.said();
    let round_trips = said.chars().filter(|letter| matches!(letter, 'S' | 'Q')).count();
    // begin, lock, read, write, the event, the task, commit
    assert_eq!(round_trips, 7, "{said}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_wants_no_alerts_gets_none_also_of_those_that_wait() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    system.stack().set_mappings_enabled(false).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    let galleries = [system.gallery("PD-1").await, system.gallery("PD-2").await];
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.wake("fan-out-gallery", &galleries[..1]).await;
    let queued = system.alerts().await;
    let events = system.count("webhook_events").await;

    let answer = system.call("PATCH", PROFILE, "sheree", &json!({"email_alerts": false})).await;
    system.send_webhook(&Webhook::gallery_published("PD-2")).await;
    system.wake("fan-out-gallery", &galleries[1..]).await;
    system.wake("send-alerts", &[]).await;

    assert_eq!((answer.status, &answer.body["profile"]["email_alerts"]), (200, &json!(false)));
    assert_eq!((queued, system.alerts().await), (vec!["queued".to_owned()], vec![]));
    assert_eq!(system.batches().await, ["skipped"]);
    assert_eq!(system.zoho().await["transmissions"], json!([]));
    assert_eq!(system.count("webhook_events where type = 'user.updated'").await, 0, "nobody else's concern");
    assert_eq!(system.count("webhook_events").await, events + 1, "the gallery's own event");
    for wrong in [json!({"email_alerts": null}), json!({"email_alerts": "no"})] {
        assert_eq!(system.call("PATCH", PROFILE, "sheree", &wrong).await.wrong_fields(), ["/email_alerts"]);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_shares_no_names_has_athletes_without_names_wherever_they_are_told_of() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.gallery("PD-1").await;

    let answer = system.call("PATCH", PROFILE, "sheree", &json!({"share_athlete_names": false})).await;
    let context = system.get("/api/user/context", "sheree").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered"]).await;

    assert_eq!(answer.body["profile"]["share_athlete_names"], false);
    assert_eq!(context.body["summary"], "Sheree, Parent of a Soccer Player");
    assert_eq!(context.body["athletes"][0]["first_name"], json!(null));
    let transmissions = system.zoho().await["transmissions"].to_string();
    assert!(transmissions.contains("Sheree") && !transmissions.contains("Jordan"), "{transmissions}");
    let own = system.get("/api/user", "sheree").await;
    assert_eq!(own.body["athletes"][0]["first_name"], "Jordan", "the parent's own list names them");
    system.stop().await;
}
