//! list-hosts, `GET /api/hosts`: at which hosts galleries can be, by the setting.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{System, cathy, frank, sent, sheree};

const HOSTS: &str = "/api/hosts";

#[tokio::test(flavor = "multi_thread")]
async fn every_user_and_no_stranger_reads_the_hosts_of_the_template() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let users: [(&str, Value); 3] = [("sheree", sheree("")), ("cathy", cathy()), ("frank", frank())];
    for (sub, body) in &users {
        system.register(sub, body).await;
    }
    let expected = json!({"items": [
        {"name": "photoday", "publishes": "webhook"},
        {"name": "gotphoto", "publishes": "webhook"},
        {"name": "shootproof", "publishes": "by-hand"},
        {"name": "manual", "publishes": "by-hand"},
    ], "next": null});

    for sub in ["sheree", "cathy", "frank", "ops"] {
        let answer = system.get(HOSTS, sub).await;
        assert_eq!((answer.status, answer.body), (200, expected.clone()), "{sub}");
    }
    let stranger = system.get(HOSTS, "nobody").await;
    let without_token = sent(system.request("GET", HOSTS)).await;

    assert_eq!((stranger.status, stranger.code()), (404, "not-registered"));
    assert_eq!(without_token.status, 401);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_decides_and_one_that_cannot_be_meant_stops_the_start() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;

    system.set(BTreeMap::from([("GALLERY_HOSTS", "manual:by-hand,zenfolio:webhook".to_owned())])).await;
    let other = system.get(HOSTS, "sheree").await;
    system.set(BTreeMap::from([("GALLERY_HOSTS", "manual:by-hand,manual:webhook".to_owned())])).await;
    let twice = system.get(HOSTS, "sheree").await;

    let names: Vec<&Value> = other.body["items"].as_array().expect("a list").iter().map(|host| &host["name"]).collect();
    assert_eq!((other.status, names), (200, vec![&json!("manual"), &json!("zenfolio")]));
    assert_eq!(twice.status, 500);
    let reason = r#"name: "GALLERY_HOSTS", problem: "cannot be used: it names \"manual\" twice"#;
    assert!(system.logs().contains(reason), "{}", system.logs());
    system.stop().await;
}
