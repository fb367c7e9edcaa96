//! `POST /api/webhooks/incoming/test`: an integrator finds out what is right and wrong, and nothing comes of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};
use tests::openapi::document;
use tests::{Answer, DOOR, Letter, System, TEST, fixture};

/// How each check ended, and the sentence about the first that failed.
fn checks(answer: &Answer) -> (Vec<&str>, &str) {
    let checks = answer.body["checks"].as_array().unwrap_or_else(|| panic!("no report: {}", answer.body));
    let failed = checks.iter().find(|check| check["result"] == "failed");
    let results = checks.iter().filter_map(|check| check["result"].as_str()).collect();
    (results, failed.and_then(|check| check["detail"].as_str()).unwrap_or_default())
}

async fn nothing_came_of_it(system: &System) {
    for table in ["webhook_inbox", "tasks", "galleries", "webhook_events", "email_suppressions"] {
        assert_eq!(system.count(table).await, 0, "{table}");
    }
}

/// What the document shows of an answer.
fn example(name: &str) -> Value {
    let place = "/paths/~1api~1webhooks~1incoming~1test/post/responses/200/content/application~1json/examples";
    document().root.pointer(&format!("{place}/{name}/value")).expect("the document shows it").clone()
}

/// The same answer, had it come two seconds after its letter with the id of the example.
fn as_shown(answer: &Answer, letter: &Letter) -> Value {
    let text = answer.body.to_string().replace(letter.header("webhook-id"), "msg_1");
    let text = Regex::new(r"\d+ s behind").expect("it is one").replace(&text, "2 s behind").into_owned();
    serde_json::from_str(&text).expect("it is JSON still")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_are_those_of_the_document_and_have_no_effect() {
    let system = System::start().await;
    let photoday = system.sender("photoday").await;
    let body = fixture("gallery.published.json").to_string();
    let letter = photoday.test_letter(&*body);
    let mut by_text = photoday.clone();
    by_text.settings["keys"] =
        json!([format!("whsec_{}", STANDARD.encode(photoday.key().trim_start_matches("whsec_")))]);
    let by_text = by_text.test_letter(&*body);

    let answer = system.send_letter(TEST, &letter).await;
    let refused = system.send_letter(TEST, &by_text).await;

    assert_eq!((answer.status, refused.status), (200, 200));
    assert_eq!(as_shown(&answer, &letter), example("accepted"));
    assert_eq!(as_shown(&refused, &by_text), example("refused"));
    nothing_came_of_it(&system).await;
    let at_the_door = system.send_letter(DOOR, &letter).await;
    assert_eq!(at_the_door.status, 202);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_test_token_of_the_source_opens_it_and_all_refusals_are_one() {
    let system = System::start().await;
    let photoday = system.sender("photoday").await;
    let gotphoto = system.sender("gotphoto").await;
    let letter = photoday.test_letter(fixture("gallery.published.json").to_string());
    let with_token = |token: &str| letter.clone().with_header("webhook-test-token", token);

    let refusals = [
        system.send_letter(TEST, &letter.clone().without_header("webhook-test-token")).await,
        system.send_letter(TEST, &with_token(gotphoto.text("test_token"))).await,
        system.send_letter(TEST, &with_token(photoday.key())).await,
        system.send_letter(TEST, &Letter { source: "nobody".to_owned(), ..letter.clone() }).await,
        // A source that has none.
        system.send_letter(TEST, &Letter { source: "zoho-crm".to_owned(), ..with_token("") }).await,
        system
            .send_letter(TEST, &Letter { headers: [&*letter.headers, &letter.headers].concat(), ..letter.clone() })
            .await,
    ];

    for refusal in &refusals {
        assert_eq!((refusal.status, refusal.code()), (401, "bad-test-token"));
        assert_eq!(refusal.body, refusals[0].body);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_neither_keys_nor_people() {
    let system = System::start().await;
    let photoday = system.sender("photoday").await;
    let host = system.sender("shootproof").await;
    let zapier = system.sender("zapier").await;
    let published = fixture("gallery.published.json").to_string();
    let order = fixture("order.created.json").to_string();
    let right = photoday.test_letter(&*published);
    let mut nameless = fixture("order.created.json");
    nameless["data"]["order_id"] = json!("");
    let letters: Vec<(Letter, &str, &str)> = vec![
        (photoday.test_letter(vec![b' '; 1024 * 1024 + 1]), "size", "The body has 1048577 of at most 1048576 bytes."),
        (right.clone().without_header("webhook-id"), "signature", "webhook-id is missing"),
        (
            right.clone().with_body(format!("{published}\n")),
            "signature",
            "the line break at the body's end was not signed",
        ),
        (
            right.clone().with_header("webhook-signature", right.header("webhook-signature").trim_start_matches("v1,")),
            "signature",
            "v1, must stand before the signature",
        ),
        (right.clone().with_header("webhook-signature", "v1,AAAA"), "signature", "fits none of this source's keys"),
        (photoday.letter_at(1_790_000_000, &*published), "timestamp", "behind ours; 300 s are allowed"),
        (photoday.test_letter("{\"kind\": \"sheree@example.com\"}"), "envelope", "The body must be {"),
        (
            photoday.test_letter(fixture("crm.contact.linked.json").to_string()),
            "event-allowed",
            "may not send this event",
        ),
        (photoday.test_letter(nameless.to_string()), "data", "data.order_id must not be empty."),
        (host.test_letter("{\"id\": 7}").with_header("x-host-signature", "00"), "signature", "fits none"),
        (host.test_letter(r#"{"status":"Selling"}"#), "envelope", "The event's id must stand at /id"),
        (host.test_letter(r#"{"id":1,"status":"Selling"}"#), "envelope", "The time at /changed_at must be"),
    ];
    let tokens = [&photoday, &host].map(|sender| (sender.source.clone(), sender.text("test_token").to_owned()));

    for (letter, check, sentence) in letters {
        let (_, token) = tokens.iter().find(|(source, _)| *source == letter.source).expect("it has a token");
        let answer = system.send_letter(TEST, &letter.with_header("webhook-test-token", token)).await;

        let (results, told) = checks(&answer);
        let place = ["size", "signature", "timestamp", "envelope", "event-allowed", "data"]
            .iter()
            .position(|name| *name == check);
        assert_eq!(results.iter().position(|result| *result == "failed"), place, "{}", answer.body);
        assert!(told.contains(sentence), "{sentence}: {told}");
        assert_eq!((&answer.body["accepted"], &answer.body["event"]), (&json!(false), &Value::Null));
        assert!(!answer.body.to_string().contains("heree"), "{}", answer.body);
    }
    let fits = system.send_letter(TEST, &zapier.test_letter(&*order)).await;
    let draft = system.send_letter(TEST, &host.test_letter(r#"{"id":1,"status":"Draft"}"#)).await;
    let unknown = system.send_letter(TEST, &photoday.test_letter(r#"{"type":"sheree@example.com"}"#)).await;

    assert_eq!(fits.body["event"]["subject"], "a buyer, by an e-mail address");
    assert!(!fits.body.to_string().contains("heree"), "{}", fits.body);
    assert_eq!((checks(&draft).1, &draft.body["accepted"], &draft.body["event"]), ("", &json!(true), &Value::Null));
    assert_eq!(
        (checks(&unknown).1, &unknown.body["accepted"], &unknown.body["event"]),
        ("", &json!(true), &Value::Null)
    );
    assert!(!unknown.body.to_string().contains("heree"), "{}", unknown.body);
    let keys = [photoday.key(), host.key(), zapier.key()];
    let logs = system.logs();
    assert!(
        !keys.iter().any(|key| logs.contains(key.trim_start_matches("whsec_"))) && !logs.contains("heree"),
        "{logs}"
    );
    nothing_came_of_it(&system).await;
    system.stop().await;
}
