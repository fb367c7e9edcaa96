//! create-gallery, `POST /api/galleries`: who registers a gallery, for which organisation, and how often.

use serde_json::{Value, json};
use tests::{System, cathy, fall_soccer, frank, sheree};

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
    let school = json!(system.school().await.id);
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.invoke("migrate-database", &json!({"admin": {"sub": "ada", "email": "ada@example.com"}})).await;

    let of_frank = system.post("/api/galleries", "frank", &for_organization("PD-1", &school)).await;
    let of_ada = system.post("/api/galleries", "ada", &for_organization("PD-2", &school)).await;
    let vague = [
        system.post("/api/galleries", "frank", &fall_soccer("PD-3")).await,
        system.post("/api/galleries", "ada", &fall_soccer("PD-3")).await,
    ];

    assert_eq!((of_frank.status, of_frank.id("/photographer_id")), (201, frank));
    assert_eq!((of_ada.status, &of_ada.body["photographer_id"]), (201, &Value::Null));
    assert!([&of_frank, &of_ada].iter().all(|gallery| gallery.body["organization_id"] == school));
    for answer in vague {
        assert_eq!((answer.status, answer.wrong_fields()), (422, vec!["/organization_id"]));
    }
    assert_eq!(system.count("galleries").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_galleries_of_others() {
    let system = System::start().await;
    let school = json!(system.school().await.id);
    system.register("carla", &cathy()).await;
    system.register("sheree", &sheree("")).await;

    let of_another_school = system.post("/api/galleries", "carla", &for_organization("PD-1", &school)).await;
    let of_a_parent = system.post("/api/galleries", "sheree", &for_organization("PD-1", &school)).await;
    let of_a_stranger = system.post("/api/galleries", "nobody", &fall_soccer("PD-1")).await;

    assert_eq!((of_another_school.status, of_another_school.code()), (403, "not-yours"));
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
    system.gallery("PD-1").await;

    let again = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;
    let other_host = system.post("/api/galleries", "cathy", &gotphoto).await;

    assert_eq!((again.status, again.code()), (409, "gallery-exists"));
    assert_eq!(other_host.status, 201);
    assert_eq!(system.count("galleries").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_does_not_exist_is_unknown() {
    let system = System::start().await;
    let frank = system.register("frank", &frank()).await;
    let nobody = json!("01970000-0000-7000-8000-000000000001");

    let unknown = system.post("/api/galleries", "frank", &for_organization("PD-1", &nobody)).await;
    let no_organisation =
        system.post("/api/galleries", "frank", &for_organization("PD-1", &frank.body["user"]["id"])).await;

    assert_eq!((unknown.status, unknown.code()), (404, "unknown-organization"));
    assert_eq!((no_organisation.status, no_organisation.code()), (404, "unknown-organization"));
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
    assert_eq!(wrong.body["errors"][3]["message"], "must be a day like 2026-10-03");
    assert_eq!((long_ago.status, long_ago.wrong_fields()), (422, vec!["/event_date"]));
    assert_eq!((another_century.status, another_century.wrong_fields()), (422, vec!["/event_date"]));
    assert_eq!(another_century.body["errors"][0]["message"], "must be a day within five years of today");
    assert_eq!((no_object.status, no_object.wrong_fields()), (422, vec![""]));
    system.stop().await;
}
