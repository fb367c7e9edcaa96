//! `POST /api/galleries` and `POST /api/rosters`.

use serde_json::{Value, json};
use tests::{Answer, System, cathy, fall_soccer, frank, parent, sheree};

/// The places of a form that have to be corrected.
fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

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
        assert_eq!((answer.status, pointers(&answer)), (422, vec!["/organization_id"]));
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
    assert_eq!(pointers(&wrong), ["/host", "/external_host_id", "/title", "/event_date", "/colour"]);
    assert_eq!(wrong.body["errors"][3]["message"], "must be a day like 2026-10-03");
    assert_eq!((long_ago.status, pointers(&long_ago)), (422, vec!["/event_date"]));
    assert_eq!((another_century.status, pointers(&another_century)), (422, vec!["/event_date"]));
    assert_eq!(another_century.body["errors"][0]["message"], "must be a day within five years of today");
    assert_eq!((no_object.status, pointers(&no_object)), (422, vec![""]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_puts_her_athletes_on_a_roster_and_may_do_it_again() {
    let system = System::start().await;
    let school = system.school().await;
    let dana = system.register("dana", &parent("Dana", &["Kim", "Lee"], "")).await;
    let athletes = json!([dana.body["athletes"][0]["id"], dana.body["athletes"][1]["id"]]);
    let wanted = json!({"join_code": school.join_code.to_lowercase(), "athlete_ids": athletes});

    let joined = system.post("/api/rosters", "dana", &wanted).await;
    let again = system.post("/api/rosters", "dana", &wanted).await;

    assert_eq!(joined.status, 200);
    let organization = json!({"id": school.id, "name": "Lincoln High"});
    assert_eq!(joined.body, json!({"organization": organization, "athlete_ids": athletes}));
    assert_eq!((again.status, &again.body), (200, &joined.body));
    assert_eq!(system.count("roster_entries").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_join_codes_in_an_hour_are_looked_up_and_no_more() {
    let system = System::start().await;
    let school = system.school().await;
    let dana = system.register("dana", &parent("Dana", &["Kim"], "")).await.body["athletes"][0]["id"].clone();
    let jordan = system.register("sheree", &sheree("")).await.body["athletes"][0]["id"].clone();
    let wanted = |code: &str, athlete: &Value| json!({"join_code": code, "athlete_ids": [athlete]});
    let guesses: Vec<Value> = (0..11).map(|n| wanted(&format!("LINCOLN-{n:04}"), &dana)).collect();

    let mut answers = Vec::new();
    for guess in &guesses[..9] {
        answers.push(system.post("/api/rosters", "dana", guess).await);
    }
    // Two more at the same moment: neither is counted before the other has come as far as it can.
    let lock = system.lock_table("wrong_join_codes").await;
    let (one, other, ()) = tokio::join!(
        system.post("/api/rosters", "dana", &guesses[9]),
        system.post("/api/rosters", "dana", &guesses[10]),
        async {
            lock.keeps_waiting(2).await;
            lock.release().await;
        }
    );
    answers.extend([one, other]);
    let right = system.post("/api/rosters", "dana", &wanted(&school.join_code, &dana)).await;
    let of_another = system.post("/api/rosters", "sheree", &wanted(&school.join_code, &jordan)).await;
    system.rows("update wrong_join_codes set tried_at = tried_at - interval '1 hour'", &[]).await;
    let later = system.post("/api/rosters", "dana", &wanted(&school.join_code, &dana)).await;
    system.sweep().await;

    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![404; 10], vec![429]].concat());
    assert_eq!((right.status, right.code()), (429, "too-many-wrong-codes"));
    let wait: u64 = right.header("retry-after").parse().unwrap();
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    assert_eq!((of_another.status, later.status), (200, 200));
    assert_eq!(system.count("wrong_join_codes").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_parent_joins_with_a_code_that_exists_and_athletes_of_her_own() {
    let system = System::start().await;
    let school = system.school().await;
    let dana = system.register("dana", &parent("Dana", &["Kim"], "")).await.body["athletes"][0]["id"].clone();
    let jordan = system.register("sheree", &sheree("")).await.body["athletes"][0]["id"].clone();
    let wanted = |code: &str, athletes: &Value| json!({"join_code": code, "athlete_ids": athletes});

    let wrong_code = system.post("/api/rosters", "dana", &wanted("LINCOLN-0000", &json!([dana]))).await;
    let of_another = system.post("/api/rosters", "dana", &wanted(&school.join_code, &json!([dana, jordan]))).await;
    let no_parent = system.post("/api/rosters", "cathy", &wanted(&school.join_code, &json!([jordan]))).await;
    let of_nobody = system.post("/api/rosters", "dana", &wanted(&school.join_code, &json!([]))).await;
    let no_list = system.post("/api/rosters", "dana", &wanted(&school.join_code, &json!("all"))).await;
    let empty = system.post("/api/rosters", "dana", &json!({})).await;

    assert_eq!((wrong_code.status, wrong_code.code()), (404, "unknown-join-code"));
    assert_eq!((of_another.status, pointers(&of_another)), (422, vec!["/athlete_ids/1"]));
    assert_eq!((no_parent.status, no_parent.code()), (403, "not-a-parent"));
    assert_eq!((of_nobody.status, pointers(&of_nobody)), (422, vec!["/athlete_ids"]));
    assert_eq!((no_list.status, pointers(&no_list)), (422, vec!["/athlete_ids"]));
    assert_eq!((empty.status, pointers(&empty)), (422, vec!["/join_code", "/athlete_ids"]));
    assert_eq!(system.count("roster_entries").await, 0);
    system.stop().await;
}
