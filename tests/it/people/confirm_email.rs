//! confirm-email, `POST /api/user/email`: a changed address is taken over, by the code that a repeated sign-up uses.

use serde_json::{Value, json};
use tests::{Answer, System, sheree};

async fn confirm(system: &System, sub: &str, email: &str, verified: bool) -> Answer {
    let token = system.token_with(&json!({"sub": sub, "email": email, "email_verified": verified})).await;
    tests::sent(system.request("POST", "/api/user/email").bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_address_is_taken_over_once_and_the_crm_follows() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    system.drained().await;

    let changed = confirm(&system, "sheree", "lane@example.com", true).await;
    let again = confirm(&system, "sheree", "lane@example.com", true).await;
    system.drained().await;

    assert_eq!((changed.status, &changed.body["user"]["email"]), (200, &json!("lane@example.com")));
    assert_eq!((again.status, &again.body), (200, &changed.body));
    assert_eq!(system.contact_of(user).await["Email"], "lane@example.com");
    assert_eq!(system.count("webhook_events where type = 'user.updated'").await, 1, "the same address is no news");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_verified_address_that_no_other_user_has_is_taken_over() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    system.register("maria", &sheree("")).await;

    let unverified = confirm(&system, "sheree", "lane@example.com", false).await;
    let of_maria = confirm(&system, "sheree", "Maria@example.com", true).await;
    let stranger = confirm(&system, "nobody", "nobody@example.com", true).await;
    let own = system.get("/api/user", "sheree").await;

    assert_eq!((unverified.status, unverified.code()), (403, "email-unverified"));
    assert_eq!((of_maria.status, of_maria.code()), (409, "email-taken"));
    assert_eq!((stranger.status, stranger.code()), (404, "not-registered"));
    assert_eq!((own.status, &own.body["user"]["email"]), (200, &json!("sheree@example.com")));
    assert_ne!(own.body["user"], Value::Null);
    system.stop().await;
}
