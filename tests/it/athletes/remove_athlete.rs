//! remove-athlete, `DELETE /api/athletes/{id}`: an athlete leaves, and no e-mail goes out for one who is gone.

use serde_json::{Value, json};
use tests::{Answer, School, System, Webhook, Wire, parent, sheree, tags};
use uuid::Uuid;

use super::{ATHLETES, follow_up, round_trips};

async fn remove(system: &System, sub: &str, athlete: Uuid) -> Answer {
    system.call("DELETE", &format!("{ATHLETES}/{athlete}"), sub, &Value::Null).await
}

async fn is_removed(system: &System, sub: &str, athlete: Uuid) {
    let answer = remove(system, sub, athlete).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

/// Whose alerts there are, and how they stand.
async fn alerts(system: &System) -> Vec<String> {
    let alerts =
        "select split_part(email, '@', 1) || ' ' || status from gallery_alerts join users on users.id = parent_id
                  order by 1";
    system.rows(alerts, &[]).await.iter().map(|row| row.get(0)).collect()
}

async fn goes_live(system: &System, external_host_id: &str) {
    system.send_webhook(&Webhook::gallery_published(external_host_id)).await;
    system.fanned_out().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_athlete_leaves_all_rosters_and_what_others_know_of_the_parent_follows() {
    let system = System::start().await;
    let school = system.school().await;
    let mut family = sheree(&school.join_code);
    let kim = json!({"first_name": "Kim", "last_name": "Lane", "sport_primary": "Golf"});
    family["athletes"].as_array_mut().unwrap().push(kim);
    let registered = system.register("sheree", &family).await;
    let (parent_id, jordan, kim) =
        (registered.id("/user/id"), registered.id("/athletes/0/id"), registered.id("/athletes/1/id"));
    system.register("dana", &parent("Dana", &["Lee"], &school.join_code)).await;

    let of_another = remove(&system, "dana", jordan).await;
    is_removed(&system, "sheree", jordan).await;
    let after_jordan = follow_up(&system, parent_id).await;
    is_removed(&system, "sheree", kim).await;
    let again = remove(&system, "sheree", kim).await;

    assert_eq!((of_another.status, of_another.code()), (404, "unknown-athlete"));
    assert_eq!((again.status, &again.body), (404, &of_another.body));
    assert_eq!(after_jordan, (2, 0), "soccer is still one of the parent's own interests");
    assert_eq!(follow_up(&system, parent_id).await, (3, 1));
    assert_eq!((system.count("athletes").await, system.count("roster_entries").await), (1, 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_alert_goes_with_the_last_athlete_and_not_before() {
    let system = System::start().await;
    let school = system.school().await;
    let dana = system.register("dana", &parent("Dana", &["Kim", "Lee"], &school.join_code)).await;
    let nora = system.register("nora", &parent("Nora", &["Max"], &school.join_code)).await;
    let (gallery, _) = (system.gallery("PD-1").await, system.gallery("PD-2").await);
    for external_host_id in ["PD-1", "PD-2"] {
        goes_live(&system, external_host_id).await;
    }
    let register = "insert into gallery_registrations (gallery_id, parent_id) values ($1, $2)";
    system.rows(register, &[&gallery, &nora.id("/user/id")]).await;
    let all = alerts(&system).await;

    is_removed(&system, "dana", dana.id("/athletes/0/id")).await;
    is_removed(&system, "nora", nora.id("/athletes/0/id")).await;
    let one_left = alerts(&system).await;
    is_removed(&system, "dana", dana.id("/athletes/1/id")).await;

    assert_eq!(all, ["dana held", "dana held", "nora held", "nora held"]);
    assert_eq!(one_left, ["dana held", "dana held", "nora held"], "Nora is registered for the first gallery");
    assert_eq!(alerts(&system).await, ["nora held"]);
    system.stop().await;
}

/// The pause is over, and whatever is queued is sent.
async fn sends_go_on(system: &System) {
    system.let_an_hour_pass().await;
    system.sweep().await;
    system.settled("send-alerts").await;
}

/// Sheree and Dana are queued in one batch, which is not sent yet.
async fn queued() -> (System, School, [Uuid; 2]) {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    let jordan = system.register("sheree", &sheree(&school.join_code)).await.id("/athletes/0/id");
    let kim = system.register("dana", &parent("Dana", &["Kim"], &school.join_code)).await.id("/athletes/0/id");
    system.gallery("PD-1").await;
    system.pause("send-alerts").await;
    goes_live(&system, "PD-1").await;
    assert_eq!(alerts(&system).await, ["dana queued", "sheree queued"]);
    (system, school, [jordan, kim])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_alert_is_not_sent_for_an_athlete_who_is_gone_and_its_batch_goes_without_it() {
    let (system, _, [jordan, _]) = queued().await;

    is_removed(&system, "sheree", jordan).await;
    let left = alerts(&system).await;
    sends_go_on(&system).await;

    assert_eq!(left, ["dana queued"]);
    assert_eq!(system.addresses().await, ["dana@example.com"]);
    assert_eq!(system.batches().await, ["sent"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_two_leave_at_the_same_instant_is_skipped_and_hinders_no_other() {
    let (system, school, [jordan, kim]) = queued().await;
    system.register("nora", &parent("Nora", &["Max"], &school.join_code)).await;
    system.gallery("PD-2").await;
    system.ready("remove-athlete", 2).await;
    let lock = system.lock_table("alert_batches").await;

    tokio::join!(is_removed(&system, "sheree", jordan), is_removed(&system, "dana", kim), async {
        lock.keeps_waiting(2).await;
        lock.release().await;
    });
    let batches = system.batches().await;
    goes_live(&system, "PD-2").await;
    sends_go_on(&system).await;

    assert_eq!(batches, ["skipped"]);
    assert_eq!(system.addresses().await, ["nora@example.com"]);
    assert_eq!(system.batches().await, ["sent", "skipped"]);
    system.stop().await;
}

/// A fan-out has locked the parent's profile by then.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_being_made_is_waited_for_and_goes_too() {
    let system = System::start().await;
    let school = system.school().await;
    let jordan = system.register("sheree", &sheree(&school.join_code)).await.id("/athletes/0/id");
    system.gallery("PD-1").await;
    system.ready("remove-athlete", 1).await;
    let fan_out = system.session().await;
    let made = "begin;
                insert into gallery_alerts (gallery_id, parent_id, id, status)
                select galleries.id, user_id, new_uuid_v7(), 'held' from galleries, profiles_parents";
    fan_out.batch_execute(made).await.unwrap();

    tokio::join!(is_removed(&system, "sheree", jordan), async {
        system.blocked().await;
        fan_out.batch_execute("commit").await.unwrap();
    });

    assert_eq!(alerts(&system).await, [""; 0]);
    system.stop().await;
}

/// A fan-out that read the roster before the athlete went makes its alert afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_was_made_meanwhile_is_not_sent_either() {
    let (system, _, [jordan, _]) = queued().await;
    system.rows("delete from athletes where id = $1", &[&jordan]).await;

    sends_go_on(&system).await;

    assert_eq!(system.addresses().await, ["dana@example.com"]);
    assert_eq!(alerts(&system).await.len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tags_in_the_crm_go_with_the_athlete() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (nora, _) = system.synced("nora", &parent("Nora", &[], "")).await;
    let kim = json!({"first_name": "Kim", "last_name": "Moss", "sport_primary": "Golf"});
    let kim = system.post(ATHLETES, "nora", &kim).await.id("/id");
    system.drained().await;
    let before = tags(&system.contact_of(nora).await).join(" ");

    is_removed(&system, "nora", kim).await;
    system.drained().await;

    assert_eq!((before.as_str(), tags(&system.contact_of(nora).await).len()), ("Golf", 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_costs_few_round_trips() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    let school = system.school().await;
    let registered = system.register("dana", &parent("Dana", &["Kim", "Lee", "Max"], &school.join_code)).await;
    is_removed(&system, "dana", registered.id("/athletes/0/id")).await;
    system.rows("delete from roster_entries where athlete_id = $1", &[&registered.id("/athletes/1/id")]).await;
    wire.said();

    is_removed(&system, "dana", registered.id("/athletes/1/id")).await;
    let without_a_roster = round_trips(&wire.said());
    is_removed(&system, "dana", registered.id("/athletes/2/id")).await;
    let with_one = round_trips(&wire.said());

    // begin, lock, read, delete, the task, commit; the alerts
    assert_eq!((without_a_roster, with_one), (6, 7));
    system.stop().await;
}
