//! One row that this version cannot read, in each table that workers read: its neighbours are worked on all the same.

use serde_json::{Value, json};
use tests::{System, Task, USER_ID, Webhook, cathy, eventually, frank, parent, sheree};
use uuid::Uuid;

const KIND: &str = "sync-zoho";

/// The task of a row that cannot be read: failed, at once, and saying which row and which field.
fn assert_names(task: &Task, row: Uuid, field: &str) {
    assert!(task.failed && task.code == "unreadable" && task.field == field, "{task:?}");
    assert!(task.message.contains(&row.to_string()), "{task:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_links_and_erasures_that_cannot_be_read_fail_their_own_tasks_alone() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let linked = system.register("frank", &frank()).await.id("/user/id");
    let erased = system.register("dana", &parent("Dana", &[], "")).await.id("/user/id");
    let neighbour_erased = system.register("rita", &parent("Rita", &[], "")).await.id("/user/id");
    system.drained().await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    let sport = system.register("sheree", &sheree("")).await.id("/user/id");
    let record = system.register("nora", &parent("Nora", &["Eve"], "")).await.id("/user/id");
    let neighbour = system.register("cathy", &cathy()).await.id("/user/id");
    for name in ["dana", "rita"] {
        assert_eq!(system.call("DELETE", "/api/user", name, &Value::Null).await.status, 204);
    }
    system.rows("update athletes set sport_primary = 'Soccer, Swimming' where parent_id = $1", &[&sport]).await;
    system.rows("update users set zoho_contact_id = 'no id' where id = $1", &[&record]).await;
    system.rows(r#"update zoho_links set base = '{"first_name":7}' where user_id = $1"#, &[&linked]).await;
    system.rows("update erasures set zoho_contact_id = 'no id' where user_id = $1", &[&erased]).await;
    let ask = "insert into tasks (kind, key, not_before, dispatch_at) values ($1, $2, now(), now())";
    system.rows(ask, &[&KIND, &linked]).await;

    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.goes_on().await;

    assert_names(&system.told(KIND, sport).await, sport, "sports");
    assert_names(&system.told(KIND, record).await, record, "zoho_links.record");
    assert_names(&system.told(KIND, linked).await, linked, "zoho_links.base");
    assert_names(&system.told(KIND, erased).await, erased, "zoho_contact_id");
    assert_eq!(system.contact_of(neighbour).await["Email"], "cathy@example.com");
    assert_eq!(system.task(KIND, neighbour_erased).await, None);
    let left = system.contacts().await;
    assert!(left.iter().all(|contact| contact[USER_ID] != json!(neighbour_erased)), "{left:?}");
    assert_eq!(system.count("tasks where failed_at is null").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_the_crm_of_a_user_who_cannot_be_read_is_told_at_the_users_task() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let broken = system.register("sheree", &sheree("")).await.id("/user/id");
    let neighbour = system.register("cathy", &cathy()).await.id("/user/id");
    system.drained().await;
    system.invoke("renew-zoho-watch", &json!({})).await;
    system.rows("update athletes set sport_primary = 'Soccer, Swimming' where parent_id = $1", &[&broken]).await;

    for user in [broken, neighbour] {
        let contact = system.linked_contact(user).await.unwrap();
        system.edit_of_sales(&contact, &json!({ "First_Name": "Pat" })).await;
    }

    let first_name = "select first_name from profiles_organizations where user_id = $1";
    eventually("the neighbour's edit is taken over", || async {
        (system.value::<String>(first_name, &[&neighbour]).await == "Pat").then_some(())
    })
    .await;
    assert_names(&system.told(KIND, broken).await, broken, "sports");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_and_subjects_that_cannot_be_read_keep_no_other_from_being_delivered() {
    let system = System::with_endpoints(&["ENABLE_ZOHO_SYNC"]).await;
    let subject = system.register("sheree", &sheree("")).await.id("/user/id");
    system.register("frank", &frank()).await;
    let neighbour = system.register("cathy", &cathy()).await.id("/user/id");
    let of_user =
        "select delivery.id from webhook_deliveries as delivery join webhook_events as event on event.id = event_id
                   join users on users.id = event.user_id
                   where email = $1 and endpoint = 'make' and type = 'user.created'";
    let [of_subject, unknown]: [Uuid; 2] =
        [system.value(of_user, &[&"sheree@example.com"]).await, system.value(of_user, &[&"frank@example.com"]).await];
    system.rows("update users set email = 'sheree@nowhere' where id = $1", &[&subject]).await;
    let later = "update webhook_events set type = 'user.rewarded' from webhook_deliveries as delivery
                 where delivery.event_id = webhook_events.id and delivery.id = $1";
    system.rows(later, &[&unknown]).await;

    system.deliver("deliver-user-webhook").await;

    let arrived = eventually("the neighbour's event arrives", || async {
        Some(system.arrived("make").await).filter(|arrived| !arrived.is_empty())
    })
    .await;
    assert_eq!(arrived.iter().map(|one| one.json()["data"]["user_id"].clone()).collect::<Vec<_>>(), [json!(neighbour)]);
    let task = system.told("deliver-user-webhook", of_subject).await;
    assert_names(&task, subject, "email");
    assert_names(&system.told("deliver-user-webhook", unknown).await, unknown, "type");
    let failed = system.deliveries("make").await.into_iter().find(|delivery| delivery.id == of_subject).unwrap();
    assert_eq!((&*failed.status, failed.last_status), ("failed", None), "it was not called");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_who_cannot_be_written_to_is_held_and_the_batch_goes_to_the_others() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    let broken = system.register("sheree", &sheree(&school.join_code)).await.id("/user/id");
    system.register("dana", &parent("Dana", &["Kim"], &school.join_code)).await;
    system.rows("update users set email = 'sheree@nowhere' where id = $1", &[&broken]).await;
    system.gallery("PD-1").await;

    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["delivered", "held"]).await;

    assert_eq!(system.addresses().await, ["dana@example.com"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_gallery_cannot_be_read_fails_with_the_field_and_the_next_one_goes() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.pause("send-alerts").await;
    for gallery in ["PD-1", "PD-2"] {
        system.gallery(gallery).await;
        system.send_webhook(&Webhook::gallery_published(gallery)).await;
    }
    eventually("both are fanned out", || async { (system.batches().await.len() == 2).then_some(()) }).await;
    let batch = "select batch.id from alert_batches as batch join galleries as gallery on gallery.id = gallery_id
                 where external_host_id = 'PD-1'";
    let broken: Uuid = system.value(batch, &[]).await;
    system.rows("update galleries set public_url = 'ftp://photos' where external_host_id = 'PD-1'", &[]).await;

    system.let_an_hour_pass().await;
    system.sweep().await;

    assert_names(&system.told("send-alerts", broken).await, broken, "public_url");
    system.alerts_become(&["delivered", "queued"]).await;
    assert_eq!(system.addresses().await, ["sheree@example.com"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_about_an_unreadable_subject_and_a_failure_of_another_shape_hide_nothing() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    let waiting = "insert into webhook_inbox (id, source, event_id, type, status, occurred_at, subject, payload)
                   select gen_random_uuid(), 'photoday', subject, $2, 'pending', now(), subject, $3::text::jsonb
                   from unnest($1::text[]) as subject";
    let subjects = ["user:nobody", "buyer:no hash", "gallery:/", "something:else"];
    system.rows(waiting, &[&subjects.as_slice(), &"crm.contact.linked", &"{}"]).await;
    system.register("frank", &frank()).await;
    let odd = "insert into tasks (kind, key, not_before, dispatch_at, failed_at, failure)
               values ('sync-zoho', gen_random_uuid(), now(), now(), now(), '[1]')";
    system.rows(odd, &[]).await;
    system.make_admin("alice").await;

    let swept = system.sweep().await;
    let failures = system.get("/api/admin/failures", "alice").await;

    assert!(swept["errorMessage"].is_null(), "{swept}");
    let codes: Vec<&Value> =
        failures.body["items"].as_array().unwrap().iter().map(|one| &one["failure"]["code"]).collect();
    assert_eq!(codes, ["unreadable"]);
    system.stop().await;
}
