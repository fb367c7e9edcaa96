//! tag-seniors: whose tags the school year has changed is asked for every day.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{System, parent, tags};
use uuid::Uuid;

/// Of those who leave school in the school year that today lies in.
const YEAR: &str = "(select extract(year from today)::int + (extract(month from today) >= 9)::int
                     from (select (now() at time zone 'utc')::date as today) as clock)";

/// A parent of an athlete who was born on that day of the year that lies so many years before that one.
async fn parent_of(system: &System, sub: &str, years: i32, month: i32, day: i32) -> Uuid {
    let user = system.register(sub, &parent("Nora", &["Sam"], "")).await.id("/user/id");
    let born = format!("update athletes set dob = make_date({YEAR} - $2, $3, $4) where parent_id = $1");
    system.rows(&born, &[&user, &years, &month, &day]).await;
    user
}

/// Links her; both sides have agreed on the tags of these years, counted from this one, and on her sport.
async fn link(system: &System, user: Uuid, years: &[i32]) {
    system.rows("update users set zoho_contact_id = right(id::text, 6) where id = $1", &[&user]).await;
    let link = format!(
        "insert into zoho_links (user_id, module, base, tags)
         select $1, 'Contacts', '{{}}', array['Soccer'] || array(select 'Senior ' || {YEAR} + year from unnest($2::int[]) as year)"
    );
    system.rows(&link, &[&user, &years]).await;
}

/// Runs it; how many were asked for, and who waits by now.
async fn tagged(system: &System) -> (Value, BTreeSet<Uuid>) {
    let answer = system.invoke("tag-seniors", &json!({})).await;
    let waiting = system.rows("select key from tasks where kind = 'sync-zoho'", &[]).await;
    (answer["asked"].clone(), waiting.iter().map(|row| row.get(0)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_year_at_school_begins_in_september_and_ends_in_august() {
    let system = System::start().await;
    let oldest = parent_of(&system, "oldest", 19, 9, 1).await;
    let youngest = parent_of(&system, "youngest", 18, 8, 31).await;
    let left = parent_of(&system, "left", 19, 8, 31).await;
    let not_yet = parent_of(&system, "not-yet", 18, 9, 1).await;
    for user in [oldest, youngest, left, not_yet] {
        link(&system, user, &[]).await;
    }
    system.rows("delete from tasks", &[]).await;

    let (asked, waiting) = tagged(&system).await;

    assert_eq!((asked, waiting), (json!(2), BTreeSet::from([oldest, youngest])));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_whose_tags_are_wrong_are_asked_for() {
    let system = System::start().await;
    let (senior, junior) = ((18, 5, 14), (16, 5, 14));
    let mut due = BTreeSet::new();
    for (sub, (years, month, day), tags, wrong) in [
        ("has-none", senior, vec![], true),
        ("has-hers", senior, vec![0], false),
        ("has-an-old-one", senior, vec![-1], true),
        ("has-both", senior, vec![0, -1], true),
        ("was-one", junior, vec![-1], true),
        ("never-was", junior, vec![0], true),
        ("is-none", junior, vec![], false),
    ] {
        let user = parent_of(&system, sub, years, month, day).await;
        link(&system, user, &tags).await;
        due.extend(wrong.then_some(user));
        // Somebody in the CRM has made the tag, and written it otherwise.
        let user = parent_of(&system, &format!("{sub}-small"), years, month, day).await;
        link(&system, user, &tags).await;
        let small =
            "update zoho_links set tags = string_to_array(lower(array_to_string(tags, ',')), ',') where user_id = $1";
        system.rows(small, &[&user]).await;
        due.extend(wrong.then_some(user));
    }
    // One who lacks it, but is not in the CRM; one whose Contact is gone there.
    parent_of(&system, "unlinked", 18, 5, 14).await;
    let gone = parent_of(&system, "gone", 18, 5, 14).await;
    link(&system, gone, &[]).await;
    system.rows("update zoho_links set gone_at = now() where user_id = $1", &[&gone]).await;
    // Two athletes in their last year are one parent.
    system
        .rows("insert into athletes select gen_random_uuid(), parent_id, first_name, last_name, dob from athletes", &[])
        .await;
    system.rows("delete from tasks", &[]).await;

    let (asked, waiting) = tagged(&system).await;

    assert_eq!((asked, waiting), (json!(10), due));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_already_is_left_alone_and_the_others_stand_behind() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    let failed = parent_of(&system, "failed", 18, 5, 14).await;
    let waiting = parent_of(&system, "waiting", 18, 5, 14).await;
    let done = parent_of(&system, "done", 18, 5, 14).await;
    for user in [failed, waiting, done] {
        link(&system, user, &[]).await;
    }
    system.rows("delete from tasks where key = $1", &[&done]).await;
    let failure =
        "update tasks set failed_at = now(), failure = '{\"code\": \"x\", \"message\": \"x\"}' where key = $1";
    system.rows(failure, &[&failed]).await;
    let before = (system.task("sync-zoho", failed).await, system.task("sync-zoho", waiting).await);

    let (first, _) = tagged(&system).await;
    let (second, _) = tagged(&system).await;

    assert_eq!((first, second), (json!(1), json!(0)));
    assert_eq!((system.task("sync-zoho", failed).await, system.task("sync-zoho", waiting).await), before);
    let priority: i16 = system.value("select priority from tasks where key = $1", &[&done]).await;
    assert_eq!((priority, system.task("sync-zoho", done).await.map(|task| task.revision)), (1, Some(1)));
    assert!(!system.logs().contains("Nora"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_gets_this_years_tag_and_loses_it_when_the_year_is_over() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let user = parent_of(&system, "nora", 16, 5, 14).await;
    system.drained().await;
    let born = format!("update athletes set dob = make_date({YEAR} - $2, 5, 14) where parent_id = $1");
    let this_year: String = system.value(&format!("select 'Senior ' || {YEAR}"), &[]).await;

    let mut seen = vec![system.contact_of(user).await];
    for years in [18, 19] {
        system.rows(&born, &[&user, &years]).await;
        system.invoke("tag-seniors", &json!({})).await;
        system.goes_on().await;
        seen.push(system.contact_of(user).await);
    }

    let has_it = seen.iter().map(|contact| tags(contact).contains(&this_year.as_str())).collect::<Vec<_>>();
    assert_eq!(has_it, [false, true, false]);
    system.stop().await;
}
