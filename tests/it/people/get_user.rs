//! get-user, `GET /api/user`: what is known about oneself, and the etag with which two people edit one profile.

use serde_json::{Value, json};
use tests::{Answer, System, Wire, frank, sheree};

#[tokio::test(flavor = "multi_thread")]
async fn everyone_reads_the_own_profile_and_a_parent_the_athletes_in_one_round_trip() {
    let wire = Wire::new().await;
    let system = System::on(&wire).await;
    system.make_admin("ada").await;
    let school = system.school().await;
    let sheree = system.register("sheree", &sheree(&school.join_code)).await;
    let frank = system.register("frank", &frank()).await;

    system.get("/api/user", "nobody").await;
    wire.said();
    let parent = system.get("/api/user", "sheree").await;
    let said = wire.said();
    let photographer = system.get("/api/user", "frank").await;
    let org = system.get("/api/user", "cathy").await;
    let admin = system.get("/api/user", "ada").await;

    assert_eq!(said, "BES");
    for (registered, own) in [(&sheree, &parent), (&frank, &photographer)] {
        let parts = |answer: &Answer| ["user", "profile", "athletes"].map(|part| answer.body[part].clone());
        assert_eq!(parts(own), parts(registered), "as it was answered to the sign-up");
    }
    assert_eq!((&org.body["profile"]["join_code"], &org.body["athletes"]), (&json!(school.join_code), &json!([])));
    assert_eq!(
        (admin.status, &admin.body["profile"], &admin.body["user"]["role"]),
        (200, &Value::Null, &json!("admin"))
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_whether_the_crm_knows_the_user() {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    system.stack().set_mappings_enabled(false).await;
    system.register("sheree", &sheree("")).await;

    let before = system.get("/api/user", "sheree").await;
    system.stack().set_mappings_enabled(true).await;
    system.drained().await;
    let after = system.get("/api/user", "sheree").await;

    assert_eq!(
        (&before.body["user"]["zoho_linked"], &after.body["user"]["zoho_linked"]),
        (&json!(false), &json!(true))
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_edit_the_same_profile_the_second_reads_it_again_first() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;
    let token = system.token("sheree").await;
    let patch = async |if_match: Option<&str>, name: &str| {
        let request =
            system.request("PATCH", "/api/user/profile").bearer_auth(&token).json(&json!({ "first_name": name }));
        tests::sent(if_match.into_iter().fold(request, |request, etag| request.header("if-match", etag))).await
    };

    let read = system.get("/api/user", "sheree").await;
    let first = patch(Some(read.header("etag")), "Sherry").await;
    let second = patch(Some(read.header("etag")), "Cherie").await;
    let again = system.get("/api/user", "sheree").await;
    let third = patch(Some(again.header("etag")), "Cherie").await;
    let careless = patch(None, "Sheree").await;

    assert_eq!((first.status, second.status, second.code()), (200, 412, "changed-meanwhile"));
    assert_eq!(again.body["profile"]["first_name"], "Sherry");
    assert_eq!(first.header("etag"), again.header("etag"), "a PATCH answers with the tag of what it has made");
    assert_eq!((third.status, careless.status), (200, 200));
    assert_eq!(careless.header("etag"), read.header("etag"), "the same profile has the same tag");
    system.stop().await;
}
