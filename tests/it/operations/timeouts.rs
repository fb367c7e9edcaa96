//! Systems that accept a call and never answer: SQS, Secrets Manager, PostgreSQL. Those of Zoho and of the endpoints are in
//! `crm::faults`, `alerts::faults` and `deliveries::endpoints`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tests::{Detour, System, Webhook, sheree};

/// What AWS's SDK writes into each request, by the protocol.
const SQS: &str = "AmazonSQS";
const SECRETS_MANAGER: &str = "secretsmanager.";

/// The functions' AWS is behind this detour from now on.
async fn aws_behind(system: &System, detour: &Detour) {
    system.set(BTreeMap::from([("AWS_ENDPOINT_URL", detour.url())])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_work_is_answered_in_time_while_sqs_is_silent() {
    let system = System::with(&["ENABLE_ZOHO_SYNC", "ENABLE_EMAIL_ALERTS"]).await;
    let detour = Detour::swallowing(SQS, &system.endpoints().aws).await;
    system.school().await;
    system.gallery("PD-1").await;
    system.drained().await;
    aws_behind(&system, &detour).await;
    let began = Instant::now();

    let registered = system.register("sheree", &sheree("")).await;
    let published = system.send_webhook(&Webhook::gallery_published("PD-1")).await;

    // Two cold starts, and a second of each for queues that say nothing.
    assert_eq!((registered.status, published.status), (201, 202));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(system.count("tasks where kind in ('sync-zoho', 'fan-out-gallery')").await, 2);
    system.set(BTreeMap::from([("AWS_ENDPOINT_URL", system.endpoints().aws.clone())])).await;
    system.goes_on().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_secrets_are_silent_answers_503_and_goes_on_once_they_speak() {
    let system = System::start().await;
    let detour = Detour::swallowing(SECRETS_MANAGER, &system.endpoints().aws).await;
    aws_behind(&system, &detour).await;

    let silent = system.post("/api/users", "sheree", &sheree("")).await;
    system.set(BTreeMap::from([("AWS_ENDPOINT_URL", system.endpoints().aws.clone())])).await;
    let spoken = system.post("/api/users", "sheree", &sheree("")).await;

    assert_eq!((silent.status, silent.code(), spoken.status), (503, "unavailable", 201));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_says_nothing_is_a_503_and_the_same_process_goes_on_with_another_connection() {
    let system = System::start().await;
    let port: i32 = system.value("select inet_server_port()", &[]).await;
    let target = format!("127.0.0.1:{port}");
    // The name of an athlete, which only the event sends: its statement is prepared before.
    let detour = Detour::swallowing("Jordan", &target).await;
    system.set(BTreeMap::from([("DATABASE_PORT", detour.port().to_string())])).await;
    let began = Instant::now();

    let silent = system.post("/api/users", "sheree", &sheree("")).await;
    let after = system.get("/api/user/context", "sheree").await;

    assert_eq!((silent.status, silent.code()), (503, "unavailable"));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(
        (after.status, after.code()),
        (404, "not-registered"),
        "nothing was committed, and the next one is served"
    );
    assert_eq!(system.count("users").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_statements_are_not_answered_serves_its_first_event_on_another_connection() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    let port: i32 = system.value("select inet_server_port()", &[]).await;
    // What is prepared for a sign-up; asking again does not send it.
    let detour = Detour::swallowing("insert into athletes", &format!("127.0.0.1:{port}")).await;
    system.set(BTreeMap::from([("DATABASE_PORT", detour.port().to_string())])).await;
    let began = Instant::now();

    let answer = system.post("/api/users", "sheree", &sheree("")).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(system.logs().matches("the database does not answer in time: the first event tries again").count(), 1);
    system.stop().await;
}
