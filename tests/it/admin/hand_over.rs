//! hand-over, `POST /api/admin/organizations/{id}/hand-over`: another person signs in for an organisation, which stays what it
//! is.

use serde_json::{Value, json};
use tests::{Answer, System, cathy, sheree};
use uuid::Uuid;

async fn hand_over(system: &System, organization: Uuid, email: &str) -> Answer {
    let path = format!("/api/admin/organizations/{organization}/hand-over");
    system.post(&path, "ops", &json!({ "email": email })).await
}

/// The sign-up of Mills, the new coach.
fn mills() -> Value {
    let mut body = cathy();
    body["first_name"] = json!("Ann");
    body["last_name"] = json!("Mills");
    body["org_name"] = json!("Something Else");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_with_the_address_becomes_the_login_and_the_organisation_stays_what_it_is() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.make_admin("ops").await;
    let school = system.school().await;
    system.gallery("PD-1").await;
    system.drained().await;
    let account = system.account_of(school.id).await["id"].clone();

    let asked = hand_over(&system, school.id, "Mills@example.com").await;
    let waits = system.get("/api/user/context", "cathy").await;
    let taken = system.post("/api/users", "mills", &mills()).await;
    let again = system.post("/api/users", "mills", &mills()).await;
    system.drained().await;

    assert_eq!((asked.status, asked.id("/organization_id"), waits.status), (202, school.id, 200));
    assert_eq!((taken.status, taken.id("/user/id"), again.status), (200, school.id, 200));
    assert_eq!(
        (&taken.body["user"]["email"], &taken.body["profile"]["first_name"]),
        (&json!("mills@example.com"), &json!("Ann"))
    );
    assert_eq!(
        (&taken.body["profile"]["org_name"], &taken.body["profile"]["join_code"]),
        (&json!("Lincoln High"), &json!(school.join_code))
    );
    let former = system.get("/api/user/context", "cathy").await;
    assert_eq!((former.status, former.code()), (404, "not-registered"));
    let own = system.get("/api/user/context", "mills").await;
    assert_eq!(
        (own.body["galleries"].as_array().map(Vec::len), &own.body["summary"]),
        (Some(1), &json!("Ann, Admin of Lincoln High (School)"))
    );
    assert_eq!(system.account_of(school.id).await["id"], account);
    let contact = system.contact_of(school.id).await;
    assert_eq!((&contact["Email"], &contact["Last_Name"]), (&json!("mills@example.com"), &json!("Mills")));
    assert_eq!(system.count("audit where action = 'hand-over' and details = '{}'").await, 1, "no address is on record");
    assert_eq!(system.count("profiles_organizations where verified_at is not null").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_takes_it_and_nobody_takes_it_late_or_twice() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let school = system.school().await;
    system.register("sheree", &sheree("")).await;

    let taken = hand_over(&system, school.id, "SHEREE@example.com").await;
    let own = hand_over(&system, school.id, "cathy@example.com").await;
    let wrong = hand_over(&system, school.id, "no address").await;
    let unknown = hand_over(&system, Uuid::nil(), "mills@example.com").await;
    assert_eq!((taken.status, taken.code()), (409, "email-taken"));
    assert_eq!((own.status, wrong.wrong_fields(), unknown.code()), (202, vec!["/email"], "unknown-organization"));

    // The address of the first request counts no more.
    hand_over(&system, school.id, "first@example.com").await;
    hand_over(&system, school.id, "mills@example.com").await;
    let claims = json!({"sub": "mallory", "email": "mills@example.com", "email_verified": false});
    let mallory = system.token_with(&claims).await;
    let unverified = tests::sent(system.request("POST", "/api/users").bearer_auth(mallory).json(&mills())).await;
    let first = system.register("first", &mills()).await;
    let mut parent = sheree("");
    parent["athletes"] = json!([]);
    let as_parent = system.post("/api/users", "mills", &parent).await;
    assert_eq!((unverified.status, unverified.code()), (403, "email-unverified"));
    assert_ne!(first.id("/user/id"), school.id);
    assert_eq!(as_parent.status, 201, "who signs up as something else is something else");
    let as_org = system.post("/api/users", "mills", &mills()).await;
    assert_eq!((as_org.status, as_org.code()), (409, "role-is-fixed"));

    hand_over(&system, school.id, "late@example.com").await;
    system.rows("update hand_overs set asked_at = now() - interval '14 days 1 minute'", &[]).await;
    let late = system.register("late", &mills()).await;
    assert_ne!(late.id("/user/id"), school.id);

    hand_over(&system, school.id, "ann@example.com").await;
    let (ann, bob) = (
        json!({"sub": "ann", "email": "ann@example.com", "email_verified": true}),
        json!({"sub": "bob", "email": "ann@example.com", "email_verified": true}),
    );
    let (ann, bob) = (system.token_with(&ann).await, system.token_with(&bob).await);
    let sign_up = |token| tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&mills()));
    let (ann, bob) = tokio::join!(sign_up(ann), sign_up(bob));
    let mut statuses = [ann.status, bob.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "of two at the same moment one becomes the login");
    system.stop().await;
}
