//! get-user-context, `GET /api/user/context`: a plugin asks who is logged in.

use serde_json::{Value, json};
use tests::{System, Wire, cathy, frank, sheree};
use uuid::Uuid;

/// A gallery of an organisation; a later `n` is a newer gallery.
async fn gallery(system: &System, organization: Uuid, n: u16) -> Uuid {
    let id: Uuid = format!("01970000-{n:04}-7000-8000-000000000000").parse().expect("an id");
    system
        .rows(
            "insert into galleries
                 (id, host, external_host_id, organization_id, title, event_date, status, public_url, live_at)
             values ($1, 'photoday', 'PD-' || $3::text, $2, 'Gallery ' || $3::text, '2026-10-03', 'Live',
                 'https://photos.example/' || $3::text, now())",
            &[&id, &organization, &n.to_string()],
        )
        .await;
    id
}

/// An organisation under this name; its id and its join code.
async fn organization(system: &System, sub: &str, name: &str) -> (Uuid, String) {
    let mut body = cathy();
    body["org_name"] = json!(name);
    let made = system.register(sub, &body).await;
    system.verify(made.id("/user/id")).await;
    (
        made.id("/user/id"),
        made.body["profile"]["join_code"].as_str().expect("an organisation has a join code").to_owned(),
    )
}

fn titles(context: &Value) -> Vec<&str> {
    context["galleries"]
        .as_array()
        .expect("the galleries are a list")
        .iter()
        .map(|gallery| gallery["title"].as_str().expect("a gallery has a title"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_in_one_sentence() {
    let system = System::start().await;
    let none = json!({"role": "parent", "first_name": "Nora", "last_name": "Lane"});
    let mut two = sheree("");
    two["athletes"] = json!([
        {"first_name": "Jordan", "last_name": "Lane", "sport_primary": "Soccer"},
        {"first_name": "Sam", "last_name": "Lane", "sport_primary": "Swimming"},
    ]);
    system.register("frank", &frank()).await;
    system.register("cathy", &cathy()).await;
    system.register("sheree", &two).await;
    system.register("nora", &none).await;
    system.invoke("migrate-database", &json!({"admin": {"sub": "ops", "email": "ops@isophotoxp.example"}})).await;

    let mut told = Vec::new();
    for sub in ["sheree", "nora", "cathy", "frank", "ops"] {
        told.push(system.get("/api/user/context", sub).await.body["summary"].clone());
    }

    assert_eq!(
        told,
        [
            "Sheree, Parent of Jordan, Soccer Player, and Sam, Swimmer",
            "Nora, Parent",
            "Cathy, Admin of Lincoln High (School)",
            "Frank, Level 1 Photographer at Frank Shoots LLC",
            "Admin of ISO Photo XP",
        ]
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_learns_no_more_than_it_needs() {
    let system = System::start().await;
    let (org, join_code) = organization(&system, "cathy", "Lincoln High").await;
    system.register("sheree", &sheree(&join_code)).await;
    gallery(&system, org, 1).await;

    let context = system.get("/api/user/context", "sheree").await;

    assert_eq!(context.status, 200);
    assert_eq!(context.header("cache-control"), "no-store");
    insta::assert_json_snapshot!(context.redacted(), @r#"
    {
      "athletes": [
        {
          "first_name": "Jordan",
          "id": "[id]",
          "organization_ids": [
            "[id]"
          ],
          "sport": "Soccer"
        }
      ],
      "galleries": [
        {
          "event_date": "2026-10-03",
          "id": "[id]",
          "organization_id": "[id]",
          "status": "Live",
          "title": "Gallery 1",
          "url": "https://photos.example/1"
        }
      ],
      "organization": null,
      "organizations": [
        {
          "id": "[id]",
          "name": "Lincoln High"
        }
      ],
      "photographer": null,
      "summary": "Sheree, Parent of Jordan, Soccer Player",
      "user": {
        "first_name": "Sheree",
        "id": "[id]",
        "role": "parent"
      }
    }
    "#);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_arrays_are_there_also_when_they_are_empty() {
    let system = System::start().await;
    system.register("nora", &json!({"role": "parent", "first_name": "Nora", "last_name": "Lane"})).await;

    let context = system.get("/api/user/context", "nora").await;

    for array in ["athletes", "organizations", "galleries"] {
        assert_eq!(context.body[array], json!([]), "{array}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_without_a_user_is_told_to_register() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;

    let stranger = system.get("/api/user/context", "stranger").await;
    let nobody = tests::sent(system.request("GET", "/api/user/context")).await;

    assert_eq!((stranger.status, stranger.code()), (404, "not-registered"));
    assert_eq!(nobody.status, 401);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_sees_the_newest_twenty_of_her_organisations_and_registrations_and_nobody_elses() {
    let system = System::start().await;
    let (lincoln, lincoln_code) = organization(&system, "cathy", "Lincoln High").await;
    let (club, club_code) = organization(&system, "carl", "Ames Club").await;
    let (rival, _) = organization(&system, "rita", "Rival High").await;
    let mut body = sheree(&lincoln_code);
    body["join_codes"] = json!([lincoln_code, club_code]);
    let sheree = system.register("sheree", &body).await.id("/user/id");
    system.register("olga", &json!({"role": "parent", "first_name": "Olga", "last_name": "Orr"})).await;
    for n in 1..=15 {
        gallery(&system, lincoln, n).await;
        gallery(&system, club, 100 + n).await;
    }
    let registered = gallery(&system, rival, 50).await;
    gallery(&system, rival, 200).await;
    system.rows("insert into gallery_registrations values ($1, $2)", &[&registered, &sheree]).await;

    let hers = system.get("/api/user/context", "sheree").await.body;
    let olgas = system.get("/api/user/context", "olga").await.body;

    let newest = (101..=115).rev().chain([50]).chain((12..=15).rev());
    assert_eq!(titles(&hers), newest.map(|n| format!("Gallery {n}")).collect::<Vec<_>>());
    assert_eq!(
        hers["organizations"],
        json!([{"id": club, "name": "Ames Club"}, {"id": lincoln, "name": "Lincoln High"}])
    );
    assert_eq!(titles(&olgas), [""; 0]);
    assert_eq!(olgas["organizations"], json!([]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_gallery_stays_in_sight_however_many_newer_ones_are_announced() {
    let system = System::start().await;
    let (lincoln, code) = organization(&system, "cathy", "Lincoln High").await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.register("sheree", &sheree(&code)).await;
    for n in 1..=25 {
        gallery(&system, lincoln, n).await;
    }
    system.rows("update galleries set status = 'Pre-Reg' where external_host_id not in ('PD-1', 'PD-3')", &[]).await;
    system.rows("update galleries set photographer_id = $1", &[&frank]).await;

    let mut shown = Vec::new();
    for sub in ["cathy", "frank", "sheree"] {
        shown.push(system.get("/api/user/context", sub).await.body);
    }

    let live_first: Vec<String> = [3, 1].into_iter().chain((8..=25).rev()).map(|n| format!("Gallery {n}")).collect();
    assert!(shown.iter().all(|context| titles(context) == live_first), "{:?}", titles(&shown[0]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_sees_its_own_galleries_and_a_photographer_those_he_took() {
    let system = System::start().await;
    let (lincoln, _) = organization(&system, "cathy", "Lincoln High").await;
    let (rival, _) = organization(&system, "rita", "Rival High").await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    for n in 1..=22 {
        gallery(&system, lincoln, n).await;
    }
    let franks = gallery(&system, rival, 30).await;
    system.rows("update galleries set photographer_id = $1 where id = $2", &[&frank, &franks]).await;

    let cathys = system.get("/api/user/context", "cathy").await.body;
    let franks = system.get("/api/user/context", "frank").await.body;

    assert_eq!(titles(&cathys), (3..=22).rev().map(|n| format!("Gallery {n}")).collect::<Vec<_>>());
    assert_eq!(cathys["organizations"], json!([{"id": lincoln, "name": "Lincoln High"}]));
    assert_eq!(titles(&franks), ["Gallery 30"]);
    assert_eq!(franks["organizations"], json!([{"id": rival, "name": "Rival High"}]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_and_an_organisation_are_told_what_they_are_here() {
    let system = System::start().await;
    let (lincoln, join_code) = organization(&system, "cathy", "Lincoln High").await;
    let frank = system.register("frank", &frank()).await.id("/user/id");
    system.register("sheree", &sheree(&join_code)).await;
    for _ in 0..2 {
        system.assignment(lincoln, Some(frank)).await;
    }
    let delivered = system.assignment(lincoln, Some(frank)).await;
    system.rows("update assignments set job_status = 'Delivered' where id = $1", &[&delivered]).await;
    system.assignment(lincoln, None).await;
    system.rows("update profiles_organizations set verified_at = null", &[]).await;

    let cathys = system.get("/api/user/context", "cathy").await.body;
    let franks = system.get("/api/user/context", "frank").await.body;

    let organization = json!({"org_type": "School", "verified": false, "roster_size": 1});
    assert_eq!((&cathys["organization"], &cathys["photographer"]), (&organization, &Value::Null));
    let photographer = json!({
        "certification_level": "Level 1", "paywall_tier": "Free", "referral_code": "FRANK2024", "open_assignments": 2,
    });
    assert_eq!((&franks["photographer"], &franks["organization"]), (&photographer, &Value::Null));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_takes_one_round_trip_to_the_database() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    let (lincoln, join_code) = organization(&system, "cathy", "Lincoln High").await;
    system.register("sheree", &sheree(&join_code)).await;
    gallery(&system, lincoln, 1).await;
    wire.said();

    let first = system.get("/api/user/context", "sheree").await;
    let prepared = wire.said();
    let second = system.get("/api/user/context", "sheree").await;
    let known = wire.said();
    let stranger = system.get("/api/user/context", "stranger").await;
    let unknown = wire.said();

    assert_eq!((first.status, second.status, stranger.status), (200, 200, 404));
    assert_eq!(second.body["organizations"][0]["name"], "Lincoln High");
    // A fresh process has it prepared and planned before the event; from then on bind, execute, sync.
    assert_eq!(prepared, "PDSQBSCSQBES");
    assert_eq!(known, "BES");
    assert_eq!(unknown, "BES");
    system.stop().await;
}
