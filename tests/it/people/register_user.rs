//! register-user, `POST /api/users`: who asks becomes a user, once, with everything that belongs to her.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{System, cathy, eventually, frank, sheree};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_signs_up_and_a_plugin_asks_who_she_is() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let cathy = system.register("cathy", &cathy()).await;
    let join_code = cathy.body["profile"]["join_code"].as_str().unwrap();

    let sheree = system.register("sheree", &sheree(join_code)).await;
    let context = system.get("/api/user/context", "sheree").await;

    assert_eq!(sheree.body["referral"], "credited");
    assert_eq!(sheree.body["unknown_join_codes"], json!([]));
    assert_eq!(context.status, 200);
    assert_eq!(context.body["summary"], "Sheree, Parent of Jordan, Soccer Player");
    assert_eq!(context.body["organizations"], json!([{"id": cathy.body["user"]["id"], "name": "Lincoln High"}]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_shows_what_was_saved() {
    let system = System::start().await;
    system.register("frank", &frank()).await;

    let sheree = system.register("sheree", &sheree("")).await;

    assert_eq!(sheree.header("content-type"), "application/json");
    assert_eq!(sheree.header("cache-control"), "no-store");
    assert_eq!(sheree.id("/user/id").get_version_num(), 7);
    assert_eq!(sheree.id("/athletes/0/id").get_version_num(), 7);
    insta::assert_json_snapshot!(sheree.redacted(), @r#"
    {
      "athletes": [
        {
          "dob": "2009-05-14",
          "first_name": "Jordan",
          "id": "[id]",
          "last_name": "Lane",
          "sport_primary": "Soccer"
        }
      ],
      "profile": {
        "email_alerts": true,
        "first_name": "Sheree",
        "last_name": "Lane",
        "mailing_address": {
          "city": "Chicago",
          "country": "US",
          "postal_code": "60601",
          "state": "IL",
          "street": "12 Elm St"
        },
        "phone_number": "+13125550142",
        "referred_by_code": "FRANK2024",
        "role": "parent",
        "share_athlete_names": true,
        "sport_interests": [
          "Soccer"
        ]
      },
      "referral": "credited",
      "unknown_join_codes": [],
      "user": {
        "created_at": "[moment]",
        "email": "sheree@example.com",
        "id": "[id]",
        "role": "parent",
        "zoho_linked": false
      }
    }
    "#);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_a_lost_answer_returns_the_same_user() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let first = system.register("sheree", &sheree("")).await;

    let again = system.post("/api/users", "sheree", &sheree("")).await;

    assert_eq!(again.status, 200);
    assert_eq!(again.body, first.body);
    assert_eq!(system.count("users").await, 2);
    assert_eq!(system.count("athletes").await, 1);
    assert_eq!(system.count("referral_ledger").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_with_other_words_changes_nothing() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let first =
        system.register("sheree", &json!({"role": "parent", "first_name": "Sheree", "last_name": "Lane"})).await;
    let mut other = sheree("");
    other["first_name"] = json!("Cherie");

    let again = system.post("/api/users", "sheree", &other).await;

    assert_eq!(again.status, 200);
    assert_eq!(again.body, first.body);
    assert_eq!(system.count("athletes").await, 0);
    assert_eq!(system.count("referral_ledger").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_at_once_make_one_user() {
    let system = System::start().await;
    let twelve = async |sub: &str, body: &Value| join_all((0..12).map(|_| system.post("/api/users", sub, body))).await;
    // Twelve environments, warm, so that the twelve meet within the time that an endpoint waits for a lock.
    twelve("frank", &frank()).await;
    // The first stands still with her user made and not committed, until the others have come as far as they can.
    let lock = system.lock_table("profiles_parents").await;
    let meet = async {
        let waiting = "(select distinct pid from pg_locks join pg_stat_activity using (pid)
                        where not granted and datname = current_database()) as waiting";
        eventually("all twelve wait", || async { (system.count(waiting).await == 12).then_some(()) }).await;
        lock.release().await;
    };

    let body = sheree("");
    let (answers, ()) = tokio::join!(twelve("sheree", &body), meet);

    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    let ids: Vec<Uuid> = answers.iter().map(|answer| answer.id("/user/id")).collect();
    assert_eq!(statuses, [vec![200; 11], vec![201]].concat());
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert!(answers.iter().all(|answer| answer.body["referral"] == "credited"));
    assert_eq!(system.count("users where auth_provider_id = 'sheree'").await, 1);
    assert_eq!(system.count("athletes").await, 1);
    assert_eq!(system.count("referral_ledger").await, 1);
    let tasks = system.rows("select revision from tasks where key = $1", &[&ids[0]]).await;
    assert_eq!(tasks.iter().map(|task| task.get::<_, i64>(0)).collect::<Vec<_>>(), [1]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_and_verified_address_is_taken_over_and_told_to_the_crm() {
    let system = System::start().await;
    let first = system.register("sheree", &sheree("")).await;
    let id = first.id("/user/id");
    let token = |email: &str, verified: bool| {
        let claims = json!({ "sub": "sheree", "email": email, "email_verified": verified });
        let system = &system;
        async move { system.token_with(&claims).await }
    };
    let ask = |token: String| tests::sent(system.request("POST", "/api/users").bearer_auth(token).json(&sheree("")));

    let unverified = ask(token("evil@example.com", false).await).await;
    let changed = ask(token("new@example.com", true).await).await;

    assert_eq!((unverified.status, unverified.code()), (403, "email-unverified"));
    assert_eq!(changed.status, 200);
    assert_eq!(changed.id("/user/id"), id);
    assert_eq!(changed.body["user"]["email"], "new@example.com");
    let email: String = system.value("select email from users where id = $1", &[&id]).await;
    assert_eq!(email, "new@example.com");
    let revision: i64 = system.value("select revision from tasks where kind = 'sync-zoho' and key = $1", &[&id]).await;
    assert_eq!(revision, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_flag_is_off_the_task_is_written_and_zoho_hears_nothing() {
    let system = System::start().await;

    let id = system.register("sheree", &sheree("")).await.id("/user/id");
    // sweep-tasks, which sends what is due, has to leave it alone as well.
    system.let_an_hour_pass().await;
    system.sweep().await;

    let tasks = system.rows("select kind, key, revision, attempts, failed_at is null as open from tasks", &[]).await;
    let [task] = &*tasks else { panic!("{tasks:?}") };
    assert_eq!((task.get::<_, &str>("kind"), task.get::<_, Uuid>("key")), ("sync-zoho", id));
    assert_eq!((task.get::<_, i64>("revision"), task.get::<_, i32>("attempts")), (1, 0));
    assert!(task.get::<_, bool>("open"));
    let zoho = system.zoho().await;
    assert_eq!(zoho["contacts"], json!([]));
    let calls = zoho["calls"].as_object().unwrap();
    assert!(calls.values().all(|times| times == 0), "{calls:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_code_counts_in_any_case_and_an_organisation_can_be_recruited() {
    let system = System::start().await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    let mut body = cathy();
    body["referred_by_code"] = json!(" frank2024 ");

    let cathy = system.register("cathy", &body).await;

    assert_eq!(cathy.body["referral"], "credited");
    assert_eq!(cathy.body["profile"]["referred_by_code"], "frank2024");
    let ledger = system
        .rows(
            "select photographer_id, referred_user_id, action_type::text, commission_status::text from referral_ledger",
            &[],
        )
        .await;
    let [row] = &*ledger else { panic!("{ledger:?}") };
    assert_eq!((row.get::<_, Uuid>(0), row.get::<_, Uuid>(1)), (frank, cathy.id("/user/id")));
    assert_eq!((row.get::<_, &str>(2), row.get::<_, &str>(3)), ("Sign_Up", "Pending"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_count_as_a_phone_a_pdf_or_a_spreadsheet_makes_them() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let org = system.register("cathy", &cathy()).await;
    let join_code = org.body["profile"]["join_code"].as_str().unwrap();
    let mut body = sheree(&format!("\u{2068}{}\u{2069}", join_code.replace('-', " \u{2013} ")));
    body["referred_by_code"] = json!("Frank\u{200b} \u{ff12}\u{ff10}24");

    let sheree = system.register("sheree", &body).await;
    let roster =
        json!({"join_code": join_code.replace('-', "\u{2014}"), "athlete_ids": [sheree.body["athletes"][0]["id"]]});
    let joined = system.post("/api/rosters", "sheree", &roster).await;
    let mut fred = frank();
    fred["referral_code"] = json!("FRANK\u{2212}2024");
    let fred = system.post("/api/users", "fred", &fred).await;

    assert_eq!((&sheree.body["referral"], &sheree.body["unknown_join_codes"]), (&json!("credited"), &json!([])));
    let shown = "Frank \u{ff12}\u{ff10}24";
    assert_eq!(sheree.body["profile"]["referred_by_code"], shown, "as it was typed, but for what cannot be seen");
    assert_eq!((joined.status, &joined.body["organization"]["id"]), (200, &org.body["user"]["id"]));
    assert_eq!((fred.status, fred.code()), (409, "referral-code-taken"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_referral_code_stops_nobody_and_is_kept_as_typed() {
    let system = System::start().await;
    let mut body = sheree("");
    body["referred_by_code"] = json!("frank's code?");

    let sheree = system.register("sheree", &body).await;
    let again = system.post("/api/users", "sheree", &body).await;

    assert_eq!(sheree.body["referral"], "unknown-code");
    assert_eq!(again.body, sheree.body);
    let kept: String = system.value("select referred_by_code from profiles_parents", &[]).await;
    assert_eq!(kept, "frank's code?");
    assert_eq!(system.count("referral_ledger").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn join_codes_enrol_all_athletes_and_unknown_ones_are_listed() {
    let system = System::start().await;
    let cathy = system.register("cathy", &cathy()).await;
    let code = cathy.body["profile"]["join_code"].as_str().unwrap().to_lowercase();
    let mut body = sheree("");
    body["join_codes"] = json!(["nobody-1", code, "LINCOLN", "x"]);
    body["athletes"] = json!([
        {"first_name": "Jordan", "last_name": "Lane", "sport_primary": "Soccer"},
        {"first_name": "Sam", "last_name": "Lane"},
    ]);

    let sheree = system.register("sheree", &body).await;

    assert_eq!(sheree.body["unknown_join_codes"], json!(["nobody-1", "LINCOLN", "x"]));
    let enrolled = system.rows("select organization_id, athlete_id from roster_entries order by athlete_id", &[]).await;
    let enrolled: Vec<(Uuid, Uuid)> = enrolled.iter().map(|row| (row.get(0), row.get(1))).collect();
    let org = cathy.id("/user/id");
    assert_eq!(enrolled, [(org, sheree.id("/athletes/0/id")), (org, sheree.id("/athletes/1/id"))]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_not_found_by_signing_up_again_and_again() {
    let system = System::start().await;
    let school = system.school().await;
    let body = |codes: &[&str]| {
        let mut body = sheree("");
        body["join_codes"] = json!(codes);
        body
    };
    let guesses: Vec<String> = (0..12).map(|n| format!("LINCOLNHIGH-{n:08}")).collect();
    let guesses: Vec<&str> = guesses.iter().map(String::as_str).collect();

    let first = system.register("sheree", &body(&guesses)).await;
    let again = system.post("/api/users", "sheree", &body(&["LINCOLN-0000", &school.join_code, "", " "])).await;
    let athletes = json!([first.body["athletes"][0]["id"]]);
    let joined =
        system.post("/api/rosters", "sheree", &json!({"join_code": school.join_code, "athlete_ids": athletes})).await;
    system.call("DELETE", "/api/user", "sheree", &Value::Null).await;
    let anew = system.register("sheree", &body(&["", "LINCOLN-0000", &school.join_code])).await;

    assert_eq!(first.body["unknown_join_codes"], json!(guesses));
    assert_eq!((again.status, &again.body["unknown_join_codes"]), (200, &json!([])));
    assert_eq!((joined.status, joined.code()), (429, "too-many-wrong-codes"));
    // The sign-up goes through; which of the codes is right does not show.
    assert_eq!(anew.body["unknown_join_codes"], json!(["LINCOLN-0000", school.join_code]));
    assert_eq!(system.count("roster_entries").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_without_a_code_and_an_organisation_get_one_made_from_their_names() {
    let system = System::start().await;
    let mut body = frank();
    body["referral_code"] = json!(null);

    let frank = system.register("frank", &body).await;
    let cathy = system.register("cathy", &cathy()).await;

    for (code, stem, symbols) in [
        (&frank.body["profile"]["referral_code"], "FRANKSHOOTSL-", 6),
        (&cathy.body["profile"]["join_code"], "LINCOLNHIGH-", 8),
    ] {
        let chance = code.as_str().and_then(|code| code.strip_prefix(stem)).unwrap_or_else(|| panic!("{code}"));
        assert_eq!(chance.len(), symbols, "{code}");
        assert!(chance.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{code}");
    }
    system.stop().await;
}

/// As many letters as a text may have, of three bytes each.
fn longest(letters: usize) -> String {
    "漢".repeat(letters)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_stored_at_its_longest() {
    let system = System::start().await;
    let (name, long_name, sport) = (longest(80), longest(120), longest(60));
    let email = format!("{}@{}.example.com", "s".repeat(120), "l".repeat(121));
    let parent = json!({
        "role": "parent", "first_name": name, "last_name": name, "phone_number": "+498912345678901",
        "mailing_address":
            {"street": long_name, "city": long_name, "state": long_name, "postal_code": long_name, "country": "US"},
        "referred_by_code": longest(60), "sport_interests": vec![&sport; 20],
        "athletes": [{"first_name": name, "last_name": name, "sport_primary": sport}],
    });
    let mut org = cathy();
    org["org_name"] = json!(long_name);
    let mut photographer = frank();
    photographer["business_name"] = json!(long_name);
    photographer["website_url"] = json!(format!("https://frankshoots.example/{}", "x".repeat(472)));
    let title =
        json!({"host": "photoday", "external_host_id": long_name, "title": long_name, "event_date": "2026-10-03"});

    let token = system.token_with(&json!({ "sub": "s".repeat(255), "email": email, "email_verified": true })).await;
    let parent = tests::sent(system.request("POST", "/api/users").bearer_auth(&token).json(&parent)).await;
    let org = system.register("cathy", &org).await;
    system.verify(org.id("/user/id")).await;
    let photographer = system.register("frank", &photographer).await;
    let gallery = system.post("/api/galleries", "cathy", &title).await;

    assert_eq!((parent.status, &parent.body["user"]["email"]), (201, &json!(email)));
    assert_eq!(parent.body["athletes"][0]["sport_primary"], sport);
    assert_eq!(org.body["profile"]["org_name"], long_name);
    assert_eq!(photographer.body["profile"]["website_url"].as_str().map(str::len), Some(500));
    assert_eq!((gallery.status, &gallery.body["title"]), (201, &json!(long_name)));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_or_left_blank_signs_up_and_shows_nothing_that_hides() {
    let system = System::start().await;
    let body = json!({
        "role": "parent", "first_name": "\u{202e}Sheree\u{200b}", "last_name": "Lane", "referred_by_code": "",
        "phone_number": "\u{202a}+44 (0)20 7946‑0958\u{202c}", "sport_interests": ["", "ﬁgure skating and dancing"],
        "mailing_address": {"street": "", "city": " ", "state": "", "postal_code": "", "country": ""},
        "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "", "sport_primary": "ﬁgure skating and dancing"}],
    });

    let sheree = system.register("sheree", &body).await;
    let context = system.get("/api/user/context", "sheree").await;

    let profile = &sheree.body["profile"];
    assert_eq!((&profile["first_name"], &profile["phone_number"]), (&json!("Sheree"), &json!("+442079460958")));
    assert_eq!((&profile["mailing_address"], &profile["referred_by_code"]), (&Value::Null, &Value::Null));
    assert_eq!(profile["sport_interests"], json!(["Figure skating and dancing"]));
    assert_eq!(sheree.body["athletes"][0]["dob"], Value::Null);
    assert_eq!(context.status, 200);
    assert!(context.body["summary"].as_str().unwrap().starts_with("Sheree, Parent of Jordan, "), "{}", context.body);
    system.stop().await;
}

/// Rules of acceptance became narrower; rows that were written before stay readable.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_stored_under_wider_rules_are_still_read() {
    let system = System::start().await;
    let id = system.register("sheree", &sheree("")).await.id("/user/id");
    let parent = "update profiles_parents set first_name = $2, phone_number = '+4402079460958', sport_interests = $3,
        mailing_address = mailing_address || '{\"country\": \"Chicagoland\"}' where user_id = $1";
    let athlete = "update athletes set first_name = $2, dob = '1931-05-14', sport_primary = $3 where parent_id = $1";
    let (blank, sport) = ("\u{2800}", "FIgure skating and dancing");
    system.rows(parent, &[&id, &blank, &vec![sport]]).await;
    system.rows(athlete, &[&id, &"\u{202e}Jordan", &sport]).await;

    let again = system.post("/api/users", "sheree", &sheree("")).await;
    let context = system.get("/api/user/context", "sheree").await;
    let moved = json!({"mailing_address": {"city": "Evanston"}});
    let moved = system.call("PATCH", "/api/user/profile", "sheree", &moved).await;

    assert_eq!((again.status, &again.body["athletes"][0]["first_name"]), (200, &json!("Jordan")));
    assert_eq!((context.status, &context.body["user"]["first_name"]), (200, &Value::Null));
    assert!(context.body["summary"].as_str().unwrap().starts_with("Parent of Jordan, "), "{}", context.body);
    assert_eq!((moved.status, &moved.body["profile"]["mailing_address"]["country"]), (200, &json!("Chicagoland")));
    system.stop().await;
}
