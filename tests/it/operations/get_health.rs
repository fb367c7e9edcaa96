//! get-health, `GET /api/health`: whether the service works, for anyone who asks.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{Detour, System, Wire, sent};

const HEALTH: &str = "/api/health";

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_without_a_token_at_the_price_of_one_round_trip() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;

    let first = sent(system.request("GET", HEALTH)).await;
    wire.said();
    let second = sent(system.request("GET", HEALTH)).await;

    assert_eq!((first.status, first.body), (200, json!({ "status": "ok" })));
    assert_eq!((second.status, second.body), (200, json!({ "status": "ok" })));
    assert_eq!((wire.said().as_str(), wire.connections()), ("BES", 1));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_it_is_a_503_and_the_same_process_says_when_it_is_back() {
    let system = System::start().await;
    let port: i32 = system.value("select inet_server_port()", &[]).await;
    let mut detour = Detour::closed().await;
    system.set(BTreeMap::from([("DATABASE_PORT", detour.port().to_string())])).await;

    let away = sent(system.request("GET", HEALTH)).await;
    detour.open(&format!("http://127.0.0.1:{port}")).await;
    let back = sent(system.request("GET", HEALTH)).await;

    assert_eq!((away.status, away.code(), away.header("retry-after")), (503, "unavailable", "5"));
    assert_eq!((back.status, back.body), (200, json!({ "status": "ok" })));
    system.stop().await;
}
