//! fan-out-gallery: which parents an alert is made for when a gallery goes live, and that it is one for each.

use serde_json::json;
use tests::{System, Webhook, parent, sheree};

use super::school_with_sheree;

#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_a_gallery_that_goes_live_while_they_are_off_are_held() {
    let system = school_with_sheree(&[]).await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;
    system.woken().await;

    assert_eq!(system.gallery_status("PD-1").await, "Live");
    assert_eq!(system.alerts().await, ["held"]);
    assert_eq!(system.batches().await, [""; 0]);
    assert_eq!(system.calls("transmission").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parent_of_the_organisation_hears_once_whatever_comes_twice() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    let other_school = system.school_of("carla").await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.register("dana", &parent("Dana", &["Kim", "Lee"], &school.join_code)).await;
    let rita = system.register("rita", &parent("Rita", &[], "")).await.id("/user/id");
    system.register("otto", &parent("Otto", &["Max"], &other_school.join_code)).await;
    system.register("nora", &parent("Nora", &["Eve"], "")).await;
    let gallery = system.gallery("PD-1").await;
    for parent in ["rita", "dana"] {
        let registered = "insert into gallery_registrations (gallery_id, parent_id)
                          select $1, id from users where email = $2";
        system.rows(registered, &[&gallery, &format!("{parent}@example.com")]).await;
    }

    let published = Webhook::gallery_published("PD-1");
    for copy in [published.clone(), published.clone().under_a_new_id(), published.under_a_new_id()] {
        assert_eq!(system.send_webhook(&copy).await.status, 202);
    }
    system.alerts_become(&["delivered", "delivered", "delivered"]).await;
    let again = json!({ "kind": "fan-out-gallery", "keys": [gallery] }).to_string();
    system.put_message("FanOutGalleryQueue", &again).await;
    let again = json!({ "kind": "send-alerts", "keys": [system.batch().await] }).to_string();
    system.put_message("SendAlertsQueue", &again).await;
    system.put_message("SendAlertsQueue", &again).await;
    system.woken().await;
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.woken().await;

    assert_eq!(system.addresses().await, ["dana@example.com", "rita@example.com", "sheree@example.com"]);
    assert_eq!(system.calls("transmission").await, 1);
    let of_rita: i64 = system.value("select count(*) from gallery_alerts where parent_id = $1", &[&rita]).await;
    assert_eq!(of_rita, 1);
    assert_eq!(system.count("tasks where kind <> 'sync-zoho'").await, 0);
    system.stop().await;
}
