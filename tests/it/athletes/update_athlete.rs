//! update-athlete, `PATCH /api/athletes/{id}`: a parent corrects an athlete, and the CRM follows.

use serde_json::{Value, json};
use tests::{System, Wire, parent, sheree, tags};

use super::{ATHLETES, follow_up, round_trips};

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_corrects_an_athlete_and_what_changes_nothing_asks_for_nothing() {
    let system = System::start().await;
    let registered = system.register("sheree", &sheree("")).await;
    let (sheree, jordan) = (registered.id("/user/id"), registered.id("/athletes/0/id"));
    let path = format!("{ATHLETES}/{jordan}");
    let send = async |patch: Value| {
        let answer = system.call("PATCH", &path, "sheree", &patch).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (answer.body, follow_up(&system, sheree).await)
    };

    let (same, nothing) = send(json!({"first_name": " Jordan ", "sport_primary": "soccer"})).await;
    let (renamed, name) = send(json!({"first_name": "Jo", "dob": null})).await;
    // Soccer is one of the parent's own interests.
    let (_, no_sport) = send(json!({"sport_primary": ""})).await;
    let (golfer, sport) = send(json!({"sport_primary": "golf"})).await;
    let listed = system.get(ATHLETES, "sheree").await.body["items"][0].clone();

    assert_eq!(same, registered.body["athletes"][0]);
    assert_eq!(
        renamed,
        json!({"id": jordan, "first_name": "Jo", "last_name": "Lane", "dob": null, "sport_primary": "Soccer"})
    );
    assert_eq!(golfer["sport_primary"], "Golf");
    assert_eq!((&listed["first_name"], &listed["sport_primary"]), (&golfer["first_name"], &golfer["sport_primary"]));
    assert_eq!((nothing, name, no_sport, sport), ((1, 0), (2, 0), (3, 0), (4, 1)));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_unknown_or_of_another_parent_is_one_and_the_same_404_whatever_is_sent() {
    let system = System::start().await;
    let jordan = system.register("sheree", &sheree("")).await.id("/athletes/0/id");
    let kim = system.register("dana", &parent("Dana", &["Kim"], "")).await.id("/athletes/0/id");
    let unknown = "01970000-0000-7000-8000-000000000001".to_owned();

    let mut answers = Vec::new();
    for id in [jordan.to_string(), unknown, "7".to_owned()] {
        for body in [json!({"first_name": "Mallory"}), json!({"first_name": null})] {
            answers.push(system.call("PATCH", &format!("{ATHLETES}/{id}"), "dana", &body).await);
        }
    }
    let invalid =
        json!({"first_name": null, "last_name": "", "dob": "1990-01-01", "sport_primary": "A, B", "id": jordan});
    let invalid = system.call("PATCH", &format!("{ATHLETES}/{kim}"), "dana", &invalid).await;

    for answer in &answers {
        assert_eq!((answer.status, answer.code()), (404, "unknown-athlete"));
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(invalid.status, 422);
    assert_eq!(invalid.wrong_fields(), ["/first_name", "/last_name", "/dob", "/sport_primary", "/id"]);
    assert_eq!(invalid.field_codes(), ["not-removable", "empty", "out-of-range", "several-values", "unknown-field"]);
    assert_eq!(system.count("athletes where first_name in ('Jordan', 'Kim')").await, 2);
    assert!(!system.logs().contains("Jordan") && !system.logs().contains("1990-01-01"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tags_in_the_crm_follow_an_athlete_who_comes_and_changes() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (nora, _) = system.synced("nora", &parent("Nora", &[], "")).await;
    let born = "select make_date(extract(year from school.day)::int - 18, 1, 15)::text
                from (select now() + interval '4 months') as school (day)";
    let senior: String = system.value(born, &[]).await;
    let tags_now = async || {
        system.drained().await;
        tags(&system.contact_of(nora).await).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };

    let kim = json!({"first_name": "Kim", "last_name": "Moss", "dob": senior, "sport_primary": "Golf"});
    let kim = system.post(ATHLETES, "nora", &kim).await.id("/id");
    let added = tags_now().await;
    let path = format!("{ATHLETES}/{kim}");
    system.call("PATCH", &path, "nora", &json!({"sport_primary": "Tennis", "dob": null})).await;
    let changed = tags_now().await;

    assert!(added.len() == 2 && added[0] == "Golf" && added[1].starts_with("Senior "), "{added:?}");
    assert_eq!(changed, ["Tennis"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_costs_few_round_trips() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    let jordan = system.register("sheree", &sheree("")).await.id("/athletes/0/id");
    let path = format!("{ATHLETES}/{jordan}");
    system.call("PATCH", &path, "sheree", &json!({"sport_primary": "Golf"})).await;
    wire.said();

    system.call("PATCH", &path, "sheree", &json!({"first_name": "Jo"})).await;
    let of_a_name = round_trips(&wire.said());
    system.call("PATCH", &path, "sheree", &json!({"sport_primary": "Tennis"})).await;
    let of_a_sport = round_trips(&wire.said());

    // begin, lock, read, write, the task, commit; the event
    assert_eq!((of_a_name, of_a_sport), (6, 7));
    system.stop().await;
}
