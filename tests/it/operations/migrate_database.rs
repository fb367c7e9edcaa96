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

/// The rows of earlier releases in `refinery_schema_history`: version, name and checksum.
const RECORDED: [(i32, &str, &str); 24] = [
    (1, "roles", "5173788047612950235"),
    (2, "users_and_profiles", "14223854863288289527"),
    (3, "athletes_and_rosters", "10271614285322365254"),
    (4, "galleries", "10973139121324859678"),
    (5, "referrals_and_assignments", "15445072089567908152"),
    (6, "tasks", "8031186044701902544"),
    (7, "zoho", "4128039309841892961"),
    (8, "webhooks", "722499459228770116"),
    (9, "gallery_alerts", "9039032343521178919"),
    (10, "webhook_effects", "14465353453807173422"),
    (11, "webhook_deliveries", "8130909870432678663"),
    (12, "operations", "17530779617835090908"),
    (13, "zoho_both_ways", "367026148132543084"),
    (14, "what_was_sent", "1191711901223212090"),
    (15, "set_out_by_whom", "18034576231778080094"),
    (16, "tags_set_out", "5833503130738398720"),
    (17, "restored", "14838786833819772825"),
    (18, "links_are_kept", "5170197813600047993"),
    (19, "left_to_middleware", "15586794244292207815"),
    (20, "codes_compare", "15220387553818078980"),
    (21, "misuse_of_codes", "12560938669186959317"),
    (22, "erasures_are_told", "17403623637817879470"),
    (23, "live_galleries", "2381149517079088078"),
    (24, "shortened", "15439688612782807598"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_an_earlier_release_migrated_has_nothing_to_catch_up_on() {
    let system = System::start().await;
    let recorded = "select version, name, checksum from refinery_schema_history where version <= 24 order by version";
    let of_this_release = system.rows(recorded, &[]).await;
    let versions = RECORDED.map(|(version, ..)| version).to_vec();
    let names = RECORDED.map(|(_, name, _)| name).to_vec();
    let checksums = RECORDED.map(|(.., checksum)| checksum).to_vec();
    system.rows("delete from refinery_schema_history where version <= 24", &[]).await;
    system
        .rows(
            "insert into refinery_schema_history (version, name, applied_on, checksum)
             select version, name, '2026-11-22T14:00:00Z', checksum
             from unnest($1::int[], $2::text[], $3::text[]) as earlier (version, name, checksum)",
            &[&versions, &names, &checksums],
        )
        .await;

    let done = system.invoke("migrate-database", &json!({})).await;

    assert_eq!(done, json!({ "applied": [], "passwords_set": [] }));
    let of_this_release: Vec<(i32, &str, &str)> =
        of_this_release.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(of_this_release, RECORDED);
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
