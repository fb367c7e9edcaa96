//! list-athletes, `GET /api/athletes`: a parent's athletes with their organisations.

use serde_json::{Value, json};
use tests::{System, Wire, cathy, parent, sheree};

use super::ATHLETES;

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().into_iter().flatten().filter_map(|athlete| athlete["first_name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_reads_athletes_and_their_organisations_in_one_round_trip() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    let school = system.school().await;
    let mut club = cathy();
    club["org_name"] = json!("Aces");
    let club = system.register("aces", &club).await;
    let registered = system.register("sheree", &sheree(&school.join_code)).await;
    system.register("dana", &parent("Dana", &["Kim"], &school.join_code)).await;
    let jordan = registered.body["athletes"][0].clone();
    let join = json!({"join_code": club.body["profile"]["join_code"], "athlete_ids": [jordan["id"]]});
    assert_eq!(system.post("/api/rosters", "sheree", &join).await.status, 200);
    system.get(ATHLETES, "sheree").await;
    wire.said();

    let listed = system.get(ATHLETES, "sheree").await;
    let said = wire.said();
    let not_registered = system.get(ATHLETES, "nobody").await;

    let mut expected = jordan;
    expected["organizations"] = json!([
        {"id": club.id("/user/id"), "name": "Aces"}, {"id": school.id, "name": "Lincoln High"},
    ]);
    assert_eq!((listed.status, listed.body), (200, json!({"items": [expected], "next": null})));
    assert_eq!(said, "BES");
    assert_eq!((not_registered.status, not_registered.code()), (404, "not-registered"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn athletes_are_read_a_page_at_a_time_and_those_that_come_and_go_change_no_other_page() {
    let system = System::start().await;
    system.school().await;
    let registered = system.register("dana", &parent("Dana", &["A", "B", "C", "D"], "")).await;
    system.register("nora", &parent("Nora", &[], "")).await;

    let first = system.get(&format!("{ATHLETES}?limit=2"), "dana").await.body;
    let rest = format!("{ATHLETES}?limit=2&cursor={}", first["next"].as_str().unwrap_or_default());
    let second = system.get(&rest, "dana").await.body;
    system.rows("delete from athletes where id = $1", &[&registered.id("/athletes/1/id")]).await;
    let without_the_last = system.get(&rest, "dana").await.body;
    let none = system.get(ATHLETES, "nora").await.body;
    let wrong = system.get(&format!("{ATHLETES}?limit=0&cursor=7&sort=dob"), "dana").await;
    let no_parent = system.get(&format!("{ATHLETES}?limit=0"), "cathy").await;

    assert_eq!((names(&first), names(&second)), (vec!["A", "B"], vec!["C", "D"]));
    assert_eq!(without_the_last, second);
    assert_eq!((&second["next"], none), (&Value::Null, json!({"items": [], "next": null})));
    assert_eq!((wrong.status, wrong.wrong_fields()), (422, vec!["/limit", "/cursor", "/sort"]));
    assert_eq!((no_parent.status, no_parent.code()), (403, "not-a-parent"), "who may ask comes before what is asked");
    system.stop().await;
}
