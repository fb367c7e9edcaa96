//! register-user, `POST /api/users`: what it refuses, and what a person reads then.

use serde_json::{Value, json};
use tests::{Answer, System, cathy, frank, sent, sheree};

/// Asks to register with a token of these claims.
async fn ask(system: &System, claims: &Value, body: &Value) -> Answer {
    let token = system.token_with(claims).await;
    sent(system.request("POST", "/api/users").bearer_auth(token).json(body)).await
}

/// Sends text of this type as somebody who may register.
async fn say(system: &System, content_type: &str, text: &'static str) -> Answer {
    let token = system.token("sheree").await;
    sent(system.request("POST", "/api/users").bearer_auth(token).header("content-type", content_type).body(text)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_fixed() {
    let system = System::start().await;
    let id = system.register("sheree", &sheree("")).await.id("/user/id");

    let other = system.post("/api/users", "sheree", &frank()).await;

    assert_eq!((other.status, other.code()), (409, "role-is-fixed"));
    let role: String = system.value("select role::text from users where id = $1", &[&id]).await;
    assert_eq!(role, "parent");
    assert_eq!(system.count("profiles_photographers").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_address_under_another_identity_is_refused_and_never_linked() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    system.register("cathy", &cathy()).await;
    let claims = |sub: &str| json!({ "sub": sub, "email": "SHEREE@example.com", "email_verified": true });

    let stranger = ask(&system, &claims("stranger"), &sheree("")).await;
    let moved = ask(&system, &claims("cathy"), &cathy()).await;

    assert_eq!((stranger.status, stranger.code()), (409, "email-taken"));
    assert_eq!((moved.status, moved.code()), (409, "email-taken"));
    assert!(!stranger.body.to_string().to_lowercase().contains("sheree"), "{}", stranger.body);
    assert_eq!(system.count("users").await, 2);
    assert_eq!(system.count("users where email = 'cathy@example.com'").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_ask_to_be_an_admin() {
    let system = System::start().await;

    let answer =
        system.post("/api/users", "mallory", &json!({"role": "admin", "first_name": "M", "last_name": "M"})).await;

    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.body["errors"],
        json!([{"pointer": "/role", "code": "unknown-value", "message": "must be one of: parent, org, photographer"}])
    );
    assert_eq!(system.count("users").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_verified_address_nobody_registers() {
    let system = System::start().await;
    let claims = |email: &str, verified: bool| json!({ "sub": "s", "email": email, "email_verified": verified });
    let body = sheree("");

    let unverified = ask(&system, &claims("s@example.com", false), &body).await;
    let empty = ask(&system, &claims("", true), &body).await;
    let none = ask(&system, &claims("not an address", true), &body).await;

    assert_eq!((unverified.status, unverified.code()), (403, "email-unverified"));
    assert_eq!((empty.status, empty.code()), (403, "email-missing"));
    assert_eq!((none.status, none.code()), (403, "email-missing"));
    assert_eq!(system.count("users").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_read_from_the_claim_that_is_set_and_from_no_other() {
    let claim = "https://isophotoxp.com/email";
    let system = System::with_variables([("EMAIL_CLAIM".to_owned(), claim.to_owned())].into()).await;
    let plain = json!({ "sub": "s", "email": "plain@example.com", "email_verified": true });
    let mut unverified = plain.clone();
    unverified[claim] = json!("sheree@example.com");
    let mut verified = unverified.clone();
    verified[format!("{claim}_verified")] = json!(true);
    let body = sheree("");

    let without = ask(&system, &plain, &body).await;
    let unverified = ask(&system, &unverified, &body).await;
    let made = ask(&system, &verified, &body).await;

    assert_eq!((without.status, without.code()), (403, "email-missing"));
    assert_eq!((unverified.status, unverified.code()), (403, "email-unverified"));
    assert_eq!((made.status, &made.body["user"]["email"]), (201, &json!("sheree@example.com")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_that_holds_the_gateway_refuses() {
    let system = System::start().await;
    let request = || system.request("POST", "/api/users").json(&sheree(""));

    let without = sent(request()).await;
    let rubbish = sent(request().bearer_auth("rubbish")).await;

    for answer in [&without, &rubbish] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body, json!({"message": "Unauthorized"}));
    }
    system.stop().await;
}

/// A form with as many mistakes as fit in.
fn full_of_mistakes() -> Value {
    json!({
        "role": "parent", "first_name": " ", "phone_number": "555", "nickname": "S", "sport_interests": ["Soccer", 7],
        "mailing_address": {"street": "12 Elm St", "city": "Chicago", "state": "", "floor": 3},
        "athletes": [
            {"first_name": "Jordan", "last_name": "Lane", "dob": "2999-01-01", "sport_primary": "Soccer, Swimming"},
            {"first_name": "Sam", "dob": "14.5.2009", "age": 16},
            "Kim",
        ],
        "join_codes": "LINCOLN-7Q2M",
    })
}

/// The whole answer to them.
fn all_mistakes() -> Value {
    let wrong =
        |pointer: &str, code: &str, message: &str| json!({"pointer": pointer, "code": code, "message": message});
    json!({
        "type": "https://isophotoxp.com/problems/invalid-fields",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Correct the fields listed in errors and send the request again.",
        "errors": [
            wrong("/first_name", "empty", "must not be empty"),
            wrong("/last_name", "required", "is required"),
            wrong("/phone_number", "not-a-phone-number", "must be a phone number with its country code, like +13125550142"),
            wrong("/mailing_address/state", "empty", "must not be empty"),
            wrong("/mailing_address/postal_code", "required", "is required"),
            wrong("/mailing_address/country", "required", "is required"),
            wrong("/mailing_address/floor", "unknown-field", "is not a field of this request"),
            wrong("/sport_interests/1", "not-text", "must be text"),
            wrong("/athletes/0/sport_primary", "several-values", "must be one sport; give several as a list"),
            wrong("/athletes/0/dob", "out-of-range", "must be a day from 1 to 25 years ago, like 2009-05-14"),
            wrong("/athletes/1/last_name", "required", "is required"),
            wrong("/athletes/1/dob", "not-a-date", "must be a day like 2009-05-14"),
            wrong("/athletes/1/age", "unknown-field", "is not a field of this request"),
            wrong("/athletes/2", "not-an-object", "must be a JSON object"),
            wrong("/join_codes", "not-a-list", "must be a list"),
            wrong("/nickname", "unknown-field", "is not a field of this request"),
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_has_to_be_corrected_is_told_at_once() {
    let system = System::start().await;

    let answer = system.post("/api/users", "sheree", &full_of_mistakes()).await;

    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.body, all_mistakes());
    assert_eq!(system.count("users").await, 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_another_role_is_refused_by_name() {
    let system = System::start().await;
    let mut body = cathy();
    body["referral_code"] = json!("CATHY1");
    body["athletes"] = json!([]);

    let answer = system.post("/api/users", "cathy", &body).await;

    assert_eq!(answer.status, 422);
    let refused =
        |place: &str| json!({"pointer": place, "code": "unknown-field", "message": "is not a field of this request"});
    assert_eq!(answer.body["errors"], json!([refused("/athletes"), refused("/referral_code")]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_told_apart_from_broken_json() {
    let system = System::start().await;

    let form = say(&system, "application/x-www-form-urlencoded", "role=parent").await;
    let broken = say(&system, "application/json", "{\"role\": \"parent\",\n \"first_name\": }").await;
    let list = say(&system, "application/json; charset=utf-8", "[]").await;

    assert_eq!((form.status, form.code()), (415, "unsupported-media-type"));
    assert_eq!((broken.status, broken.code()), (400, "malformed"));
    assert_eq!(broken.body["detail"], "The body is not valid JSON: see line 2, column 16.");
    assert_eq!((list.status, list.code()), (422, "invalid-fields"));
    assert_eq!(
        list.body["errors"],
        json!([{"pointer": "", "code": "not-an-object", "message": "must be a JSON object"}])
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_another_photographer_has_is_refused_and_leaves_nothing_behind() {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let mut body = frank();
    body["referral_code"] = json!("Frank2024");

    let answer = system.post("/api/users", "fred", &body).await;

    assert_eq!((answer.status, answer.code()), (409, "referral-code-taken"));
    assert_eq!(system.count("users").await, 1);
    assert_eq!(system.count("tasks").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_function_carries_the_id_of_its_request() {
    let system = System::start().await;

    let answers = [
        system.post("/api/users", "sheree", &sheree("")).await,
        system.post("/api/users", "sheree", &sheree("")).await,
        system.post("/api/users", "sheree", &frank()).await,
        system.post("/api/users", "frank", &json!({})).await,
        say(&system, "text/plain", "hello").await,
    ];

    assert_eq!(answers.each_ref().map(|answer| answer.status), [201, 200, 409, 422, 415]);
    let ids: std::collections::BTreeSet<&str> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(ids.iter().all(|id| !id.is_empty()));
    system.stop().await;
}
