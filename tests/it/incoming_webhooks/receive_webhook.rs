//! `POST /api/webhooks/incoming`: what trusted sources tell us, and in which order.

use serde_json::json;
use tests::{DOOR, School, System, Webhook, fall_soccer, fixture, parent, sheree};
use tokio::task::JoinSet;

/// A school with one parent on its roster.
async fn school_with_sheree(system: &System) -> School {
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    school
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_accepted_once_and_a_copy_is_told_the_first_id() {
    let system = System::start().await;
    system.school().await;
    system.gallery("PD-1").await;
    let published = Webhook::gallery_published("PD-1");

    let first = system.send_webhook(&published).await;
    let again = system.send_webhook(&published).await;

    assert_eq!((first.status, &first.body["status"]), (202, &json!("accepted")));
    assert_eq!((again.status, &again.body["status"]), (200, &json!("duplicate")));
    assert_eq!(again.id("/id"), first.id("/id"));
    assert_eq!(system.gallery_status("PD-1").await, "Live");
    let url: String = system.value("select public_url from galleries", &[]).await;
    assert_eq!(url, "https://photos.example/PD-1");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_at_the_same_instant_have_one_effect() {
    let system = System::start().await;
    school_with_sheree(&system).await;
    system.gallery("PD-1").await;
    let published = Webhook::gallery_published("PD-1");

    let (one, two, three) =
        tokio::join!(system.send_webhook(&published), system.send_webhook(&published), system.send_webhook(&published));

    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 202]);
    assert!(one.id("/id") == two.id("/id") && two.id("/id") == three.id("/id"));
    assert_eq!(system.count("webhook_inbox").await, 1);
    system.fanned_out().await;
    assert_eq!(system.alerts().await, ["held"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_id_of_another_source_is_another_event() {
    let system = System::start().await;
    let published = Webhook::gallery_published("PD-1");

    let of_photoday = system.send_webhook(&published).await;
    let of_gotphoto = system.send_webhook(&published.from("gotphoto")).await;

    assert_eq!((of_photoday.status, of_gotphoto.status), (202, 202));
    let subjects = system.rows("select subject from webhook_inbox order by subject", &[]).await;
    let subjects: Vec<&str> = subjects.iter().map(|row| row.get(0)).collect();
    assert_eq!(subjects, ["gallery:gotphoto/PD-1", "gallery:photoday/PD-1"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn middleware_speaks_for_the_hosts_of_its_registration() {
    let system = System::start().await;
    system.school().await;
    system.gallery("PD-1").await;
    let data = json!({"host": "photoday", "external_host_id": "PD-1", "a field of theirs": 1});
    let published = Webhook::new("gallery.published", &data).from("make");

    let answer = system.send_webhook(&published).await;

    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("accepted")));
    assert_eq!(system.gallery_status("PD-1").await, "Live");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_about_an_unknown_gallery_waits_until_the_gallery_is_made() {
    let system = System::start().await;
    school_with_sheree(&system).await;

    let early = system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    let tasks = system.count("tasks where kind = 'fan-out-gallery'").await;
    let gallery = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;

    assert_eq!((early.status, &early.body["status"], tasks), (202, &json!("pending"), 0));
    assert_eq!((gallery.status, &gallery.body["status"]), (201, &json!("Live")));
    assert_eq!(gallery.body["public_url"], "https://photos.example/PD-1");
    system.fanned_out().await;
    assert_eq!(system.alerts().await, ["held"]);
    assert_eq!(system.count("webhook_inbox where status = 'applied'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_the_making_of_its_gallery_always_see_each_other() {
    const ROUNDS: usize = 10;
    const AT_ONCE: usize = 4;
    let system = std::sync::Arc::new(System::start().await);
    school_with_sheree(&system).await;

    for round in 0..ROUNDS {
        let mut pairs = JoinSet::new();
        for pair in 0..AT_ONCE {
            let system = system.clone();
            pairs.spawn(async move {
                let id = format!("PD-{round}-{pair}");
                let (published, gallery) = (Webhook::gallery_published(&id), fall_soccer(&id));
                tokio::join!(system.send_webhook(&published), system.post("/api/galleries", "cathy", &gallery))
            });
        }
        for (event, gallery) in pairs.join_all().await {
            assert_eq!((event.status, gallery.status), (202, 201), "{} {}", event.body, gallery.body);
        }
    }

    let all = i64::try_from(ROUNDS * AT_ONCE).unwrap();
    assert_eq!(system.count("webhook_inbox where status = 'pending'").await, 0);
    assert_eq!(system.count("galleries where status = 'Live'").await, all);
    system.fanned_out().await;
    assert_eq!(system.count("gallery_alerts where status = 'held'").await, all);
    std::sync::Arc::into_inner(system).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_event_never_undoes_a_newer_one() {
    let system = System::start().await;
    school_with_sheree(&system).await;
    system.gallery("PD-1").await;

    system.send_webhook(&Webhook::gallery_archived("PD-1").happened_in_minutes(-10)).await;
    let older = system.send_webhook(&Webhook::gallery_published("PD-1").happened_in_minutes(-20)).await;

    assert_eq!((older.status, &older.body["status"]), (202, &json!("accepted")));
    assert_eq!(system.gallery_status("PD-1").await, "Archived");
    system.fanned_out().await;
    assert_eq!(system.alerts().await, [""; 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_waited_are_applied_by_their_own_time() {
    let system = System::start().await;
    school_with_sheree(&system).await;
    system.send_webhook(&Webhook::gallery_archived("PD-1").happened_in_minutes(-10)).await;
    system.send_webhook(&Webhook::gallery_published("PD-1").happened_in_minutes(-20)).await;

    let gallery = system.post("/api/galleries", "cathy", &fall_soccer("PD-1")).await;
    system.fanned_out().await;
    let alerts_of_the_archived = system.alerts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;

    assert_eq!(gallery.body["status"], "Archived");
    assert_eq!(alerts_of_the_archived, [""; 0]);
    // Nobody was told of the first time, which was over before the gallery was known here.
    system.fanned_out().await;
    assert_eq!(system.alerts().await, ["held"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_archived_before_anybody_was_told_is_announced_when_it_comes_back() {
    let system = System::start().await;
    school_with_sheree(&system).await;
    system.gallery("PD-1").await;
    system.pause("fan-out-gallery").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;

    system.let_an_hour_pass().await;
    system.sweep().await;
    system.fanned_out().await;
    let while_archived = system.alerts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;

    assert_eq!(while_archived, [""; 0]);
    assert_eq!(system.alerts().await, ["held"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_that_comes_back_is_not_announced_again() {
    let system = System::start().await;
    let school = school_with_sheree(&system).await;
    system.gallery("PD-1").await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;
    system.register("dana", &parent("Dana", &["Kim"], &school.join_code)).await;

    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.fanned_out().await;

    assert_eq!(system.gallery_status("PD-1").await, "Live");
    assert_eq!(system.alerts().await, ["held"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_in_the_future_counts_as_now() {
    let system = System::start().await;
    system.school().await;
    system.gallery("PD-1").await;

    system.send_webhook(&Webhook::gallery_published("PD-1").happened_in_minutes(60)).await;
    system.send_webhook(&Webhook::gallery_archived("PD-1")).await;

    assert_eq!(system.gallery_status("PD-1").await, "Archived");
    assert_eq!(system.count("webhook_inbox where occurred_at > now()").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_tells_is_taken_as_the_fixtures_have_it() {
    let system = System::start().await;
    let host = system.sender("photoday").await;

    for name in ["gallery.published", "gallery.archived", "order.created", "booking.created"] {
        let letter = host.letter(fixture(&format!("{name}.json")).to_string());
        let answer = system.send_letter(DOOR, &letter).await;
        assert_eq!((answer.status, &answer.body["status"]), (202, &json!("pending")), "{name}: {}", answer.body);
    }

    assert_eq!(system.count("webhook_inbox where status = 'pending'").await, 4);
    system.stop().await;
}
