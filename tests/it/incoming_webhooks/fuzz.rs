//! Whatever is thrown at the door: 2xx or 4xx, soon, no panic, and nothing written for what was refused.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tests::{DOOR, Sender, System, TEST, sent};

const CASES: usize = 400;
/// No more than the test function's concurrency: the gateway answers 503 to what comes beyond it.
const AT_ONCE: usize = 2;
const LONGEST: Duration = Duration::from_secs(5);

const SOURCES: [&str; 5] = ["photoday", "make", "shootproof", "zoho-campaigns", "zoho-crm"];
const NAMES: [&str; 9] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "webhook-source",
    "webhook-test-token",
    "x-host-signature",
    "x-host-timestamp",
    "authorization",
    "content-type",
];

/// First those that every source here may send.
const KINDS: [&str; 6] =
    ["gallery.published", "gallery.archived", "order.created", "booking.created", "email.receipt", "gallery.sold"];

/// One request: where to, as whom, what, whether it is signed as it should be, and what else stands in its headers.
#[derive(Debug, Clone)]
struct Case {
    path: &'static str,
    source: String,
    body: Vec<u8>,
    signed: bool,
    headers: Vec<(&'static str, Vec<u8>)>,
}

fn case() -> impl Strategy<Value = Case> {
    let source =
        prop_oneof![8 => proptest::sample::select(&SOURCES[..]).prop_map(str::to_owned), 1 => "[a-z0-9%&=+-]{0,12}"];
    let headers = proptest::collection::vec((proptest::sample::select(&NAMES[..]), header()), 0..3);
    let path = prop_oneof![3 => Just(DOOR), 1 => Just(TEST)];
    let source_and_body = source.prop_flat_map(|source| (Just(source.clone()), body(&source)));
    (path, source_and_body, proptest::bool::weighted(0.6), headers)
        .prop_map(|(path, (source, body), signed, headers)| Case { path, source, body, signed, headers })
}

/// What a header can hold, and what it usually does.
fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(prop_oneof![32_u8..127, 128_u8..=255, Just(b'\t')], 0..60),
        "(v1|v1a|v2|)[,=]?[A-Za-z0-9+/]{0,88}={0,2}( v1a?,[A-Za-z0-9+/]{44}=){0,12}".prop_map(String::into_bytes),
        "[0-9]{1,20}".prop_map(String::into_bytes),
        "(sha256=|)[0-9a-fA-F]{60,66}".prop_map(String::into_bytes),
        "application/json(; charset=(utf-8|utf-16|x))?".prop_map(String::into_bytes),
        (1_usize..2000).prop_map(|length| vec![b'a'; length]),
    ]
}

fn body(source: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = |value: Value| value.to_string().into_bytes();
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..300),
        3 => json_value().prop_map(text),
        8 => (envelope(source), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8).prop_map(move |(event, place, byte, times)| {
            let mut body = text(event);
            if times == 0 {
                let place = place.index(body.len());
                body[place] = byte;
            }
            body
        }),
        1 => (1_usize..400_000, "[\\[{\"]|\\{\"a\":|\\[\\{\"token\":").prop_map(|(times, open)| open.repeat(times / open.len()).into_bytes()),
        1 => (1_000_000_usize..1_100_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        let names = "type|timestamp|data|id|status|job|action|module|ids|token|.{0,6}";
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(names, inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

/// Almost an event, in the language that its source speaks.
fn envelope(source: &str) -> BoxedStrategy<Value> {
    let odd = || prop_oneof![".{0,40}".prop_map(Value::from), json_value()];
    let or_odd =
        |usual: &'static str| prop_oneof![5 => usual.prop_map(Value::from), 1 => odd(), 1 => Just(Value::Null)];
    let text = || or_odd("[A-Z0-9-]{1,20}");
    let kind = proptest::sample::select(&KINDS[..4]).prop_union(proptest::sample::select(&KINDS[4..]));
    let time = prop_oneof![
        8 => Just(json!("2026-11-20T14:00:00Z")),
        1 => any::<i64>().prop_map(Value::from),
        1 => "[+-]?[0-9]{4,6}-[01][0-9]-[0-3][0-9]T[0-9]{2}:00:00(Z|[+-][0-9]{2}:00)".prop_map(Value::from),
    ];
    let (url, host, email) =
        (or_odd("https://[a-z]{1,9}\\.example/"), or_odd("photoday"), or_odd("[a-z]{1,9}@example\\.com"));
    let ours = (kind, time.clone(), text(), url, host, email).prop_map(|(kind, time, id, url, host, email)| {
        json!({"type": kind, "timestamp": time, "data": {"external_host_id": id, "public_url": url, "host": host,
            "order_id": id, "booking_id": id, "buyer_email": email, "user_id": id, "zoho_contact_id": id}})
    });
    let hosts = (text(), time, text(), "Selling|Archived|Paid|Draft").prop_map(|(id, time, job, status)| {
        json!({"id": id, "status": status, "changed_at": time, "job": {"id": job},
            "order": {"number": job, "customer": {"email": "sheree@example.com"}}})
    });
    let zohos =
        (text(), text(), "Contacts|Accounts|Leads", "bounce|spam|.{0,8}").prop_map(|(id, token, module, action)| {
            json!({"module": module, "ids": [id, "5725767000003000010"], "token": token, "action": action,
            "data": [{"transmission_name": id, "contact_email": token, "rcpt_additional_data": id}]})
        });
    match source {
        "shootproof" => hosts.boxed(),
        "zoho-crm" => zohos.boxed(),
        "zoho-campaigns" => zohos.prop_map(|mut body| without_module(&mut body)).boxed(),
        _ => ours.boxed(),
    }
}

/// What makes a receipt of what could be a notification.
fn without_module(body: &mut Value) -> Value {
    body["module"].take();
    body.take()
}

impl Case {
    /// Sends it and returns its answer, and how long that took.
    async fn send(&self, system: &System, senders: &[Sender]) -> (tests::Answer, Duration) {
        let sender = senders.iter().find(|sender| sender.source == self.source).filter(|_| self.signed);
        let mut body = self.body.clone();
        let mut headers = HeaderMap::new();
        if let Some(sender) = sender {
            // Where the token stands in the body, it is put there.
            if let Ok(mut value @ Value::Object(_)) = serde_json::from_slice::<Value>(&body)
                && sender.settings["body"].is_string()
            {
                value["token"] = json!(sender.key());
                body = value.to_string().into_bytes();
            }
            let letter = sender.letter(body.clone());
            let token = ("webhook-test-token".to_owned(), sender.text("test_token").to_owned());
            for (name, value) in letter.headers.into_iter().chain([token]) {
                headers.append(name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"));
            }
        }
        for (name, value) in &self.headers {
            // One more of a signed request's own headers spoils it: let that be rare.
            let of_its_own = sender.is_some() && headers.contains_key(*name) && value.len() % 4 != 0;
            if let Ok(value) = HeaderValue::from_bytes(value).map(|value| (HeaderName::from_static(name), value))
                && !of_its_own
            {
                headers.append(value.0, value.1);
            }
        }
        let request = system.request("POST", &format!("{}?source={}", self.path, self.source)).headers(headers);
        let start = Instant::now();
        (sent(request.body(body)).await, start.elapsed())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_is_answered_and_only_what_is_accepted_is_kept() {
    let system = System::start().await;
    let mut senders = Vec::new();
    for source in SOURCES {
        senders.push(system.sender(source).await);
    }
    let mut runner = TestRunner::default();
    let cases: Vec<Case> =
        (0..CASES).map(|_| case().new_tree(&mut runner).expect("a case can be made").current()).collect();

    let answers: Vec<_> = stream::iter(&cases)
        .map(async |case| {
            let (answer, time) = case.send(&system, &senders).await;
            (case, answer, time)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;

    let (mut accepted, mut refused, mut reports) = (0, 0, 0);
    for (case, answer, time) in &answers {
        let status = answer.status;
        assert!((200..300).contains(&status) || (400..500).contains(&status), "{status} to {case:?}: {}", answer.body);
        assert!(*time < LONGEST, "{time:?} for {case:?}");
        match (status, answer.body["status"].as_str()) {
            (202, Some("pending" | "accepted")) => accepted += 1,
            (200, None) => reports += 1,
            (400.., _) => refused += 1,
            _ => {}
        }
    }
    // Otherwise this would prove nothing.
    assert!(
        accepted >= 5 && refused >= 50 && reports >= 5,
        "{accepted} accepted, {refused} refused, {reports} reports"
    );
    let kept = answers.iter().filter(|(_, answer, _)| answer.body["status"] == "pending").count();
    assert_eq!(system.count("webhook_inbox").await, i64::try_from(kept).expect("it is small"));
    assert_eq!(system.count("galleries").await, 0);
    assert_eq!(system.count("tasks where kind <> 'pull-zoho'").await, 0);
    assert_eq!(system.count("email_suppressions").await, 0);
    let logs = system.logs();
    assert!(!logs.contains("panicked") && !logs.contains("sheree@example.com"), "{logs}");
    system.stop().await;
}
