//! `reconcile-zoho`: what changed in the CRM and was not told of is found, however it is spread over seconds and pages,
//! and whatever stops the search.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{ORGANIZATION_ID, System, USER_ID, sheree};
use uuid::Uuid;

const KIND: &str = "pull-zoho";

/// A system whose changes in the CRM are read, and not worked on.
async fn system() -> System {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.rows("update task_kinds set paused_until = null, reason = null where kind = $1", &[&KIND]).await;
    system
}

async fn reconcile(system: &System) -> Value {
    system.invoke("reconcile-zoho", &json!({})).await
}

/// Lets Zoho live so many minutes ago. Its records get their times from then.
async fn at_zoho_minutes_ago(system: &System, minutes: i64) {
    system.zoho_post("settings", &json!({ "clock_offset_seconds": -60 * minutes })).await;
}

/// The records that have a task, and takes the tasks away, as somebody who has worked on them.
async fn take_tasks(system: &System) -> Vec<String> {
    let taken = system.rows("delete from tasks where kind = $1 returning key, priority", &[&KIND]).await;
    assert!(taken.iter().all(|row| row.get::<_, i16>("priority") == 1), "nobody waits for them");
    let mut ids: Vec<String> = taken.iter().map(|row| row.get::<_, Uuid>("key").as_u64_pair().1.to_string()).collect();
    ids.sort_unstable();
    ids
}

/// Zoho's time of a Contact's last change.
async fn modified(system: &System, contact: &str) -> DateTime<Utc> {
    let contacts = system.contacts().await;
    let found = contacts.iter().find(|one| one["id"] == contact).expect("the Contact is there");
    found["Modified_Time"].as_str().and_then(|time| time.parse().ok()).expect("a time")
}

async fn cursor(system: &System, column: &str) -> Option<DateTime<Utc>> {
    system.value(&format!("select {column} from zoho_cursors where module = 'Contacts'"), &[]).await
}

/// Makes these Contacts those of as many parents.
async fn link(system: &System, contacts: &[String]) {
    system.fill_parents(i32::try_from(contacts.len()).expect("so many")).await;
    system
        .rows(
            "with people as (select id, row_number() over (order by id) as n from users where zoho_contact_id is null),
             linked as (
                 update users set zoho_contact_id = contact
                 from unnest($1::text[]) with ordinality as contacts (contact, n) join people using (n)
                 where users.id = people.id
                 returning users.id
             )
             insert into zoho_links (user_id, module, base) select id, 'Contacts', '{}' from linked",
            &[&contacts],
        )
        .await;
}

/// What the worker records once both sides agree on a Contact: its time over there, and ours so many seconds later.
async fn agreed(system: &System, contact: &str, seconds_later: f64) {
    let at = modified(system, contact).await;
    system
        .rows(
            "update zoho_links set modified_at = $2, synced_at = $2::timestamptz + make_interval(secs => $3)
             from users where users.id = user_id and zoho_contact_id = $1",
            &[&contact, &at, &seconds_later],
        )
        .await;
}

/// A Contact of a parent's, on which both sides agree, as of half an hour ago.
async fn a_linked_contact(system: &System) -> String {
    at_zoho_minutes_ago(system, 30).await;
    let contact = system.contact_of_sales(&json!({ "Last_Name": "Lane" })).await;
    link(system, std::slice::from_ref(&contact)).await;
    agreed(system, &contact, 60.0).await;
    contact
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_not_told_of_is_found_once() {
    let system = system().await;
    let contact = a_linked_contact(&system).await;
    let stranger = system.contact_of_sales(&json!({ "Last_Name": "Nobody's" })).await;
    let settled = reconcile(&system).await;
    let before = take_tasks(&system).await;

    at_zoho_minutes_ago(&system, 20).await;
    system.edit_of_sales(&contact, &json!({ "Phone": "+1 312 555 9999" })).await;
    system.edit_of_sales(&stranger, &json!({ "Phone": "+1 312 555 9999" })).await;
    let found = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    let again = reconcile(&system).await;

    assert_eq!((settled["tasks"].as_u64(), before.len()), (Some(0), 0), "what is agreed on is left alone: {settled}");
    assert_eq!(tasks, std::slice::from_ref(&contact), "{found}");
    assert_eq!(again["edited"], 0, "nothing is read twice that is long over: {again}");
    assert_eq!(take_tasks(&system).await, [""; 0]);
    assert!(cursor(&system, "modified_to").await > Some(modified(&system, &contact).await));
    assert!(cursor(&system, "ran_at").await.is_some());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_edit_within_the_second_of_the_first_is_found_too() {
    let system = system().await;
    let contact = a_linked_contact(&system).await;
    at_zoho_minutes_ago(&system, 0).await;
    system.edit_of_sales(&contact, &json!({ "Phone": "1" })).await;
    reconcile(&system).await;
    take_tasks(&system).await;

    // The first edit was taken over within its own second; that there was another one, nobody can see by its time.
    agreed(&system, &contact, 0.9).await;
    let found = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    agreed(&system, &contact, 11.0).await;
    reconcile(&system).await;

    assert_eq!(tasks, [contact], "{found}");
    assert_eq!(take_tasks(&system).await, [""; 0], "taken over clearly after it");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_write_is_looked_at_once_more_and_never_again() {
    let system = system().await;
    let contact = a_linked_contact(&system).await;
    at_zoho_minutes_ago(&system, 0).await;
    // As sync-zoho leaves it: written, and recorded in the same second.
    system.edit_of_sales(&contact, &json!({ "Phone": "1" })).await;
    agreed(&system, &contact, 0.5).await;

    let mut found = Vec::new();
    for _ in 0..4 {
        reconcile(&system).await;
        let tasks = take_tasks(&system).await;
        // The worker finds nothing new, and says so.
        if !tasks.is_empty() {
            agreed(&system, &contact, 60.0).await;
        }
        found.push(tasks.len());
    }

    assert_eq!(found, [1, 0, 0, 0]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carries_the_id_of_one_of_ours_is_found_before_it_is_linked() {
    let system = system().await;
    system.stack().set_mappings_enabled(false).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    at_zoho_minutes_ago(&system, 30).await;
    let with_id = |id: &str| json!({ "Last_Name": "Lane", USER_ID: id });
    let hers = system.contact_of_sales(&with_id(&user.to_string())).await;
    system.contact_of_sales(&with_id(&Uuid::from_u128(7).to_string())).await;
    system.contact_of_sales(&with_id("not an id")).await;
    let account = json!({ "module": "Accounts", "fields": { "Account_Name": "Lincoln", "ISO_Organization_ID": user } });
    let account = system.zoho_post("create", &account).await["id"].as_str().unwrap().to_owned();

    reconcile(&system).await;

    let mut expected = [hers, account];
    expected.sort_unstable();
    assert_eq!(take_tasks(&system).await, expected);
    system.stop().await;
}

/// So many Contacts in one second of Zoho's, or close to it, linked to as many parents.
async fn many(system: &System, number: usize) -> Vec<String> {
    let contacts = system.import_of_sales(number).await;
    link(system, &contacts).await;
    let mut contacts = contacts;
    contacts.sort_unstable();
    contacts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_with_more_edits_than_a_page_is_read_to_its_end() {
    let system = system().await;
    at_zoho_minutes_ago(&system, 30).await;
    let contacts = many(&system, 900).await;

    let found = reconcile(&system).await;

    let mut seconds = std::collections::BTreeMap::<DateTime<Utc>, usize>::new();
    for contact in system.contacts().await {
        *seconds.entry(contact["Modified_Time"].as_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    assert!(seconds.values().any(|number| *number > 200), "no second is longer than a page: {seconds:?}");
    assert_eq!(take_tasks(&system).await, contacts, "{found}");
    let last = *seconds.keys().last().unwrap();
    assert_eq!(cursor(&system, "modified_to").await, Some(last + chrono::TimeDelta::seconds(1)));
    system.stop().await;
}

/// Two pages of Contacts: those of half an hour ago, and those of twenty minutes ago.
async fn two_pages(system: &System) -> Vec<String> {
    at_zoho_minutes_ago(system, 30).await;
    let mut contacts = many(system, 150).await;
    at_zoho_minutes_ago(system, 20).await;
    contacts.extend(many_more(system, 150).await);
    contacts.sort_unstable();
    contacts
}

/// More of them, with addresses of their own.
async fn many_more(system: &System, number: i32) -> Vec<String> {
    let mut contacts = Vec::new();
    for n in 0..number {
        let fields = json!({ "Last_Name": "More", "Email": format!("more{n}@example.com") });
        let made = system.zoho_post("create", &json!({ "module": "Contacts", "fields": fields })).await;
        contacts.push(made["id"].as_str().expect("an id").to_owned());
    }
    system.rows("update users set email = 'x' || email, auth_provider_id = 'x' || auth_provider_id", &[]).await;
    link(system, &contacts).await;
    contacts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_keeps_the_cursor_before_it() {
    let system = system().await;
    let contacts = two_pages(&system).await;
    system.fault("coql", "latency", &json!({ "milliseconds": 1 })).await;
    system.fault("coql", "status-500", &json!({})).await;

    let failed = reconcile(&system).await;
    let kept = cursor(&system, "modified_to").await;
    let finished = cursor(&system, "ran_at").await;
    let first = take_tasks(&system).await;
    let next = reconcile(&system).await;
    let second = take_tasks(&system).await;

    assert_eq!((failed["stopped"].as_str(), first.len()), (Some("http-500"), 200), "{failed}");
    let unread = contacts.iter().filter(|contact| !first.contains(contact));
    for contact in unread {
        assert!(Some(modified(&system, contact).await) >= kept, "the cursor has passed {contact}");
        assert!(second.contains(contact), "{contact} was lost: {next}");
    }
    assert_eq!(finished, None, "not read to the end");
    assert!(second.len() < 300, "what was read is not read again");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_half_way_loses_nothing() {
    let system = system().await;
    let contacts = two_pages(&system).await;
    system.fault("coql", "latency", &json!({ "milliseconds": 1 })).await;
    system.fault("coql", "hang-before", &json!({})).await;
    let payload = json!({});
    let (_, ()) = tokio::join!(system.invoke("reconcile-zoho", &payload), async {
        system.held("coql").await;
        system.kill("reconcile-zoho").await;
    });
    system.mend_zoho().await;
    let mut found = take_tasks(&system).await;

    reconcile(&system).await;

    assert_eq!(found.len(), 200, "the first page was written before the second was asked for");
    found.extend(take_tasks(&system).await);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, contacts);
    system.stop().await;
}

/// More Contacts than a page has, whose changes until now are read. What happens to them next is twenty minutes old.
async fn many_that_are_read(system: &System) -> Vec<String> {
    at_zoho_minutes_ago(system, 40).await;
    let contacts = many(system, 210).await;
    reconcile(system).await;
    take_tasks(system).await;
    at_zoho_minutes_ago(system, 20).await;
    contacts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_found_over_pages_and_strangers_are_not() {
    let system = system().await;
    at_zoho_minutes_ago(&system, 40).await;
    let contacts = many(&system, 210).await;
    let stranger = system.contact_of_sales(&json!({ "Last_Name": "Nobody's" })).await;
    system.zoho_post("settings", &json!({ "not_modified_status": 204 })).await;
    reconcile(&system).await;
    take_tasks(&system).await;
    at_zoho_minutes_ago(&system, 20).await;
    for contact in contacts.iter().chain([&stranger]) {
        system.zoho_post("delete", &json!({ "module": "Contacts", "id": contact })).await;
    }

    let found = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    let cursor = cursor(&system, "deleted_to").await;
    let again = reconcile(&system).await;

    assert_eq!((tasks, found["deleted"].as_u64()), (contacts, Some(211)));
    let recent: bool = system
        .value("select deleted_to > now() - interval '21 minutes' from zoho_cursors where module = 'Contacts'", &[])
        .await;
    assert!(recent, "{cursor:?}");
    assert_eq!((again["deleted"].as_u64(), take_tasks(&system).await.len()), (Some(0), 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_moves_over_to_a_page_that_is_read_already_is_found_all_the_same() {
    let system = system().await;
    let contacts = many_that_are_read(&system).await;
    for contact in &contacts {
        system.zoho_post("delete", &json!({ "module": "Contacts", "id": contact })).await;
    }
    system.fault("deleted", "latency", &json!({ "milliseconds": 1 })).await;
    system.fault("deleted", "hang-before", &json!({})).await;

    let (found, ()) = tokio::join!(reconcile(&system), async {
        system.held("deleted").await;
        // Some of the first page, in whichever order it comes.
        for contact in contacts[..5].iter().chain(&contacts[205..]) {
            let restored = json!({ "module": "Contacts", "id": contact, "touch": false });
            system.zoho_post("restore", &restored).await;
        }
        system.zoho_post("release", &json!({})).await;
    });

    let tasks = take_tasks(&system).await;
    let missing: Vec<&String> = contacts[5..205].iter().filter(|contact| !tasks.contains(contact)).collect();
    assert_eq!((missing, found["stopped"].as_str()), (vec![], None));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_list_of_deletions_ends_too_early_everything_that_is_ours_is_looked_at() {
    let system = system().await;
    let contacts = many_that_are_read(&system).await;
    for contact in &contacts[1..] {
        system.zoho_post("delete", &json!({ "module": "Contacts", "id": contact })).await;
    }
    system.zoho_post("settings", &json!({ "deleted_page_limit": 200 })).await;

    let found = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    let again = reconcile(&system).await;

    assert_eq!((found["stopped"].as_str(), tasks), (None, contacts));
    assert_eq!((again["stopped"].as_str(), take_tasks(&system).await.len()), (None, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_deletions_that_breaks_off_keeps_its_cursor() {
    let system = system().await;
    let contact = a_linked_contact(&system).await;
    reconcile(&system).await;
    let before = cursor(&system, "deleted_to").await;
    system.zoho_post("delete", &json!({ "module": "Contacts", "id": contact })).await;
    system.fault("deleted", "truncated-json", &json!({})).await;

    let failed = reconcile(&system).await;
    let kept = cursor(&system, "deleted_to").await;
    let none = take_tasks(&system).await;
    reconcile(&system).await;

    assert!(failed["stopped"].is_string(), "{failed}");
    assert_eq!((kept, none.len()), (before, 0));
    assert_eq!(take_tasks(&system).await, [contact]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_news_costs_four_calls() {
    let system = system().await;
    reconcile(&system).await;
    let before = system.zoho().await;

    let empty = reconcile(&system).await;

    assert_eq!(empty, json!({ "edited": 0, "deleted": 0, "restored": 0, "tasks": 0 }));
    let after = system.zoho().await;
    let spent = |what: &str| after["calls"][what].as_u64().unwrap() - before["calls"][what].as_u64().unwrap();
    assert_eq!(["coql", "deleted", "get-records", "token"].map(spent), [2, 2, 0, 0]);
    assert_eq!(after["credits"].as_u64().unwrap() - before["credits"].as_u64().unwrap(), 4);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_worker_pauses_or_the_flag_is_off_nobody_looks() {
    let system = system().await;
    let calls = async || system.calls("token").await + system.calls("coql").await + system.calls("deleted").await;
    system.rows("update task_kinds set paused_until = 'infinity', reason = 'refused' where kind = $1", &[&KIND]).await;
    let paused = reconcile(&system).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", false)]).await;
    let off = reconcile(&system).await;
    system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
    system.take_route("middleware").await;
    let elsewhere = reconcile(&system).await;

    let stopped = [&paused, &off, &elsewhere].map(|answer| answer["stopped"].as_str().unwrap_or_default());
    assert_eq!(stopped, ["paused", "off", "off"]);
    assert_eq!(calls().await, 0);
    assert_eq!(cursor(&system, "modified_to").await, None);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_zoho_refuses_ends_the_run_without_a_failure_and_is_measured() {
    let system = system().await;
    reconcile(&system).await;
    system.rows("update zoho_cursors set ran_at = ran_at - interval '90 minutes'", &[]).await;
    let mut stopped = Vec::new();
    for fault in ["throttle", "scope-mismatch", "html-500"] {
        system.fault("coql", fault, &json!({})).await;
        stopped.push(reconcile(&system).await["stopped"].as_str().unwrap_or_default().to_owned());
    }

    system.sweep().await;
    let late = system.logs();
    reconcile(&system).await;
    system.sweep().await;

    assert_eq!(stopped, ["TOO_MANY_REQUESTS", "OAUTH_SCOPE_MISMATCH", "http-500"]);
    assert!(late.contains("\"ReconciledMinutesAgo\":90"));
    assert!(system.logs().contains("\"ReconciledMinutesAgo\":0"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carries_the_id_of_somebody_who_was_erased_is_found() {
    let system = system().await;
    let (erased, unknown) = (Uuid::from_u128(7), Uuid::from_u128(8));
    system.rows("insert into erasures (user_id, erased_at) values ($1, now())", &[&erased]).await;
    let restored = system.contact_of_sales(&json!({ "Last_Name": "Lane", USER_ID: erased })).await;
    system.contact_of_sales(&json!({ "Last_Name": "Stone", USER_ID: unknown })).await;

    reconcile(&system).await;

    assert_eq!(take_tasks(&system).await, [restored]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_with_its_old_time_is_looked_for_once_a_day() {
    let system = system().await;
    at_zoho_minutes_ago(&system, 3 * 24 * 60).await;
    let mut contacts = Vec::new();
    for n in 1..=6_u128 {
        let contact = json!({ "Last_Name": format!("Lane{n}"), USER_ID: Uuid::from_u128(n) });
        contacts.push(system.contact_of_sales(&contact).await);
    }
    reconcile(&system).await;
    take_tasks(&system).await;
    let calls = system.calls("coql").await;

    // A day has ended since the last look, none has, none yet, and whoever went longer ago than the recycle bin keeps.
    system
        .rows(
            "with run as (update zoho_cursors set restored_to = now() - interval '15 minutes')
             insert into erasures (user_id, erased_at)
             select ('00000000-0000-0000-0000-00000000000' || n)::uuid, now() - age
             from (values (1, interval '24 hours 5 minutes'), (2, '24 hours 20 minutes'), (3, '5 minutes'),
                          (4, '61 days 5 minutes'), (5, '60 days 5 minutes')) as erased (n, age)",
            &[],
        )
        .await;
    let found = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    let again = reconcile(&system).await;

    assert_eq!(tasks, [contacts[0].clone(), contacts[4].clone()], "{found}");
    assert_eq!((found["restored"].as_u64(), again["restored"].as_u64()), (Some(2), Some(0)));
    assert_eq!(take_tasks(&system).await, [""; 0]);
    // The edits of two modules twice, and the erased in both.
    assert_eq!(system.calls("coql").await - calls, 6);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_for_what_came_back_that_fails_is_made_by_the_next_run() {
    let system = system().await;
    at_zoho_minutes_ago(&system, 3 * 24 * 60).await;
    let contact = system.contact_of_sales(&json!({ "Last_Name": "Lane", USER_ID: Uuid::from_u128(7) })).await;
    reconcile(&system).await;
    system
        .rows(
            "insert into erasures (user_id, erased_at)
             values ('00000000-0000-0000-0000-000000000007', now() - interval '1 day 5 minutes')",
            &[],
        )
        .await;

    // The edits of both modules are read.
    system.fault("coql", "latency", &json!({ "milliseconds": 1, "times": 2 })).await;
    system.fault("coql", "html-500", &json!({})).await;
    let failed = reconcile(&system).await;
    let tasks = take_tasks(&system).await;
    let found = reconcile(&system).await;

    assert_eq!((&failed["stopped"], tasks.len()), (&json!("http-500"), 0), "{failed}");
    assert_eq!(take_tasks(&system).await, [contact], "{found}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_before_anything_was_read_is_found_by_links_that_are_older() {
    for is_known in [true, false] {
        let system = system().await;
        at_zoho_minutes_ago(&system, 2 * 24 * 60).await;
        let contact = system.contact_of_sales(&json!({ "Last_Name": "Lane" })).await;
        link(&system, std::slice::from_ref(&contact)).await;
        // Make or Zapier link people without a word of what was agreed on.
        let since = if is_known { "update zoho_links set synced_at" } else { "update users set created_at" };
        system.rows(&format!("{since} = now() - interval '3 days'"), &[]).await;
        if !is_known {
            system.rows("delete from zoho_links", &[]).await;
        }
        at_zoho_minutes_ago(&system, 0).await;

        let found = reconcile(&system).await;

        assert_eq!(take_tasks(&system).await, [contact], "{found}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_always_fails_keeps_nobody_from_the_others() {
    let system = system().await;
    let erased = Uuid::from_u128(7);
    system.rows("insert into erasures (user_id, erased_at) values ($1, now())", &[&erased]).await;
    let account = json!({"module": "Accounts", "fields": {"Account_Name": "Lincoln", ORGANIZATION_ID: erased}});
    let account = system.zoho_post("create", &account).await["id"].clone();
    system.fault("deleted", "status-500", &json!({ "times": -1 })).await;

    let found = reconcile(&system).await;

    assert_eq!(found["stopped"], "http-500", "{found}");
    assert_eq!(json!(take_tasks(&system).await), json!([account]));
    assert_eq!(cursor(&system, "ran_at").await, None, "not everything was read");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_behind_a_slow_look_at_the_one_before_is_found() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let (user, contact) = system.synced("sheree", &sheree("")).await;
    system.zoho_post("settings", &json!({"notifications": "drop"})).await;
    // Both edits in one of Zoho's seconds, which then stands still for as long.
    let modified = async || system.contact_of(user).await["Modified_Time"].clone();
    let first = loop {
        system.edited("Contacts", &contact, &json!({"Phone": "+13125550001"})).await;
        system.fault("get-records", "hang-after", &json!({})).await;
        system.notified("Contacts", &[&contact]).await;
        system.held("get-records").await;
        let first = modified().await;
        system.edited("Contacts", &contact, &json!({"Phone": "+13125550002"})).await;
        if modified().await == first {
            break first;
        }
        system.zoho_post("release", &json!({})).await;
        system.settled("pull-zoho").await;
    };
    tokio::time::sleep(Duration::from_secs(11)).await;
    system.zoho_post("release", &json!({})).await;
    system.settled("pull-zoho").await;
    let before = system.parent(user).await["phone_number"].clone();

    system.invoke("reconcile-zoho", &json!({})).await;
    system.goes_on().await;

    assert_eq!((before, modified().await), (json!("+13125550001"), first));
    assert_eq!(system.parent(user).await["phone_number"], "+13125550002");
    system.stop().await;
}
