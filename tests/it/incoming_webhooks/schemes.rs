//! `POST /api/webhooks/incoming`: the ways in which a source proves itself, and the words in which it speaks.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::{Answer, DOOR, Letter, Sender, System, Webhook, fall_soccer, fixture, sheree};

/// For how long a copy of the sources is good, whatever fails by it.
const HALF_A_MINUTE: Duration = Duration::from_secs(31);

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

fn status(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["status"].as_str().unwrap_or_default())
}

/// A key pair of a sender who signs with ed25519, and its public key as the secret has it.
fn pair() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::generate().expect("a key pair can be made");
    let public = format!("whpk_{}", STANDARD.encode(pair.public_key()));
    (pair, public)
}

/// A letter of `standard` whose signature is `v1a` instead.
fn signed_with(pair: &Ed25519KeyPair, letter: Letter) -> Letter {
    let before = format!("{}.{}.", letter.header("webhook-id"), letter.header("webhook-timestamp"));
    let signature = pair.sign(&[before.as_bytes(), &letter.body].concat());
    letter.with_header("webhook-signature", &format!("v1a,{}", STANDARD.encode(signature)))
}

/// Changes the settings of a source and starts the functions anew.
async fn settle(system: &System, source: &str, change: impl FnOnce(&mut Value)) -> Sender {
    let mut sources = system.secret("webhook-sources").await;
    change(&mut sources[source]);
    system.change_secret("webhook-sources", &sources).await;
    system.restart_functions().await;
    system.sender(source).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_may_sign_with_ed25519() {
    let system = System::start().await;
    let (stranger, _) = pair();
    let (pair, public) = pair();
    let body = fixture("gallery.published.json").to_string();
    let before = system.sender("photoday").await;
    let shared = before.key().to_owned();

    let too_early = system.send_letter(DOOR, &signed_with(&pair, before.letter(&*body))).await;
    settle(&system, "photoday", |photoday| photoday["keys"] = json!([shared, public])).await;
    let by_shared = system.send_letter(DOOR, &before.letter(&*body)).await;
    let by_public = system.send_letter(DOOR, &signed_with(&pair, before.letter(&*body))).await;
    let by_stranger = system.send_letter(DOOR, &signed_with(&stranger, before.letter(&*body))).await;
    let changed = system.send_letter(DOOR, &signed_with(&pair, before.letter(&*body)).with_body("{}")).await;
    settle(&system, "photoday", |photoday| photoday["keys"] = json!([public])).await;
    let by_old = system.send_letter(DOOR, &before.letter(&*body)).await;

    assert_eq!(status(&by_shared), (202, "pending"));
    assert_eq!(status(&by_public), (202, "pending"));
    for refused in [too_early, by_stranger, changed, by_old] {
        assert_eq!(told(&refused), (401, "bad-signature"));
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_signs_by_its_own_habit_and_speaks_in_its_own_words() {
    let system = System::start().await;
    system.school().await;
    let mut gallery = fall_soccer("20931");
    gallery["host"] = json!("shootproof");
    assert_eq!(system.post("/api/galleries", "cathy", &gallery).await.status, 201);
    let host = system.sender("shootproof").await;
    let selling = fixture("host-gallery.json");
    let with = |id: &str, status: &str| {
        let mut body = selling.clone();
        (body["id"], body["status"], body["changed_at"]) = (json!(id), json!(status), json!("2026-11-21T08:00:00Z"));
        body.to_string()
    };
    let first = host.letter(selling.to_string());

    let accepted = system.send_letter(DOOR, &first).await;
    let live = system.gallery_status("20931").await;
    let again = system.send_letter(DOOR, &first).await;
    let signed_anew = system
        .send_letter(
            DOOR,
            &host.letter_at(first.header("x-host-timestamp").parse::<i64>().unwrap() - 60, selling.to_string()),
        )
        .await;
    let meaningless = system.send_letter(DOOR, &host.letter(with("evt_2", "Draft"))).await;
    let archived = system.send_letter(DOOR, &host.letter(with("evt_3", "Archived"))).await;

    assert_eq!(status(&accepted), (202, "accepted"));
    assert_eq!(live, "Live");
    for copy in [again, signed_anew] {
        assert_eq!((status(&copy), &copy.body["id"]), ((200, "duplicate"), &accepted.body["id"]));
    }
    assert_eq!(status(&meaningless), (200, "ignored"));
    assert_eq!(status(&archived), (202, "accepted"));
    assert_eq!(system.gallery_status("20931").await, "Archived");
    let url: String = system.value("select public_url from galleries", &[]).await;
    assert_eq!(url, "https://photos.example/20931");
    assert_eq!(system.count("webhook_inbox").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_a_hosts_words_waits_for_its_buyer_without_her_address() {
    let system = System::start().await;
    let host = system.sender("shootproof").await;

    let answer = system.send_letter(DOOR, &host.letter(fixture("host-order.json").to_string())).await;

    assert_eq!(status(&answer), (202, "pending"), "{}", answer.body);
    let kept: String = system.value("select row_to_json(webhook_inbox)::text from webhook_inbox", &[]).await;
    assert!(kept.contains("77120") && !kept.contains("heree") && !kept.contains("@example.com"), "{kept}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parser_of_e_mails_needs_no_code() {
    let system = System::start().await;
    system.school().await;
    system.gallery("PD-20931").await;
    let parser = settle(&system, "mail", |mail| {
        *mail = json!({"scheme": "token", "header": "x-parser-token", "keys": ["a token of the parser"],
            "events": ["gallery.published"], "hosts": ["photoday"], "mapping": {
                "type": {"constant": "gallery.published"}, "timestamp": "/received",
                "data": {"host": {"constant": "photoday"}, "external_host_id": "/parsed/job_number",
                    "public_url": "/parsed/gallery_url"}}});
    })
    .await;
    let letter = parser.letter(fixture("email-parser.json").to_string());

    let accepted = system.send_letter(DOOR, &letter).await;
    let again = system.send_letter(DOOR, &letter).await;
    let wrong = system.send_letter(DOOR, &letter.clone().with_header("x-parser-token", "a token of the parse")).await;
    let missing = system.send_letter(DOOR, &letter.without_header("x-parser-token")).await;

    assert_eq!(status(&accepted), (202, "accepted"), "{}", accepted.body);
    assert_eq!(system.gallery_status("PD-20931").await, "Live");
    assert_eq!(status(&again), (200, "duplicate"));
    assert_eq!((told(&wrong), told(&missing)), ((401, "bad-signature"), (401, "missing-signature")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zoho_crm_names_records_that_have_changed() {
    let system = System::start().await;
    let zoho = system.sender("zoho-crm").await;
    let with_token = |name: &str, token: &str| {
        let mut body = fixture(name);
        body["token"] = json!(token);
        body.to_string()
    };
    let send = async |body: String| system.send_letter(DOOR, &zoho.letter(body)).await;

    let changed = send(with_token("zoho-crm-update.json", zoho.key())).await;
    let again = send(with_token("zoho-crm-update.json", zoho.key())).await;
    let leads = send(with_token("zoho-crm-leads.json", zoho.key())).await;
    let forged = send(with_token("zoho-crm-update.json", "…")).await;
    let without = send(json!({"module": "Contacts", "ids": ["1"]}).to_string()).await;
    let deep = send(format!("{}{}", "[".repeat(400_000), "]".repeat(400_000))).await;
    let malformed = send(json!({"module": "Contacts", "ids": ["x"], "token": zoho.key()}).to_string()).await;
    let receipt = send(json!({"action": "bounce", "data": [], "token": zoho.key()}).to_string()).await;

    for accepted in [changed, again, leads] {
        assert_eq!(status(&accepted), (202, "accepted"), "{}", accepted.body);
    }
    assert_eq!(told(&forged), (401, "bad-signature"));
    assert_eq!((told(&without), told(&deep)), ((401, "missing-signature"), (401, "missing-signature")));
    assert_eq!(told(&malformed), (400, "malformed"));
    assert_eq!(told(&receipt), (403, "event-not-allowed"));
    let keys: Vec<uuid::Uuid> = system
        .rows("select key from tasks where kind = 'pull-zoho' order by key", &[])
        .await
        .iter()
        .map(|row| row.get(0))
        .collect();
    let records = [5_725_767_000_003_000_010, 5_725_767_000_003_000_064].map(|id| uuid::Uuid::from_u64_pair(1, id));
    assert_eq!(keys, records);
    assert_eq!(system.count("webhook_inbox").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_bounced_is_suppressed_and_not_the_present_one() {
    let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
    let school = system.school().await;
    system.register("sheree", &sheree(&school.join_code)).await;
    system.gallery("PD-1").await;
    system.keep_receipts().await;
    system.send_webhook(&Webhook::gallery_published("PD-1")).await;
    system.alerts_become(&["sent"]).await;
    system.rows("update users set email = 'new@example.com' where email = 'sheree@example.com'", &[]).await;
    let alert: uuid::Uuid = system.value("select id from gallery_alerts", &[]).await;
    let mut bounce = fixture("zoho-campaigns-bounce.json");
    bounce["data"][0]["rcpt_additional_data"]["alert"] = json!(alert);
    bounce["data"][0]["transmission_name"] = json!(system.batch().await);
    bounce["data"][0]["contact_email"] = json!("Sheree@example.com");
    let mut of_others = bounce.clone();
    of_others["data"][0] = json!({"contact_email": "dana@example.com", "bounce_type": "hard",
        "transmission_name": "01970000-0000-7000-8000-000000000001"});

    for receipt in [&bounce, &bounce, &of_others] {
        let answer = system.send_receipt_with(&system.receipt_token().await, receipt).await;
        assert_eq!(status(&answer), (202, "accepted"), "{}", answer.body);
    }

    let suppressed = "select encode(email_sha256, 'hex'), reason from email_suppressions";
    let rows: Vec<(String, String)> =
        system.rows(suppressed, &[]).await.iter().map(|row| (row.get(0), row.get(1))).collect();
    // `printf sheree@example.com | sha256sum`
    let sheree = "c729e1e2b8350f8f161bb71d19c40d67a598de159b7906e66e2fdeb720bfd347";
    assert_eq!(rows, [(sheree.to_owned(), "bounce".to_owned())]);
    assert_eq!(system.alerts().await, ["bounced"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_known_without_a_start_and_a_broken_secret_changes_nothing() {
    let system = System::start().await;
    let before = system.sender("photoday").await;
    let mut sources = system.secret("webhook-sources").await;
    let mut after = before.clone();
    after.settings["keys"] = json!([format!("whsec_{}", STANDARD.encode([7; 32]))]);
    sources["photoday"] = after.settings.clone();
    let send = async |sender: &Sender| {
        let body = fixture("gallery.published.json").to_string();
        system.send_letter(DOOR, &sender.letter(body)).await.status
    };

    let at_first = (send(&before).await, send(&after).await);
    system.write_secret("webhook-sources", r#"{"photoday":{"scheme":"standard","keys":["whsec_AAAA"]}"#).await;
    tokio::time::sleep(HALF_A_MINUTE).await;
    let broken = (send(&after).await, send(&before).await);
    let log = system.logs();
    system.change_secret("webhook-sources", &sources).await;
    let soon = send(&after).await;
    tokio::time::sleep(HALF_A_MINUTE).await;
    let later = (send(&after).await, send(&before).await);

    assert_eq!(at_first, (202, 401));
    assert_eq!(broken, (401, 202));
    assert!(log.contains("its former content stays in force") && log.contains("at line 1, column"), "{log}");
    assert!(!log.contains("whsec_AAAA"));
    // The copy was asked for less than half a minute ago.
    assert_eq!(soon, 401);
    assert_eq!(later, (202, 401));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_the_same_whatever_the_scheme() {
    let system = System::start().await;
    let body = fixture("gallery.published.json").to_string();
    let told = async |letter: Letter| {
        let answer = system.send_letter(DOOR, &letter).await;
        format!("{} {}: {}", answer.status, answer.code(), answer.body["detail"].as_str().unwrap_or_default())
    };
    let mut missing = Vec::new();
    let mut bad = Vec::new();
    let mut stale = Vec::new();
    for source in ["photoday", "shootproof", "zoho-campaigns", "zoho-crm"] {
        let sender = system.sender(source).await;
        let letter = sender.letter(&*body);
        missing.push(told(Letter { headers: Vec::new(), ..letter.clone() }).await);
        let forged = letter.clone().with_body(r#"{"token":"a token of nobody else"}"#);
        bad.push(told(forged.with_header("authorization", "a token of nobody else")).await);
        if source == "photoday" || source == "shootproof" {
            stale.push(told(sender.letter_at(1_790_000_000, &*body)).await);
        }
    }
    let twice = system.sender("zoho-campaigns").await.letter(&*body);
    let twice = Letter { headers: [&*twice.headers, &twice.headers].concat(), ..twice };

    let twice = told(twice).await;

    for (refusals, code) in
        [(&mut missing, "401 missing-signature"), (&mut bad, "401 bad-signature"), (&mut stale, "401 stale-timestamp")]
    {
        refusals.dedup();
        assert!(refusals.len() == 1 && refusals[0].starts_with(code), "{refusals:?}");
    }
    // The gateway joins such lines with a comma, and that is no token.
    assert_eq!(twice, bad[0]);
    assert_eq!(system.count("webhook_inbox").await, 0);
    system.stop().await;
}
