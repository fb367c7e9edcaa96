//! create-gallery, `POST /api/galleries`: who registers a gallery, for which organisation, and how often.

use serde_json::{Value, json};
use tests::{System, Webhook, fall_soccer, frank, sheree};
use uuid::Uuid;

/// The gallery as somebody registers it for an organisation.
fn for_organization(external_host_id: &str, organization: &Value) -> Value {
    let mut body = fall_soccer(external_host_id);
    body["organization_id"] = organization.clone();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_registers_a_gallery_of_its_own() {
    let system = System::start().await;
    let school = system.school().await;

    let plain = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;
    let named = system.post("/api/galleries", "cathy", &for_organization("PD-2", &json!(school.id))).await;

    assert_eq!((plain.status, named.status), (201, 201));
    insta::assert_json_snapshot!(plain.redacted(), @r#"
    {
      "archived_at": null,
      "created_at": "[moment]",
      "event_date": "2026-10-03",
      "external_host_id": "PD-1",
      "host": "photoday",
      "id": "[id]",
      "live_at": null,
      "organization_id": "[id]",
      "photographer_id": null,
      "public_url": null,
      "status": "Pre-Reg",
      "title": "Fall Soccer"
    }
    "#);
    assert_eq!(plain.id("/organization_id"), school.id);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn photographers_and_admins_say_whose_gallery_it_is() {
    let system = System::start().await;
    let school = system.school().await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.assignment(school.id, Some(frank)).await;
    let school = json!(school.id);
    system.make_admin("ada").await;

    let of_frank = system.post("/api/galleries", "frank", &for_organization("PD-1", &school)).await;
    let of_ada = system.post("/api/galleries", "ada", &for_organization("PD-2", &school)).await;
    let mut by_frank = for_organization("PD-4", &school);
    by_frank["photographer_id"] = json!(frank);
    let by_frank_of_ada = system.post("/api/galleries", "ada", &by_frank).await;
    by_frank["photographer_id"] = school.clone();
    by_frank["external_host_id"] = json!("PD-5");
    let by_nobody = system.post("/api/galleries", "ada", &by_frank).await;
    let assigned_by_frank = system.post("/api/galleries", "frank", &by_frank).await;
    let vague = [
        system.post("/api/galleries", "frank", &fall_soccer("PD-3")).await,
        system.post("/api/galleries", "ada", &fall_soccer("PD-3")).await,
    ];

    assert_eq!((of_frank.status, of_frank.id("/photographer_id")), (201, frank));
    assert_eq!((of_ada.status, &of_ada.body["photographer_id"]), (201, &Value::Null));
    assert_eq!((by_frank_of_ada.status, by_frank_of_ada.id("/photographer_id")), (201, frank));
    for refused in [by_nobody, assigned_by_frank] {
        assert_eq!((refused.status, refused.wrong_fields()), (422, vec!["/photographer_id"]));
    }
    assert!([&of_frank, &of_ada].iter().all(|gallery| gallery.body["organization_id"] == school));
    for answer in vague {
        assert_eq!((answer.status, answer.wrong_fields()), (422, vec!["/organization_id"]));
    }
    assert_eq!(system.count("galleries").await, 3);
    let acts = system.rows("select subject_id from audit where action = 'create-gallery' order by id", &[]).await;
    let acts: Vec<Uuid> = acts.iter().map(|act| act.get(0)).collect();
    assert_eq!(acts, [of_ada.id("/id"), by_frank_of_ada.id("/id")], "what admins did is on record, and no other's act");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_galleries_of_others() {
    let system = System::start().await;
    let school = json!(system.school().await.id);
    system.school_of("carla").await;
    system.register("sheree", &sheree("")).await;

    let of_another_school = system.post("/api/galleries", "carla", &for_organization("PD-1", &school)).await;
    let of_a_parent = system.post("/api/galleries", "sheree", &for_organization("PD-1", &school)).await;
    let of_a_stranger = system.post("/api/galleries", "nobody", &fall_soccer("PD-1")).await;

    assert_eq!((of_another_school.status, of_another_school.wrong_fields()), (422, vec!["/organization_id"]));
    assert_eq!((of_a_parent.status, of_a_parent.code()), (403, "not-yours"));
    assert_eq!((of_a_stranger.status, of_a_stranger.code()), (404, "not-registered"));
    assert_eq!(system.count("galleries").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosts_gallery_is_registered_once() {
    let system = System::start().await;
    system.school().await;
    let gotphoto = json!({"host": "gotphoto", "external_host_id": "PD-1", "title": "Fall", "event_date": "2026-10-03"});
    system.school_of("carla").await;
    let gallery = system.gallery("PD-1").await;

    let of_another = system.post("/api/galleries", "carla", &fall_soccer("PD-1")).await;
    let again = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;
    let other_host = system.post("/api/galleries", "cathy", &gotphoto).await;

    assert_eq!((again.status, again.code(), again.id("/gallery_id")), (409, "gallery-exists", gallery));
    assert_eq!((of_another.status, of_another.code()), (409, "gallery-exists"));
    assert_eq!(of_another.body["gallery_id"], Value::Null, "whose it is stays untold");
    assert_eq!(other_host.status, 201);
    assert_eq!(system.count("galleries").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_without_an_assignment_learns_nothing_about_an_organisation() {
    let system = System::start().await;
    let frank = system.register("frank", &frank()).await;
    let nobody = json!("01970000-0000-7000-8000-000000000001");

    let verified = json!(system.school().await.id);
    let unverified = system.unverified_school_of("carla").await;
    system.make_admin("ada").await;
    for organization in [&nobody, &frank.body["user"]["id"], &verified, &json!(unverified.id)] {
        let answer = system.post("/api/galleries", "frank", &for_organization("PD-1", organization)).await;
        assert_eq!((answer.status, answer.code()), (403, "no-assignment-there"));
    }

    system.assignment(unverified.id, Some(frank.id("/user/id"))).await;
    let not_verified = system.post("/api/galleries", "frank", &for_organization("PD-1", &json!(unverified.id))).await;
    let of_ada = system.post("/api/galleries", "ada", &for_organization("PD-1", &nobody)).await;

    assert_eq!((not_verified.status, not_verified.code()), (403, "organization-not-verified"));
    assert_eq!((of_ada.status, of_ada.wrong_fields()), (422, vec!["/organization_id"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_registers_nothing_before_an_admin_has_verified_it() {
    let system = System::start().await;
    system.unverified_school_of("cathy").await;
    // It waits for its owner, with its private link.
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;

    let refused = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;

    assert_eq!((refused.status, refused.code()), (403, "organization-not-verified"));
    assert_eq!(system.count("webhook_inbox where status = 'pending'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_is_at_a_host_of_the_setting_and_by_hand_it_needs_no_id() {
    let system = System::start().await;
    system.school().await;
    let mut elsewhere = fall_soccer("PD-1");
    elsewhere["host"] = json!("smugmug");
    let mut by_hand = fall_soccer("PD-1");
    by_hand["host"] = json!("Manual");
    by_hand["external_host_id"] = Value::Null;

    let elsewhere = system.post("/api/galleries", "cathy", &elsewhere).await;
    let by_hand = [
        system.post("/api/galleries", "cathy", &by_hand).await,
        system.post("/api/galleries", "cathy", &by_hand).await,
    ];

    assert_eq!((elsewhere.status, elsewhere.wrong_fields()), (422, vec!["/host"]));
    assert_eq!(elsewhere.body["errors"][0]["code"], "unknown-value");
    assert!(by_hand.iter().all(|made| made.status == 201 && made.body["host"] == "manual"), "{by_hand:?}");
    assert_ne!(by_hand[0].body["external_host_id"], by_hand[1].body["external_host_id"]);
    let place = format!("/api/galleries/{}", by_hand[0].id("/id"));
    assert_eq!(by_hand[0].header("location"), place);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_gallery_to_correct_is_named_at_once() {
    let system = System::start().await;
    system.school().await;
    let wrong = json!({"host": "Photo Day!", "external_host_id": "", "event_date": "3.10.2026", "colour": "red"});
    let mut long_ago = fall_soccer("PD-1");
    long_ago["event_date"] = json!("-9999-01-01");
    let mut another_century = fall_soccer("PD-1");
    another_century["event_date"] = json!("1950-10-03");

    let wrong = system.post("/api/galleries", "cathy", &wrong).await;
    let long_ago = system.post("/api/galleries", "cathy", &long_ago).await;
    let another_century = system.post("/api/galleries", "cathy", &another_century).await;
    let no_object = system.post("/api/galleries", "cathy", &json!([])).await;

    assert_eq!((wrong.status, wrong.code()), (422, "invalid-fields"));
    assert_eq!(wrong.wrong_fields(), ["/host", "/external_host_id", "/title", "/event_date", "/colour"]);
    assert_eq!(wrong.field_codes(), ["wrong-format", "empty", "required", "not-a-date", "unknown-field"]);
    assert_eq!(wrong.body["errors"][3]["message"], "must be a day like 2026-10-03");
    assert_eq!((long_ago.status, long_ago.wrong_fields()), (422, vec!["/event_date"]));
    assert_eq!((another_century.status, another_century.wrong_fields()), (422, vec!["/event_date"]));
    assert_eq!(another_century.field_codes(), ["out-of-range"]);
    assert_eq!(another_century.body["errors"][0]["message"], "must be a day within five years of today");
    assert_eq!((no_object.status, no_object.wrong_fields()), (422, vec![""]));
    system.stop().await;
}
