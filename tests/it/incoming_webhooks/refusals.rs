//! `POST /api/webhooks/incoming`: what is refused, and how little a refusal costs.

use serde_json::json;
use std::collections::BTreeMap;

use local::stack::Options;
use tests::{Answer, DOOR, System, Webhook, eventually, sent};

/// The status of an answer and the code of its problem.
fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

/// Any valid key that no source has.
const STRANGERS_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_proof_of_a_known_source() {
    let system = System::start().await;
    let published = Webhook::gallery_published("PD-1");
    let key = system.endpoints().webhook_secrets["photoday"].clone();
    let signature = published.signature(&key);
    let stale = Webhook { timestamp: published.timestamp - 301, ..published.clone() };
    let early = Webhook { timestamp: published.timestamp + 360, ..published.clone() };
    let other_body = published.clone().with_body("{}");

    let nobody = system.send_webhook_signed(&published.clone().from("nobody"), &signature).await;
    let unnamed = sent(system.request("POST", "/api/webhooks/incoming").body("{}")).await;
    let unsigned = sent(system.request("POST", "/api/webhooks/incoming?source=photoday").body("{}")).await;
    let forged = system.send_webhook_signed(&published, &published.signature(STRANGERS_KEY)).await;
    let of_another = system.send_webhook_signed(&published.clone().from("gotphoto"), &signature).await;
    let changed = system.send_webhook_signed(&other_body, &signature).await;
    let no_base64 = system.send_webhook_signed(&published, "v1,???").await;
    let stale = system.send_webhook_signed(&stale, &stale.signature(&key)).await;
    let early = system.send_webhook_signed(&early, &early.signature(&key)).await;

    assert_eq!(told(&nobody), (401, "unknown-source"));
    assert_eq!(told(&unnamed), (401, "unknown-source"));
    assert_eq!(told(&unsigned), (401, "missing-signature"));
    for forgery in [forged, of_another, changed, no_base64] {
        assert_eq!(told(&forgery), (401, "bad-signature"));
    }
    assert_eq!(told(&stale), (401, "stale-timestamp"));
    assert_eq!(told(&early), (401, "stale-timestamp"));
    assert_eq!(system.count("webhook_inbox").await, 0);
    let logs = system.logs();
    let noted: Vec<&str> = logs.lines().filter(|line| line.contains("a webhook was refused")).collect();
    let with = |text: &str| noted.iter().filter(|line| line.contains(text)).count();
    assert_eq!((noted.len(), with("missing-signature"), with("bad-signature"), with("stale-timestamp")), (7, 1, 4, 2));
    assert_eq!((with("\"photoday\""), with("\"gotphoto\""), with("nobody")), (6, 1, 0));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_may_be_named_in_a_header() {
    let system = System::start().await;
    let published = Webhook::gallery_published("PD-1");
    let request = system.request("POST", "/api/webhooks/incoming").header("webhook-source", "photoday");
    let signature = published.signature(&system.endpoints().webhook_secrets["photoday"]);

    let request = request.header("webhook-id", &published.id).header("webhook-timestamp", published.timestamp);
    let answer = sent(request.header("webhook-signature", signature).body(published.body)).await;

    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("pending")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_sends_only_its_events_and_speaks_only_for_its_hosts() {
    let system = System::start().await;
    let mut sources = system.secret("webhook-sources").await;
    sources["gotphoto"]["events"] = json!(["gallery.archived"]);
    system.change_secret("webhook-sources", &sources).await;
    system.restart_functions().await;
    let of_another_host = json!({"host": "gotphoto", "external_host_id": "GP-1"});

    let event = system.send_webhook(&Webhook::gallery_published("GP-1").from("gotphoto")).await;
    let allowed = system.send_webhook(&Webhook::gallery_archived("GP-1").from("gotphoto")).await;
    let host = system.send_webhook(&Webhook::new("gallery.published", &of_another_host)).await;

    assert_eq!(told(&event), (403, "event-not-allowed"));
    assert_eq!(allowed.status, 202);
    assert_eq!(told(&host), (403, "event-not-allowed"));
    assert_eq!(system.count("webhook_inbox").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_key_is_rotated_the_old_and_the_new_one_are_taken() {
    let system = System::start().await;
    let old = system.endpoints().webhook_secrets["photoday"].clone();
    let mut sources = system.secret("webhook-sources").await;
    let send = async |key: &str| {
        let published = Webhook::gallery_published("PD-1");
        system.send_webhook_signed(&published, &published.signature(key)).await.status
    };

    let before = (send(&old).await, send(STRANGERS_KEY).await);
    sources["photoday"]["keys"] = json!([STRANGERS_KEY, old]);
    system.change_secret("webhook-sources", &sources).await;
    system.restart_functions().await;
    let during = (send(&old).await, send(STRANGERS_KEY).await);
    sources["photoday"]["keys"] = json!([STRANGERS_KEY]);
    system.change_secret("webhook-sources", &sources).await;
    system.restart_functions().await;
    let after = (send(&old).await, send(STRANGERS_KEY).await);

    assert_eq!((before, during, after), ((202, 401), (202, 202), (401, 202)));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_wrong_in_the_secret_holds_up_no_other_and_is_named() {
    let system = System::start().await;
    system.make_admin("ops").await;
    let host = system.sender("shootproof").await;
    let right = system.secret("webhook-sources").await;
    let mut wrong = right.clone();
    wrong["shootproof"]["keys"] = json!(["much too short"]);
    wrong["zapier"]["keys"] = right["make"]["keys"].clone();
    let published = Webhook::gallery_published("PD-1");

    system.change_secret("webhook-sources", &wrong).await;
    system.restart_functions().await;
    let of_neighbour = system.send_webhook(&published).await;
    let of_wrong = system.send_letter(DOOR, &host.letter("{}")).await;
    let of_sharer = system.send_webhook(&published.clone().from("make")).await;
    let page = system.get("/api/admin/integrations", "ops").await.body;
    let swept = system.sweep().await;

    assert_eq!(of_neighbour.status, 202, "{}", of_neighbour.body);
    for left_out in [of_wrong, of_sharer] {
        assert_eq!(told(&left_out), (401, "unknown-source"));
    }
    let named: Vec<_> = page["wrong_entries"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(named, ["make", "shootproof", "zapier"]);
    assert_eq!(page["wrong_entries"][0]["problem"], "shares a key or token with zapier");
    assert!(page["sources"].as_array().unwrap().iter().all(|source| !named.contains(&&source["name"])), "{page}");
    assert!(swept["endpoints"].is_number(), "the sweep does not fail: {swept}");
    let logs = system.logs();
    assert!(logs.contains(r#""Kind":"webhook-sources","SecretEntriesWrong":3"#));
    assert!(logs.contains(r#""entry":"shootproof","problem":"/keys/0 must be a text of at least 16 characters"#));
    assert!(!logs.contains("much too short") && !page.to_string().contains("much too short"));

    // What is no JSON at all: whoever starts now has nothing to go by, and says so.
    system.write_secret("webhook-sources", "photoday: whsec_").await;
    system.restart_functions().await;
    let unavailable = system.send_webhook(&published).await;
    let page = system.get("/api/admin/integrations", "ops").await;
    system.change_secret("webhook-sources", &right).await;
    let mended = eventually("the secret is looked at again", async || {
        let answer = system.send_webhook(&published).await;
        (answer.status != 503).then_some(answer)
    })
    .await;

    assert_eq!((told(&unavailable), unavailable.header("retry-after")), ((503, "unavailable"), "5"));
    assert_eq!((page.status, &page.body["sources"]), (200, &json!([])));
    let [entry] = &**page.body["wrong_entries"].as_array().unwrap() else { panic!("{}", page.body) };
    assert_eq!((&entry["secret"], &entry["name"]), (&json!("webhook-sources"), &json!(null)));
    assert_eq!(mended.status, 200, "it is a duplicate: {}", mended.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_one_mebibyte_is_too_large_and_the_gateway_takes_ten() {
    const MEBIBYTE: usize = 1024 * 1024;
    let system = System::start().await;
    let event = |size: usize| {
        let published = Webhook::gallery_published("PD-1");
        let mut body = published.body.clone();
        body.resize(size, b' ');
        published.with_body(body)
    };

    let fits = system.send_webhook(&event(MEBIBYTE)).await;
    let too_large = system.send_webhook(&event(MEBIBYTE + 1)).await;
    let for_the_gateway = system.send_webhook(&event(10 * MEBIBYTE + 1)).await;

    assert_eq!(fits.status, 202);
    assert_eq!(told(&too_large), (413, "too-large"));
    assert_eq!((for_the_gateway.status, &for_the_gateway.body), (413, &json!({"message": "Request Entity Too Large"})));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_cannot_be_read_is_malformed() {
    let system = System::start().await;
    let envelope = |data: &str| {
        format!(r#"{{"type":"gallery.published","timestamp":"2026-11-22T14:00:00Z","data":{data}}}"#).into_bytes()
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("broken JSON", br#"{"type":"gallery.published""#.to_vec()),
        ("not UTF-8", b"{\"type\":\"gallery.published\",\"x\":\"\xff\xfe\"}".to_vec()),
        ("a list", b"[]".to_vec()),
        ("nested without end", "[".repeat(100_000).into_bytes()),
        ("no envelope", br#"{"external_host_id":"PD-1"}"#.to_vec()),
        ("no time", br#"{"type":"gallery.published","data":{"external_host_id":"PD-1"}}"#.to_vec()),
        ("a time that is none", br#"{"type":"gallery.published","timestamp":"today","data":{}}"#.to_vec()),
        (
            "a time that no database holds",
            br#"{"type":"gallery.published","timestamp":"-9999-01-01T00:00:00Z","data":{"external_host_id":"PD-1"}}"#
                .to_vec(),
        ),
        ("data without an id", envelope("{}")),
        ("data that is text", envelope(r#""PD-1""#)),
        ("an id that is a list", envelope(r#"{"external_host_id":["PD-1"]}"#)),
        ("an id with half of a character", envelope(r#"{"external_host_id":"PD-1\ud83d"}"#)),
        ("an empty id", envelope(r#"{"external_host_id":""}"#)),
        ("an address that is none", envelope(r#"{"external_host_id":"PD-1","public_url":"javascript:alert(1)"}"#)),
        ("a host that is none", envelope(r#"{"external_host_id":"PD-1","host":"Photo Day!"}"#)),
        (
            "an address that is too long",
            envelope(&format!(
                r#"{{"external_host_id":"PD-1","public_url":"https://a.example/{}"}}"#,
                "x".repeat(1983)
            )),
        ),
        ("an id with a zero character", envelope(r#"{"external_host_id":"PD-1\u0000"}"#)),
        (
            "a receipt in our shape",
            br#"{"type":"email.receipt","timestamp":"2026-11-22T14:00:00Z","data":{}}"#.to_vec(),
        ),
    ];

    for (what, body) in bodies {
        let answer = system.send_webhook(&Webhook::gallery_published("PD-1").with_body(body)).await;

        let expected = if what == "a receipt in our shape" { (403, "event-not-allowed") } else { (400, "malformed") };
        assert_eq!(told(&answer), expected, "{what}: {}", answer.body);
    }

    assert_eq!(system.count("webhook_inbox").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_does_not_need_never_keeps_a_gallery_from_going_live() {
    let system = System::start().await;
    system.school().await;
    let host = system.sender("shootproof").await;
    let galleries = ["PD-1", "PD-2", "PD-3", "PD-4", "20931"];
    for gallery in galleries {
        system.gallery(gallery).await;
    }
    let published = |data: &str| {
        let body = format!(r#"{{"type":"gallery.published","timestamp":"2026-11-22T14:00:00Z","data":{{{data}}}}}"#);
        Webhook::gallery_published("PD-1").with_body(body)
    };
    let long = format!("https://photos.example/{}", "x".repeat(1977));
    let marked = published(r#""external_host_id":"PD-4","parent":"Sheree \u0000""#);
    let marked = marked.clone().with_body([b"\xef\xbb\xbf", &*marked.body].concat());
    let unknown = br#"{"type":"gallery.sold","timestamp":"2026-11-22T14:00:00Z","data":{"external_host_id":"PD-1"}}"#;

    for event in [
        published(r#""external_host_id":"PD-1","public_url":"""#),
        published(&format!(r#""external_host_id":"PD-2","public_url":"{long}""#)),
        published(r#""external_host_id":"PD-3","parent":"Sheree \ud83d""#),
        marked,
        published(r#""external_host_id":20931"#),
    ] {
        let answer = system.send_webhook(&event).await;
        assert_eq!((answer.status, &answer.body["status"]), (202, &json!("accepted")), "{}", answer.body);
    }
    let letter =
        host.letter(r#"{"id":"evt_1","status":"Selling","changed_at":1795356000.5,"job":{"id":7,"link":" "}}"#);
    let signature =
        letter.header("x-host-signature").replace("sha256=", "sha256= ").to_uppercase().replace("SHA", "sha");
    let of_host = system.send_letter(DOOR, &letter.with_header("x-host-signature", &signature)).await;
    let events = system.count("webhook_inbox").await;
    let ignored = system.send_webhook(&Webhook::gallery_published("PD-1").with_body(*unknown)).await;

    for gallery in galleries {
        assert_eq!(system.gallery_status(gallery).await, "Live", "{gallery}");
    }
    let kept: String = system.value("select public_url from galleries where external_host_id = 'PD-2'", &[]).await;
    assert_eq!(kept, long);
    assert_eq!((of_host.status, &of_host.body["status"]), (202, &json!("pending")), "{}", of_host.body);
    assert_eq!((ignored.status, &ignored.body), (200, &json!({"status": "ignored"})));
    assert_eq!(system.count("webhook_inbox").await, events, "nothing is written");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_sends_along_is_ignored_and_not_kept() {
    let system = System::start().await;
    let data = json!({"external_host_id": "PD-1", "public_url": "https://photos.example/1", "parent": "Sheree\u{0}"});

    let answer = system.send_webhook(&Webhook::new("gallery.published", &data)).await;

    assert_eq!(answer.status, 202, "{}", answer.body);
    let kept: String = system.value("select payload::text from webhook_inbox", &[]).await;
    assert_eq!(kept, r#"{"public_url": "https://photos.example/1"}"#);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgery_costs_no_connection_and_no_query() {
    let no_database = BTreeMap::from([("DATABASE_PORT".to_owned(), "1".to_owned())]);
    let system = System::with_options(Options { set: no_database, ..Options::default() }).await;
    let published = Webhook::gallery_published("PD-1");

    let forged = system.send_webhook_signed(&published, &published.signature(STRANGERS_KEY)).await;
    let receipt = system.send_receipt_with("a token of somebody else", &json!({"action": "bounce", "data": []})).await;
    let malformed = system.send_webhook(&published.clone().with_body("{")).await;
    let good = system.send_webhook(&published).await;

    assert_eq!(told(&forged), (401, "bad-signature"));
    assert_eq!(told(&receipt), (401, "bad-signature"));
    assert_eq!(told(&malformed), (400, "malformed"));
    // The sender tries again.
    assert_eq!(told(&good), (503, "unavailable"));
    assert_eq!(good.header("retry-after"), "5");
    system.stop().await;
}
