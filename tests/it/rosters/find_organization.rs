//! find-organization, `GET /api/organizations?join_code=`: whose code it is, and that nobody finds one by trying.

use serde_json::json;
use tests::{System, sheree};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_says_whose_it_is_however_it_is_typed() {
    let system = System::start().await;
    let verified = system.school().await;
    let unverified = system.unverified_school_of("carla").await;
    system.register("sheree", &sheree("")).await;

    for (school, is_verified) in [(&verified, true), (&unverified, false)] {
        let expected = json!({"id": school.id, "name": "Lincoln High", "org_type": "School", "verified": is_verified});
        for code in [school.join_code.clone(), school.join_code.to_lowercase().replace('-', "%20")] {
            let found = system.get(&format!("/api/organizations?join_code={code}"), "sheree").await;
            assert_eq!((found.status, &found.body), (200, &expected), "{code}");
        }
    }
    let none = system.get("/api/organizations", "sheree").await;
    assert_eq!((none.status, none.wrong_fields()), (422, vec!["/join_code"]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_count_over_all_routes_that_take_one() {
    let system = System::start().await;
    let school = system.school().await;
    let mut signs_up = sheree("");
    signs_up["join_codes"] = json!(["NOBODY-1", "NOBODY-2", "NOBODY-3", "NOBODY-4"]);
    let athlete = system.register("sheree", &signs_up).await.id("/athletes/0/id");
    let join = async |code: &str| {
        system.post("/api/rosters", "sheree", &json!({"join_code": code, "athlete_ids": [athlete]})).await
    };
    let find = async |code: &str| system.get(&format!("/api/organizations?join_code={code}"), "sheree").await;

    for number in 5..=7 {
        assert_eq!(join(&format!("NOBODY-{number}")).await.code(), "unknown-join-code");
    }
    for number in 8..=10 {
        let unknown = find(&format!("NOBODY-{number}")).await;
        assert_eq!((unknown.status, unknown.code()), (404, "unknown-join-code"));
    }
    let (found, joined) = (find(&school.join_code).await, join(&school.join_code).await);

    for refused in [found, joined] {
        assert_eq!((refused.status, refused.code()), (429, "too-many-wrong-codes"));
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 3_000));
    }
    assert_eq!(system.get(&format!("/api/organizations?join_code={}", school.join_code), "cathy").await.status, 200);
    system.stop().await;
}
