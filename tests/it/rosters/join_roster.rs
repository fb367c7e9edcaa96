//! join-roster, `POST /api/rosters`: a parent puts athletes on the roster that a code stands for.

use serde_json::{Value, json};
use tests::{System, parent, sheree};

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
    system.ready("join-roster", 2).await;
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
    assert_eq!((of_another.status, of_another.wrong_fields()), (422, vec!["/athlete_ids/1"]));
    assert_eq!(of_another.field_codes(), ["not-yours"]);
    assert_eq!((no_parent.status, no_parent.code()), (403, "not-a-parent"));
    assert_eq!((of_nobody.status, of_nobody.wrong_fields()), (422, vec!["/athlete_ids"]));
    assert_eq!(of_nobody.field_codes(), ["empty"]);
    assert_eq!((no_list.status, no_list.wrong_fields()), (422, vec!["/athlete_ids"]));
    assert_eq!(no_list.field_codes(), ["not-a-list"]);
    assert_eq!((empty.status, empty.wrong_fields()), (422, vec!["/join_code", "/athlete_ids"]));
    assert_eq!(empty.field_codes(), ["required", "required"]);
    assert_eq!(system.count("roster_entries").await, 0);
    system.stop().await;
}
