//! list-users, `GET /api/admin/users`: users by what is known of them, and those of a kind.

use std::collections::BTreeMap;

use local::services::workspace;
use serde_json::{Value, json};
use tests::{System, Wire, frank, sheree};
use uuid::Uuid;

use super::with_an_admin;
use crate::database::statements;

const LIST: &str = "/api/admin/users?";

/// Sheree, Cathy of Lincoln High, which is verified, and Frank; the first two have records in the CRM.
async fn with_people() -> (System, BTreeMap<&'static str, Uuid>) {
    let system = with_an_admin(&[]).await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    let cathy = system.school().await;
    let sheree = system.register("sheree", &sheree("")).await.id("/user/id");
    for (sql, id) in [
        ("update users set zoho_contact_id = '5551234000000000001' where id = $1", sheree),
        ("update users set zoho_contact_id = '5551234000000000002' where id = $1", cathy.id),
        ("update profiles_organizations set zoho_account_id = '5551234000000000003' where user_id = $1", cathy.id),
        ("update profiles_organizations set join_code = 'LINCOLN-7Q2M' where user_id = $1", cathy.id),
    ] {
        system.rows(sql, &[&id]).await;
    }
    (system, BTreeMap::from([("sheree", sheree), ("cathy", cathy.id), ("frank", frank)]))
}

/// A value as it stands in a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02x}"))
}

/// Who is found, each by the part of the address before the @.
fn found(users: &[Value]) -> Vec<&str> {
    let name = |user| Value::as_str(user).and_then(|email| email.split('@').next()).expect("a user has an address");
    users.iter().map(|user| name(&user["email"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_whatever_is_known_and_shown_once() {
    let (system, ids) = with_people().await;
    let [sheree, cathy] = [ids["sheree"].to_string().to_uppercase(), ids["cathy"].to_string()];

    for (q, expected) in [
        // an address
        ("SHEREE@Example.com", vec!["sheree"]),
        ("ops@isophotoxp.example", vec!["ops"]),
        ("sheree@example.co", vec![]),
        // an id
        (&*sheree, vec!["sheree"]),
        (&*cathy, vec!["cathy"]),
        ("01970000-0000-7000-8000-000000000001", vec![]),
        // the beginning of a name
        ("sheree", vec!["sheree"]),
        (" SHEREE  La", vec!["sheree"]),
        ("lane", vec!["sheree"]),
        ("lincoln h", vec!["cathy"]),
        ("cathy r", vec!["cathy"]),
        ("reed", vec!["cathy"]),
        ("frank", vec!["frank"]),
        ("frank shoots", vec!["frank"]),
        ("Frank Diaz", vec!["frank"]),
        ("diaz", vec!["frank"]),
        ("l", vec!["sheree", "cathy"]),
        ("ncoln", vec![]),
        ("%", vec![]),
        ("_incoln", vec![]),
        // a code
        ("frank–2024", vec!["frank"]),
        ("lincoln7q2m", vec!["cathy"]),
        ("LINCOLN-7Q2", vec![]),
        // a record in the CRM
        ("5551234000000000001", vec!["sheree"]),
        ("5551234000000000002", vec!["cathy"]),
        ("5551234000000000003", vec!["cathy"]),
        ("555123400000000000", vec![]),
    ] {
        let users = system.pages(&format!("{LIST}q={}&", encoded(q)), 1).await;
        assert_eq!(found(&users), expected, "{q}");
    }
    let logs = system.logs();
    for told in ["Lincoln", "Sheree", "sheree@", "lincoln7q2m"] {
        assert!(!logs.contains(told), "{told} is in a log");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_shown_with_role_name_verification_and_records() {
    let (system, _) = with_people().await;

    let cathy = system.get(&format!("{LIST}role=org"), "ops").await;
    let all = system.get(LIST, "ops").await;

    insta::assert_json_snapshot!(cathy.redacted(), @r#"
    {
      "items": [
        {
          "created_at": "[moment]",
          "email": "cathy@example.com",
          "id": "[id]",
          "name": "Lincoln High",
          "role": "org",
          "verified_at": "[moment]",
          "zoho_account_id": "5551234000000000003",
          "zoho_contact_id": "5551234000000000002"
        }
      ],
      "next": null
    }
    "#);
    let all = all.body["items"].as_array().unwrap();
    let names: Vec<&Value> = all.iter().map(|user| &user["name"]).collect();
    assert_eq!(json!(names), json!(["Sheree Lane", "Lincoln High", "Frank Shoots LLC", null]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_each_other_and_organisations_that_wait_come_oldest_first() {
    let (system, _) = with_people().await;
    for waiting in ["ann", "bea"] {
        system.unverified_school_of(waiting).await;
    }
    let mut moss = frank();
    for (field, value) in [("business_name", "Moss"), ("last_name", "Moss"), ("referral_code", "MOSS")] {
        moss[field] = json!(value);
    }
    moss["service_region"] = json!(["60602"]);
    system.register("moss", &moss).await;
    let master = "update profiles_photographers set certification_level = 'Master' where business_name = 'Moss'";
    system.rows(master, &[]).await;

    for (query, expected) in [
        ("", vec!["moss", "bea", "ann", "sheree", "cathy", "frank", "ops"]),
        ("role=admin", vec!["ops"]),
        ("role=parent", vec!["sheree"]),
        ("role=photographer", vec!["moss", "frank"]),
        ("verified=false", vec!["ann", "bea"]),
        ("verified=true", vec!["cathy"]),
        ("verified=true&role=org", vec!["cathy"]),
        ("verified=true&role=parent", vec![]),
        ("zip=60602", vec!["moss", "frank"]),
        ("zip=60602-1234&level=Master", vec!["moss"]),
        ("zip=60601", vec!["frank"]),
        ("zip=60603", vec![]),
        ("level=Level%201", vec!["frank"]),
        ("level=Level%202", vec![]),
        ("level=Master&role=parent", vec![]),
        ("level=Master&verified=false", vec![]),
        // and with what is known
        ("q=lincoln", vec!["cathy", "ann", "bea"]),
        ("q=lincoln&verified=false", vec!["ann", "bea"]),
        ("q=reed&verified=true", vec!["cathy"]),
        ("q=lincoln-7q2m&verified=false", vec![]),
        ("q=frank&zip=60602", vec!["moss", "frank"]),
        ("q=frank&zip=60602&level=Master", vec!["moss"]),
        ("q=frank&level=Level%201", vec!["frank"]),
        ("q=moss&zip=60601", vec![]),
        ("q=moss&role=parent", vec![]),
        ("q=FRANK2024&zip=60601", vec!["frank"]),
        ("q=FRANK2024&zip=60603", vec![]),
        ("q=FRANK2024&level=Master", vec![]),
        ("q=sheree@example.com&role=org", vec![]),
        ("q=l&role=parent", vec!["sheree"]),
    ] {
        let users = system.pages(&format!("{LIST}{query}&"), 1).await;
        assert_eq!(found(&users), expected, "{query}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_search_is_told_at_once() {
    let system = with_an_admin(&[]).await;
    system.rows("insert into users (id, email, auth_provider_id, role) select new_uuid_v7(), n || '@example.com', n, 'admin' from generate_series(1, 3) as n", &[]).await;
    let next = system.get(&format!("{LIST}limit=1"), "ops").await.body["next"].clone();
    let next = next.as_str().expect("there is more");

    let wrong = system.get(&format!("{LIST}q=%20&role=nurse&verified=1&zip=6060&level=1&limit=0&name=x"), "ops").await;
    let elsewhere = system.get(&format!("{LIST}q=x&cursor={next}"), "ops").await;

    assert_eq!((wrong.status, wrong.code()), (422, "invalid-fields"));
    assert_eq!(wrong.wrong_fields(), ["/q", "/role", "/verified", "/zip", "/level", "/limit", "/name"]);
    assert_eq!(
        wrong.field_codes(),
        ["empty", "unknown-value", "unknown-value", "not-a-zip-code", "unknown-value", "out-of-range", "unknown-field"]
    );
    assert_eq!((elsewhere.status, elsewhere.wrong_fields()), (422, vec!["/cursor"]));
    assert_eq!(elsewhere.field_codes(), ["not-a-cursor"]);
    system.stop().await;
}

/// So many users, a third of each role, whose names all begin with "lane" (in each of their names, of some only in one);
/// the higher the number, the newer.
async fn fill(system: &System, from: i32, to: i32) {
    let users = "insert into users (id, email, auth_provider_id, role)
                 select ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'u' || n || '@example.com', 'u' || n,
                     (array['parent', 'org', 'photographer'])[1 + n % 3]::user_role
                 from generate_series($1::int, $2) as n";
    system.rows(users, &[&from, &to]).await;
    let named = "id, case when n % 4 = 0 then 'Ann' else 'Lane' end, case when n % 5 = 0 then 'Laner' else 'Lane' end
                 from users cross join lateral (select substr(auth_provider_id, 2)::int as n) as numbered
                 where auth_provider_id ~ '^u[0-9]+$' and n between $1 and $2 and role =";
    for profile in [
        format!("profiles_parents (user_id, first_name, last_name) select {named} 'parent'"),
        format!(
            "profiles_organizations (org_name, org_type, join_code, verified_at, user_id, first_name, last_name)
             select case when n % 8 = 1 then 'Ann' else 'Lane High' end, 'School', 'ORG-' || n, case when n % 2 = 0 then now() end, {named} 'org'"
        ),
        format!(
            "profiles_photographers
                 (business_name, referral_code, certification_level, service_region, user_id, first_name, last_name)
             select case when n % 8 = 1 then 'Ann' else 'Lane' end, 'PHO-' || n,
                 (array['Level 1', 'Level 2', 'Master'])[1 + n % 5 / 2]::certification_level,
                 array[(60000 + n % 1000)::text, (70000 + n % 4)::text], {named} 'photographer'"
        ),
    ] {
        system.rows(&format!("insert into {profile}"), &[&from, &to]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_hide_users_while_others_come_and_go() {
    let system = with_an_admin(&[]).await;
    fill(&system, 1000, 1119).await;
    system.rows("update profiles_photographers set referral_code = 'LANE' where user_id = (select id from users where auth_provider_id = 'u1001')", &[]).await;
    let (mut walked, mut steps) = (Vec::new(), 2000);

    for query in [
        "q=lane&",
        "q=la&",
        "q=lane&role=org&",
        "q=l&verified=false&",
        "q=lane&level=Master&",
        "",
        "verified=false&",
        "verified=true&",
        "role=parent&",
        "level=Master&",
        "zip=70001&",
    ] {
        let path = format!("{LIST}{query}");
        let before = ids(&system.pages(&path, 100).await);
        let (mut seen, mut cursor, mut gone) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = system.get(&format!("{path}limit=7{cursor}"), "ops").await;
            assert_eq!(page.status, 200, "{}", page.body);
            let users = ids(page.body["items"].as_array().unwrap());
            // The row that the cursor stands for goes, as does one to come, and some come at either end.
            if gone.len() < 4 {
                gone.extend(users.last().cloned());
                gone.extend(
                    before
                        .iter()
                        .rev()
                        .find(|id| !seen.contains(*id) && !users.contains(*id) && !gone.contains(*id))
                        .cloned(),
                );
                let sql = "delete from users where id = any ($1)";
                system.rows(sql, &[&gone.iter().map(|id| id.parse::<Uuid>().unwrap()).collect::<Vec<_>>()]).await;
                fill(&system, steps, steps + 5).await;
                fill(&system, steps - 1500, steps - 1495).await;
                steps += 6;
            }
            seen.extend(users);
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{query} repeats");
        let hidden: Vec<_> = before.iter().filter(|id| !seen.contains(id) && !gone.contains(id)).collect();
        assert!(hidden.is_empty(), "{query} hides {hidden:?}");
        let stood: Vec<_> = seen.iter().filter(|id| before.contains(id)).collect();
        let expected: Vec<_> = before.iter().filter(|id| seen.contains(id)).collect();
        assert_eq!(stood, expected, "{query}: the order");
        walked.push(before.len());
    }

    assert!(walked.iter().all(|users| *users >= 1) && walked[0] > 100, "{walked:?}");
    system.stop().await;
}

fn ids(users: &[Value]) -> Vec<String> {
    users.iter().map(|user| user["id"].as_str().expect("a user has an id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_one_round_trip() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.make_admin("ops").await;
    let mut said = Vec::new();

    for query in ["", "q=lane&", "verified=false&"] {
        wire.said();
        assert_eq!(system.get(&format!("{LIST}{query}limit=100"), "ops").await.status, 200);
        said.push(wire.said());
    }

    // Who calls, and the list.
    assert_eq!(said[1..], ["BESBES", "BESBES"]);
    assert!(said[0].ends_with("BESBES"), "{said:?}");
    system.stop().await;
}

/// What a plan has read of the tables of users: the rows, and the scans that are not by an index.
fn read(plan: &Value) -> (f64, Vec<String>) {
    let number = |name: &str| plan[name].as_f64().unwrap_or_default();
    let (mut rows, mut others) = (0.0, Vec::new());
    if let Some(table) = plan["Relation Name"].as_str() {
        rows += (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
        let node = plan["Node Type"].as_str().unwrap_or_default();
        if node != "Index Scan" && node != "Index Only Scan" && node != "Bitmap Heap Scan" {
            others.push(format!("{node} on {table}"));
        }
    }
    for part in plan["Plans"].as_array().into_iter().flatten() {
        let (more, others_too) = read(part);
        rows += more;
        others.extend(others_too);
    }
    (rows, others)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_taken_out_of_indexes_however_many_users_there_are() {
    let system = with_an_admin(&[]).await;
    fill(&system, 1, 100_000).await;
    system.rows("analyze users, profiles_parents, profiles_organizations, profiles_photographers", &[]).await;
    let api = system.as_api().await;
    let nobody = "null, null, null, null";
    let anything = nobody;
    // No plan may count on a level or a state being common.
    for rare in [
        "profiles_photographers set certification_level = 'Level 2' where certification_level = 'Master' and user_id > '01980000-0000-7000-8000-000000000010'",
        "profiles_organizations set verified_at = now() where user_id > '01980000-0000-7000-8000-000000000010'",
    ] {
        system.rows(&format!("update {rare}"), &[]).await;
    }
    let cases = [
        ("OF_ROLE", "null, null, 101".to_owned()),
        ("OF_ROLE", "'admin', null, 101".to_owned()),
        ("OF_ROLE", "'parent', '01980000-0000-7000-8000-000000008000', 101".to_owned()),
        ("VERIFIED", "null, 101".to_owned()),
        ("UNVERIFIED", "null, 101".to_owned()),
        ("OF_LEVEL", "'Master', null, 101".to_owned()),
        ("IN_ZIP", "'60007', null, null, 101".to_owned()),
        ("NAMED", format!("{nobody}, 'lane', {anything}, null, null, 101")),
        ("NAMED", format!("{nobody}, 'L', {anything}, null, null, 101")),
        ("NAMED", format!("{nobody}, 'lane', {anything}, 'lane lane', '01980000-0000-7000-8000-000000008000', 101")),
        ("NAMED", format!("{nobody}, 'lane', 'photographer', null, '60007', null, null, null, 101")),
        ("NAMED", format!("{nobody}, 'lane', 'photographer', null, null, 'Master', null, null, 101")),
        ("NAMED", format!("{nobody}, 'lane', 'org', false, null, null, null, null, 101")),
        ("NAMED", format!("'u7@example.com', null, null, null, null, {anything}, null, null, 101")),
        ("NAMED", format!("null, null, 'PHO8', '555', 'pho-8', {anything}, null, null, 101")),
    ];
    let known = statements(&workspace::root().join("shared/src/db/operations/users.rs"));

    for statement in &known {
        let (_, name) = statement.place.rsplit_once(' ').expect("a file and a name");
        assert!(cases.iter().any(|(case, _)| *case == name), "{name} is explained");
        let types = statement.types.join(", ");
        api.batch_execute(&format!("prepare {name} ({types}) as {}", statement.sql)).await.expect("it can be prepared");
    }
    for mode in ["force_generic_plan", "force_custom_plan"] {
        api.batch_execute(&format!("set plan_cache_mode = {mode}")).await.expect("a role may choose its plans");
        for (name, values) in &cases {
            let sql = format!("explain (analyze, timing off, format json) execute {name} ({values})");
            let rows = api.query(&sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            let plan: Value = rows[0].get(0);
            let (rows, others) = read(&plan[0]["Plan"]);
            assert!(others.is_empty() && rows < 3_000.0, "{mode}: {name} ({values}) reads {rows} rows; {others:?}");
            assert!(plan[0].get("JIT").is_none(), "{mode}: {name} ({values}) is compiled");
        }
    }
    system.stop().await;
}
