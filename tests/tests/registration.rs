//! `POST /api/users` and `GET /api/user/context`.

use serde_json::json;
use tests::{System, cathy, frank, sheree};

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
