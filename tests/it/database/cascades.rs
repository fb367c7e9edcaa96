//! What goes with a user and what stays without her, by the database's own cascades.

use serde_json::json;
use tests::{System, cathy, frank, sheree};

/// Everything of the story that a person can leave behind, with Sheree, Cathy and Frank in it.
async fn story() -> System {
    let system = System::start().await;
    system.register("frank", &frank()).await;
    let cathy = system.register("cathy", &cathy()).await;
    system
        .register("sheree", &sheree(cathy.body["profile"]["join_code"].as_str().expect("Cathy has a join code")))
        .await;
    let story = "
        insert into galleries (id, host, external_host_id, organization_id, photographer_id, title, event_date)
        select new_uuid_v7(), 'photoday', 'PD-1', org.user_id, photographer.user_id, 'Fall Soccer', '2026-10-03'
        from profiles_organizations as org, profiles_photographers as photographer;
        insert into gallery_registrations (gallery_id, parent_id)
        select galleries.id, user_id from galleries, profiles_parents;
        insert into gallery_alerts (gallery_id, parent_id, id, status)
        select galleries.id, user_id, new_uuid_v7(), 'held' from galleries, profiles_parents;
        insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)
        select new_uuid_v7(), photographer.user_id, parent.user_id, 'Gallery_Purchase', 'photoday', 'SB1'
        from profiles_photographers as photographer, profiles_parents as parent;
        insert into zoho_links (user_id, module, base) select user_id, 'Contacts', '{}' from profiles_parents;";
    system.database.batch_execute(story).await.expect("the story can be told");
    system
}

async fn delete(system: &System, sub: &str) -> Result<u64, tokio_postgres::Error> {
    system.database.execute("delete from users where auth_provider_id = $1", &[&sub]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_parent_go_her_athletes_and_all_about_them_and_the_money_stays() {
    let system = story().await;

    delete(&system, "sheree").await.unwrap();

    for gone in
        ["profiles_parents", "athletes", "roster_entries", "gallery_registrations", "gallery_alerts", "zoho_links"]
    {
        assert_eq!(system.count(gone).await, 0, "{gone}");
    }
    assert_eq!(system.count("referral_ledger where referred_user_id is null and photographer_id is not null").await, 2);
    assert_eq!(system.count("galleries").await, 1);
    assert_eq!(system.count("users").await, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_leaves_pictures_delivered_work_and_the_ledger_behind() {
    let system = story().await;
    let delivered = "
        insert into assignments (id, organization_id, assigned_photographer_id, job_status, payout_rate, title, location_zip, starts_at)
        select new_uuid_v7(), org.user_id, photographer.user_id, 'Delivered', 250, 'Fall Soccer', '60601', now()
        from profiles_organizations as org, profiles_photographers as photographer";
    system.database.batch_execute(delivered).await.unwrap();

    delete(&system, "frank").await.unwrap();

    assert_eq!(system.count("profiles_photographers").await, 0);
    assert_eq!(system.count("referral_ledger where photographer_id is null and referred_user_id is not null").await, 2);
    assert_eq!(system.count("galleries where photographer_id is null").await, 1);
    assert_eq!(system.count("assignments where assigned_photographer_id is null").await, 1);
    assert_eq!(system.count("athletes").await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographer_with_a_claimed_job_and_an_organisation_with_galleries_cannot_go() {
    let system = story().await;
    let claimed = "
        insert into assignments (id, organization_id, assigned_photographer_id, job_status, payout_rate, title, location_zip, starts_at)
        select new_uuid_v7(), org.user_id, photographer.user_id, 'Assigned', 250, 'Fall Soccer', '60601', now()
        from profiles_organizations as org, profiles_photographers as photographer";
    system.database.batch_execute(claimed).await.unwrap();

    let frank = delete(&system, "frank").await.unwrap_err();
    let cathy = delete(&system, "cathy").await.unwrap_err();

    let constraint =
        |error: &tokio_postgres::Error| error.as_db_error().and_then(|e| e.constraint().map(str::to_owned));
    assert_eq!(constraint(&frank).as_deref(), Some("assignments_status_matches_photographer"));
    assert!(
        matches!(
            constraint(&cathy).as_deref(),
            Some("galleries_organization_id_fkey" | "assignments_organization_id_fkey")
        ),
        "{cathy:?}"
    );
    assert_eq!(json!(system.count("users").await), json!(3));
    system.stop().await;
}
