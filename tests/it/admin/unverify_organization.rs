//! unverify-organization, `DELETE /api/admin/organizations/{id}/verification`: nothing of an organisation reaches parents any
//! more, whatever is on its way.

use serde_json::{Value, json};
use tests::{System, Webhook, sheree};
use uuid::Uuid;

pub(super) fn verification(organization: Uuid) -> String {
    format!("/api/admin/organizations/{organization}/verification")
}

pub(super) async fn withdraw(system: &System, organization: Uuid) {
    let answer = system.call("DELETE", &verification(organization), "ops", &Value::Null).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

/// Sheree's alert waits in a batch, which no worker has taken.
async fn with_a_queued_alert() -> (System, Uuid) {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.make_admin("ops").await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    let gallery = system.gallery("PD-1").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.wake("fan-out-gallery", &[gallery]).await;
    assert_eq!(system.alerts().await, ["queued"]);
    (system, school.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_are_queued_are_held_from_that_moment_and_stay_held() {
    let (system, school) = with_a_queued_alert().await;

    withdraw(&system, school).await;
    let held = (system.alerts().await, system.batches().await);
    system.call("PUT", &verification(school), "ops", &Value::Null).await;
    system.wake("send-alerts", &[]).await;

    assert_eq!(held, (vec!["held".to_owned()], vec!["held".to_owned()]));
    assert_eq!(system.alerts().await, ["held"], "an admin sends them, and nobody else");
    assert_eq!(system.zoho().await["transmissions"], json!([]));
    system.stop().await;
}

/// As if the withdrawal had come between the fan-out and the worker, which looks for itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_holds_a_batch_whose_organisation_is_not_verified_any_more() {
    let (system, school) = with_a_queued_alert().await;
    system.rows("update profiles_organizations set verified_at = null where user_id = $1", &[&school]).await;

    system.wake("send-alerts", &[]).await;

    assert_eq!((system.alerts().await, system.batches().await), (vec!["held".to_owned()], vec!["held".to_owned()]));
    assert_eq!(system.zoho().await["transmissions"], json!([]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_calls_itself_something_else_has_to_be_verified_anew() {
    for change in [json!({"org_name": "Riverside High"}), json!({"org_type": "Club"}), json!({"tax_id": "36-7654321"})]
    {
        let (system, school) = with_a_queued_alert().await;
        let verified = "profiles_organizations where verified_at is not null";

        system.call("PATCH", "/api/user/profile", "cathy", &json!({"first_name": "Catherine"})).await;
        let same_name = json!({"org_name": "Lincoln High", "org_type": "School"});
        system.call("PATCH", "/api/user/profile", "cathy", &same_name).await;
        assert_eq!(system.count(verified).await, 1, "what stays the same ends nothing");
        let answer = system.call("PATCH", "/api/user/profile", "cathy", &change).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(system.count(verified).await, 0, "{change}");
        assert_eq!(system.alerts().await, ["held"]);
        system.call("PUT", &verification(school), "ops", &Value::Null).await;
        assert_eq!(system.count(verified).await, 1);
        system.stop().await;
    }
}
