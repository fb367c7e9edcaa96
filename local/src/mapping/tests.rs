//! Tests against a queue of this file: SQS's JSON protocol, with as much memory as a test needs.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard},
};

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::{Json, Router, extract::State, http::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::timeout};

use super::*;
use crate::lambda::test_function;

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:sync";

/// Every message is in one of these; a receive moves it on, and only a test moves it back.
#[derive(Debug, Default)]
struct Messages {
    visible: Vec<Value>,
    hidden: Vec<String>,
    deleted: Vec<String>,
    given_back: Vec<String>,
}

struct Fixture {
    messages: Arc<Mutex<Messages>>,
    lambda: Lambda,
    handle: MappingHandle,
    folder: TempDir,
}

impl Fixture {
    /// A mapping onto a function that does with each message what its body says.
    async fn new(change: impl FnOnce(&mut QueueMapping), bodies: &[&str]) -> Self {
        let messages = Arc::new(Mutex::new(Messages::default()));
        for body in bodies {
            send(&messages, body);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Router::new().fallback(sqs).with_state(messages.clone());
        tokio::spawn(async move { axum::serve(listener, service).await });
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&url)
            .build();
        let folder = tempfile::tempdir().unwrap();
        let lambda = Lambda::start(vec![test_function::spec(folder.path(), "worker", "batch")]).await.unwrap();
        let mut mapping = QueueMapping {
            queue: "SyncQueue".into(),
            batch_size: 10,
            window: Duration::ZERO,
            maximum_concurrency: Some(2),
            report_batch_item_failures: true,
            enabled: true,
            line: 1,
        };
        change(&mut mapping);
        let handle = start(
            mapping,
            format!("{url}/sync"),
            ARN.to_owned(),
            aws_sdk_sqs::Client::from_conf(config),
            lambda.clone(),
            "worker".to_owned(),
            Duration::from_secs(10),
        );
        Self { messages, lambda, handle, folder }
    }

    /// The events that the function printed.
    fn events(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("event ")?).ok()).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("worker.log")
    }

    /// Waits for the reports of that many invocations, lets the mapping finish, and gives what became of the messages.
    async fn after(self, invocations: usize) -> Messages {
        until(|| fs::read_to_string(self.log()).unwrap_or_default().matches("REPORT ").count() >= invocations).await;
        self.handle.stop().await;
        self.lambda.shutdown().await;
        std::mem::take(&mut *lock(&self.messages))
    }
}

fn lock(messages: &Mutex<Messages>) -> MutexGuard<'_, Messages> {
    messages.lock().unwrap()
}

/// The body is the id as well; where several are alike, a number follows after a colon.
fn send(messages: &Mutex<Messages>, id: &str) {
    let body = id.split(':').next().unwrap();
    lock(messages).visible.push(json!({
        "MessageId": id,
        "ReceiptHandle": id,
        "Body": body,
        "MD5OfBody": "of the body",
        "Attributes": { "ApproximateReceiveCount": "1", "SenderId": "me" },
        "MessageAttributes": { "kind": { "DataType": "String", "StringValue": "sync-zoho" } },
    }));
}

async fn sqs(State(messages): State<Arc<Mutex<Messages>>>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let call: Value = serde_json::from_slice(&body).unwrap();
    let handles =
        || call["Entries"].as_array().unwrap().iter().map(|entry| entry["ReceiptHandle"].as_str().unwrap().to_owned());
    let done = || json!({ "Successful": [], "Failed": [] });
    match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.ReceiveMessage" => {
            assert_eq!(call["VisibilityTimeout"], Value::Null, "the queue's own counts");
            let most = usize::try_from(call["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
            assert!((1..=10).contains(&most));
            if lock(&messages).visible.is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
            let mut messages = lock(&messages);
            let count = most.min(messages.visible.len());
            let received: Vec<_> = messages.visible.drain(..count).collect();
            messages.hidden.extend(received.iter().map(|message| message["MessageId"].as_str().unwrap().to_owned()));
            Json(json!({ "Messages": received }))
        }
        "AmazonSQS.DeleteMessageBatch" => {
            lock(&messages).deleted.extend(handles());
            Json(done())
        }
        "AmazonSQS.ChangeMessageVisibilityBatch" => {
            assert!(call["Entries"].as_array().unwrap().iter().all(|entry| entry["VisibilityTimeout"] == 0));
            lock(&messages).given_back.extend(handles());
            Json(done())
        }
        other => panic!("{other} is not asked for here"),
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let patience = timeout(Duration::from_secs(5), async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("it did not happen within 5 s");
}

#[tokio::test]
async fn a_batch_is_lambdas_event_and_its_messages_are_deleted() {
    let fixture = Fixture::new(|_| (), &["ok:1", "ok:2"]).await;
    until(|| !fixture.events().is_empty()).await;

    let event = fixture.events().remove(0);
    let messages = fixture.after(1).await;

    let expected = json!({
        "messageId": "ok:1",
        "receiptHandle": "ok:1",
        "body": "ok",
        "attributes": { "ApproximateReceiveCount": "1", "SenderId": "me" },
        "messageAttributes": { "kind": {
            "stringValue": "sync-zoho", "stringListValues": [], "binaryListValues": [], "dataType": "String",
        } },
        "md5OfBody": "of the body",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "us-east-1",
    });
    assert_eq!((event["Records"].as_array().unwrap().len(), &event["Records"][0]), (2, &expected));
    assert_eq!(messages.deleted, ["ok:1", "ok:2"]);
    assert!(messages.given_back.is_empty());
}

#[tokio::test]
async fn a_failed_message_stays_and_its_neighbours_are_deleted() {
    let messages = Fixture::new(|_| (), &["ok:1", "fail", "ok:2"]).await.after(1).await;

    assert_eq!(messages.deleted, ["ok:1", "ok:2"]);
    assert_eq!(messages.hidden, ["ok:1", "fail", "ok:2"]);
    assert!(messages.given_back.is_empty());
}

#[tokio::test]
async fn a_report_that_cannot_be_believed_and_a_crash_leave_the_whole_batch() {
    for bad in ["unknown", "empty", "rubbish", "crash"] {
        let messages = Fixture::new(|_| (), &["ok", bad]).await.after(1).await;

        assert_eq!(messages.deleted, Vec::<String>::new(), "{bad}");
        assert_eq!(messages.given_back, Vec::<String>::new(), "{bad}");
    }
}

#[tokio::test]
async fn without_reports_only_an_error_of_the_function_counts() {
    let silent = |mapping: &mut QueueMapping| mapping.report_batch_item_failures = false;

    let messages = Fixture::new(silent, &["ok", "fail"]).await.after(1).await;

    assert_eq!(messages.deleted, ["ok", "fail"]);
}

#[tokio::test]
async fn a_window_gathers_a_batch_over_ten_and_a_full_batch_does_not_wait() {
    let bodies: Vec<_> = (0..25).map(|number| format!("ok:{number}")).collect();
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    let large = |mapping: &mut QueueMapping| {
        mapping.batch_size = 20;
        mapping.window = Duration::from_mins(5);
    };
    let fixture = Fixture::new(large, &bodies).await;
    until(|| fixture.events().len() == 1).await;

    let records = fixture.events()[0]["Records"].as_array().unwrap().len();
    let messages = fixture.after(1).await;

    assert_eq!(records, 20);
    assert_eq!(messages.deleted.len(), 20);
    // The rest still waited for its window when the mapping stopped.
    assert_eq!(messages.given_back, ["ok:20", "ok:21", "ok:22", "ok:23", "ok:24"]);
}

#[tokio::test]
async fn a_disabled_mapping_receives_nothing_until_it_is_enabled() {
    let fixture = Fixture::new(|_| (), &[]).await;

    fixture.handle.set_enabled(false).await;
    send(&fixture.messages, "ok");
    sleep(Duration::from_millis(100)).await;
    let while_disabled = lock(&fixture.messages).visible.len();
    fixture.handle.set_enabled(true).await;
    let messages = fixture.after(1).await;

    assert_eq!(while_disabled, 1);
    assert_eq!(messages.deleted, ["ok"]);
}

#[tokio::test]
async fn no_more_batches_are_in_work_than_the_maximum_concurrency() {
    let fixture =
        Fixture::new(|mapping| mapping.batch_size = 1, &["ok:1", "ok:2", "ok:3", "ok:4", "ok:5", "ok:6"]).await;
    let most = async {
        let mut most = 0;
        until(|| {
            most = most.max(fixture.lambda.environments().len());
            lock(&fixture.messages).deleted.len() == 6
        })
        .await;
        most
    };

    let most = most.await;
    let messages = fixture.after(6).await;

    assert!((1..=2).contains(&most), "{most} environments ran beside each other");
    assert_eq!(messages.deleted.len(), 6);
}

#[tokio::test]
async fn what_a_stopping_lambda_does_not_take_is_given_back() {
    let fixture = Fixture::new(|_| (), &[]).await;
    fixture.lambda.shutdown().await;

    send(&fixture.messages, "ok");
    until(|| !lock(&fixture.messages).given_back.is_empty()).await;
    fixture.handle.stop().await;

    assert_eq!(lock(&fixture.messages).given_back, ["ok"]);
    assert!(lock(&fixture.messages).deleted.is_empty());
}
