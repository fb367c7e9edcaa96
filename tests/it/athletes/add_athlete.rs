//! add-athlete, `POST /api/athletes`: a parent adds an athlete, once, and puts the athlete on rosters.

use serde_json::{Value, json};
use tests::{System, Wire, parent, sheree};

use super::{ATHLETES, follow_up, round_trips};

fn kim(sport: &str) -> Value {
    json!({"first_name": "Kim", "last_name": "Lane", "dob": "2012-03-01", "sport_primary": sport})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_athlete_is_added_and_the_same_child_again_is_the_one_that_is_there() {
    let system = System::start().await;
    let school = system.school().await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    let mut again = kim("Tennis");
    again["first_name"] = json!(" Kim ");
    again["join_codes"] = json!([school.join_code.to_lowercase()]);

    let added = system.post(ATHLETES, "sheree", &kim("golf")).await;
    let after_added = follow_up(&system, sheree).await;
    let again = system.post(ATHLETES, "sheree", &again).await;
    let after_again = follow_up(&system, sheree).await;
    let mut twin = kim("Golf");
    twin["dob"] = Value::Null;
    let twin = system.post(ATHLETES, "sheree", &twin).await;

    let mut expected = kim("Golf");
    expected["id"] = added.body["id"].clone();
    assert_eq!((added.status, &added.body), (201, &expected));
    assert_eq!(added.header("location"), format!("/api/athletes/{}", added.id("/id")));
    assert_eq!((again.status, &again.body), (200, &expected), "as it is there");
    assert_eq!((after_added, after_again), ((2, 1), (2, 1)), "golf is new to others, and the second request nothing");
    assert_eq!(system.count("roster_entries").await, 1, "the code counts all the same");
    assert_eq!(twin.status, 201);
    assert_eq!(follow_up(&system, sheree).await, (3, 1), "the CRM follows; to others golf is not new");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_at_the_same_instant_one_adds_the_athlete() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    system.ready("add-athlete", 2).await;
    let lock = system.lock_table("users").await;

    let kim = kim("Golf");
    let (one, other, ()) =
        tokio::join!(system.post(ATHLETES, "sheree", &kim), system.post(ATHLETES, "sheree", &kim), async {
            lock.keeps_waiting(2).await;
            lock.release().await;
        });

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses, &one.body), ([200, 201], &other.body));
    assert_eq!(system.count("athletes where first_name = 'Kim'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_has_twenty_athletes_at_most_also_with_two_at_once() {
    let system = System::start().await;
    let names: Vec<String> = (0..19).map(|n| format!("Child{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    system.register("dana", &parent("Dana", &names, "")).await;
    let athlete = |name: &str| json!({"first_name": name, "last_name": "Moss"});
    let (kim, lee) = (athlete("Kim"), athlete("Lee"));
    system.ready("add-athlete", 2).await;
    let lock = system.lock_table("users").await;

    let (one, other, ()) =
        tokio::join!(system.post(ATHLETES, "dana", &kim), system.post(ATHLETES, "dana", &lee), async {
            lock.keeps_waiting(2).await;
            lock.release().await;
        });
    let one_of_them = system.post(ATHLETES, "dana", &athlete("Child7")).await;
    let wrong = system.post(ATHLETES, "dana", &json!({"first_name": "Max"})).await;

    let mut answers = [(one.status, one.code()), (other.status, other.code())];
    answers.sort_unstable();
    assert_eq!(answers, [(201, ""), (409, "too-many-athletes")]);
    assert_eq!(system.count("athletes").await, 20);
    assert_eq!((one_of_them.status, wrong.status), (200, 422));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_stop_the_request_and_count_together_with_those_of_other_routes() {
    let system = System::start().await;
    let school = system.school().await;
    let dana = system.register("dana", &parent("Dana", &["Lee"], "")).await.id("/athletes/0/id");
    let with = |codes: Value| {
        let mut body = kim("Golf");
        body["join_codes"] = codes;
        body
    };
    let join = |code: &str| json!({"join_code": code, "athlete_ids": [dana]});

    let wrong = system.post(ATHLETES, "dana", &with(json!(["WRONG-1", " ", school.join_code, "--"]))).await;
    let counted = system.count("wrong_join_codes").await;
    let nobody = system.count("athletes where first_name = 'Kim'").await;
    for n in 0..8 {
        assert_eq!(system.post("/api/rosters", "dana", &join(&format!("LINCOLN-{n:04}"))).await.status, 404);
    }
    let right = system.post(ATHLETES, "dana", &with(json!([school.join_code]))).await;
    let joined = system.post("/api/rosters", "dana", &join(&school.join_code)).await;
    let without = system.post(ATHLETES, "dana", &with(Value::Null)).await;
    system.rows("update wrong_join_codes set tried_at = tried_at - interval '1 hour'", &[]).await;
    let later = system.post(ATHLETES, "dana", &with(json!([school.join_code]))).await;

    assert_eq!((wrong.status, wrong.wrong_fields()), (422, vec!["/join_codes/0", "/join_codes/3"]));
    assert_eq!(wrong.field_codes(), ["unknown-code", "unknown-code"]);
    assert_eq!((counted, nobody), (2, 0), "the count stays, the athlete does not");
    assert_eq!((right.status, right.code()), (429, "too-many-wrong-codes"));
    assert!(right.header("retry-after").parse::<u64>().is_ok());
    assert_eq!(joined.status, 429);
    assert_eq!((without.status, later.status), (201, 200));
    assert_eq!(system.count("roster_entries").await, 1);
    assert!(!format!("{}{}{}", wrong.body, right.body, system.logs()).contains("Kim"), "no child is named");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_costs_few_round_trips() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    let school = system.school().await;
    system.register("sheree", &sheree("")).await;
    system.post(ATHLETES, "sheree", &kim("Golf")).await;
    let mut lee = json!({"first_name": "Lee", "last_name": "Lane", "sport_primary": "Golf"});
    wire.said();

    system.post(ATHLETES, "sheree", &lee).await;
    let without = round_trips(&wire.said());
    lee["first_name"] = json!("Max");
    lee["join_codes"] = json!([school.join_code]);
    system.post(ATHLETES, "sheree", &lee).await;
    let with_a_code = round_trips(&wire.said());

    // begin, lock, read, write, the task, commit; the count of wrong codes, the codes, the roster
    assert_eq!((without, with_a_code), (6, 9));
    system.stop().await;
}
