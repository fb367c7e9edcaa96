//! verify-organization, `PUT /api/admin/organizations/{id}/verification`: from then on an organisation's galleries reach
//! parents.

use serde_json::{Value, json};
use tests::{System, Webhook, sheree};

use super::unverify_organization::{verification, withdraw};

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_is_verified_once_and_stays_so_since_then() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let school = system.unverified_school_of("cathy").await;

    let first = system.call("PUT", &verification(school.id), "ops", &Value::Null).await;
    let again = system.call("PUT", &verification(school.id), "ops", &Value::Null).await;

    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(first.body["org_name"], "Lincoln High");
    assert_eq!(system.post("/api/galleries", "cathy", &tests::fall_soccer("PD-1")).await.status, 201);
    let acts = "audit where action = 'verify-organization'
        and actor_id = (select id from users where role = 'admin') and subject_id = (select user_id from profiles_organizations)";
    assert_eq!(system.count(acts).await, 2, "every act of an admin is on record");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_organisation_is_unknown_and_leaves_no_record() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let parent = system.register("sheree", &sheree("")).await.id("/user/id");

    for id in [parent.to_string(), uuid::Uuid::nil().to_string(), "lincoln".to_owned()] {
        for method in ["PUT", "DELETE"] {
            let path = format!("/api/admin/organizations/{id}/verification");
            let answer = system.call(method, &path, "ops", &Value::Null).await;
            assert_eq!((answer.status, answer.code()), (404, "unknown-organization"), "{method} {id}");
        }
    }
    assert_eq!(system.count("audit").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_that_went_live_meanwhile_is_told_of_once_the_organisation_is_verified_and_its_parents_by_an_admin() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    system.make_admin("ops").await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    let gallery = system.gallery("PD-1").await;
    withdraw(&system, school.id).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;

    assert_eq!(system.gallery_status("PD-1").await, "Live");
    assert_eq!(system.alerts().await, ["held"]);
    assert_eq!(system.count("webhook_events where type = 'gallery.live'").await, 0);
    let send = json!({ "gallery_id": gallery });
    let refused = system.post("/api/admin/alerts/send", "ops", &send).await;
    assert_eq!((refused.status, refused.code()), (403, "organization-not-verified"));
    let shown = system.get("/api/user/context", "sheree").await;
    assert_eq!(shown.body["galleries"][0]["url"], Value::Null, "parents see no link");
    let own = system.get("/api/user/context", "cathy").await;
    assert!(own.body["galleries"][0]["url"].is_string(), "the organisation sees its own");

    system.call("PUT", &verification(school.id), "ops", &Value::Null).await;
    system.call("PUT", &verification(school.id), "ops", &Value::Null).await;

    assert_eq!(system.count("webhook_events where type = 'gallery.live'").await, 1);
    assert_eq!(system.alerts().await, ["held"], "held alerts go by an admin's word only");
    let shown = system.get("/api/user/context", "sheree").await;
    assert!(shown.body["galleries"][0]["url"].is_string());
    assert_eq!(system.post("/api/admin/alerts/send", "ops", &send).await.status, 202);
    system.alerts_become(&["delivered"]).await;
    system.stop().await;
}
