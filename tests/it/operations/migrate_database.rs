//! migrate-database: brings the database up to date and makes admins, as often as it is asked to.

use serde_json::{Value, json};
use tests::{System, sheree};

async fn make_admin(system: &System, sub: &str, email: &str) -> Value {
    system.invoke("migrate-database", &json!({ "admin": { "sub": sub, "email": email } })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_again_changes_nothing() {
    let system = System::start().await;
    let migrations = system.count("refinery_schema_history").await;

    let again = system.invoke("migrate-database", &json!({})).await;

    assert_eq!(again, json!({ "applied": [], "passwords_set": [] }));
    assert_eq!(system.count("refinery_schema_history").await, migrations);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_made_once_and_known_by_his_identity() {
    let system = System::start().await;

    let first = make_admin(&system, "ops", "ops@isophotoxp.example").await;
    let again = make_admin(&system, "ops", "ops@isophotoxp.example").await;
    let context = system.get("/api/user/context", "ops").await;
    let register = system.post("/api/users", "ops", &sheree("")).await;

    assert!(first["admin"].is_string(), "{first}");
    assert_eq!(again, first);
    let role: String = system.value("select role::text from users", &[]).await;
    assert_eq!(role, "admin");
    assert_eq!(context.body["user"], json!({"id": first["admin"], "role": "admin", "first_name": null}));
    assert_eq!((register.status, register.code()), (409, "role-is-fixed"));
    assert_eq!(system.count("tasks").await, 0, "admins are not synced");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_is_a_user_becomes_an_admin() {
    let system = System::start().await;
    system.register("sheree", &sheree("")).await;

    let same_identity = make_admin(&system, "sheree", "other@example.com").await;
    let same_address = make_admin(&system, "ops", "Sheree@example.com").await;
    let no_address = make_admin(&system, "ops", "nowhere").await;
    let misspelt = system.invoke("migrate-database", &json!({ "amdin": {} })).await;

    assert_eq!(same_identity["errorMessage"], "conflict: role-is-fixed");
    assert_eq!(same_address["errorMessage"], "conflict: email-taken");
    assert_eq!(no_address["errorMessage"], "malformed: admin.email must be an e-mail address");
    assert!(misspelt["errorMessage"].is_string(), "{misspelt}");
    let roles = system.rows("select role::text from users", &[]).await;
    assert_eq!(roles.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["parent"]);
    system.stop().await;
}
