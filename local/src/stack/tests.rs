use super::*;
use serde_json::{Value, json};

async fn start() -> Stack {
    // `cargo dev test` has built the functions.
    Stack::start(Options { schedules: false, build: false, ..Options::default() }).await.unwrap()
}

/// What the API says about an identity that nobody has seen before.
async fn context_of_a_stranger(stack: &Stack) -> reqwest::StatusCode {
    let client = crate::http::client().build().unwrap();
    let Endpoints { issuer, api, .. } = stack.endpoints();
    let identity = json!({"sub": "stranger", "email": "stranger@example.com", "email_verified": true});
    let token = client.post(format!("{issuer}/token")).json(&identity).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let request = client.get(format!("{api}/api/user/context")).bearer_auth(token["id_token"].as_str().unwrap());
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_run_beside_each_other_and_leave_no_database() {
    let (one, two) = tokio::join!(start(), start());

    assert_ne!(one.endpoints().database_url, two.endpoints().database_url);
    assert_ne!(one.queue_url("SyncZohoQueue").unwrap(), two.queue_url("SyncZohoQueue").unwrap());
    assert_eq!(context_of_a_stranger(&one).await, 404);
    assert_eq!(context_of_a_stranger(&two).await, 404);

    let database = one.endpoints().database_url.clone();
    let posted = Endpoints::file(one.directory().path());
    assert!(posted.exists());
    one.stop().await.unwrap();
    assert!(!posted.exists());
    assert!(tokio_postgres::connect(&database, tokio_postgres::NoTls).await.is_err());
    assert_eq!(context_of_a_stranger(&two).await, 404);
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_variable_with_a_wrong_value_stops_the_start_before_anything_is_started() {
    let set = BTreeMap::from([("ENABLE_ZOHO_SYNC".to_owned(), "yes".to_owned())]);
    let data = tempfile::tempdir().unwrap();
    let options = Options { set, data: Some(data.path().to_owned()), build: false, ..Options::default() };

    let error = Stack::start(options).await.unwrap_err().to_string();

    assert_eq!(error, "ENABLE_ZOHO_SYNC has to be one of: true, false");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}
