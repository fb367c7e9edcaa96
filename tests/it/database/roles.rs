//! What the functions' database roles may and may not do: tried by logging in as them.

use tests::System;
use tokio_postgres::Client;

/// Whether a statement is refused for want of permission; what it does is taken back.
async fn may(client: &Client, sql: &str) -> bool {
    client.batch_execute("begin").await.expect("a transaction can be begun");
    let outcome = client.batch_execute(sql).await;
    client.batch_execute("rollback").await.expect("it can be taken back");
    match outcome {
        Ok(()) => true,
        Err(error) => {
            let code = error.code().unwrap_or_else(|| panic!("{sql}: {error:?}")).code();
            // 42501: permission denied, or not the owner.
            assert_eq!(code, "42501", "{sql} fails for another reason: {error:?}");
            false
        }
    }
}

/// Those of the statements that the role may run.
async fn allowed<'a>(client: &Client, statements: &[&'a str]) -> Vec<&'a str> {
    let mut allowed = Vec::new();
    for sql in statements {
        if may(client, sql).await {
            allowed.push(*sql);
        }
    }
    allowed
}

/// What neither role may: the schema belongs to the migrator, and a migration happens once.
const OWNERS_BUSINESS: &[&str] = &[
    "drop table users",
    "drop table tasks",
    "truncate athletes",
    "alter table users add column hidden text",
    "create table loot (id int)",
    "create schema hidden",
    "create role accomplice",
    "alter role isoxp_migrator password 'mine'",
    "comment on table users is 'mine'",
    "insert into task_kinds (kind) values ('mine')",
    "select from refinery_schema_history",
    "create index on users (created_at)",
    "copy users to program 'cat'",
];

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_keep_out_of_the_schema_and_of_the_workers_secrets() {
    let system = System::start().await;
    let api = system.as_api().await;

    let stolen = allowed(&api, OWNERS_BUSINESS).await;
    let foreign = allowed(
        &api,
        &[
            "select access_token from zoho_token",
            "update zoho_token set version = 1",
            "select base from zoho_links",
            "update zoho_links set base = '{}'",
            "delete from zoho_links",
            "update erasures set erased_at = now()",
            "delete from erasures",
            "delete from sync_conflicts",
            "delete from tasks",
            "update task_kinds set kind = 'mine'",
            "delete from webhook_events",
            "insert into webhook_endpoints default values",
            "update webhook_endpoints set events = '{}'",
            "insert into gallery_alerts default values",
            "delete from webhook_inbox",
            "delete from wrong_join_codes",
            "delete from sign_up_credits",
            "delete from former_emails",
            "update wrong_join_codes set tried_at = '-infinity'",
        ],
    )
    .await;
    let own = [
        "select from users",
        "delete from users",
        "select from tasks",
        "select from task_kinds",
        "select from webhook_inbox",
        // An admin ends a pause.
        "update task_kinds set paused_until = null",
        // Has a record that is gone made again.
        "update zoho_links set gone_at = null, modified_at = null, tags = '{}' where user_id is null and module = 'Contacts' and gone_at is not null",
        "select from sync_conflicts",
        // And says that an endpoint is alive.
        "update webhook_endpoints set disabled_at = null",
        // A parent removes the last athlete on a roster.
        "delete from gallery_alerts",
    ];
    let missing = allowed(&api, &own).await;

    assert_eq!(stolen, [""; 0]);
    assert_eq!(foreign, [""; 0]);
    assert_eq!(missing, own);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_read_people_and_write_back_only_what_the_other_side_gave_us() {
    let system = System::start().await;
    let worker = system.as_worker().await;

    let stolen = allowed(&worker, OWNERS_BUSINESS).await;
    let foreign = allowed(
        &worker,
        &[
            "insert into users (id, email, auth_provider_id, role)
                 values ('00000000-0000-7000-8000-000000000001', 'a@example.com', 'a', 'admin')",
            "update users set role = 'admin'",
            "update users set email = 'a@example.com'",
            "delete from users",
            "update profiles_parents set sport_interests = '{}'",
            "update profiles_organizations set tax_id = null",
            "update profiles_photographers set referral_code = 'A'",
            "insert into erasures (user_id) values ('00000000-0000-7000-8000-000000000001')",
            "delete from athletes",
            "update athletes set first_name = 'A'",
            "delete from referral_ledger",
            "update referral_ledger set commission_status = 'Paid'",
            "update referral_ledger set photographer_id = null",
            "update assignments set payout_rate = 0",
            "delete from zoho_links",
            "delete from email_suppressions",
            "insert into zoho_token default values",
            "select from sign_up_credits",
            "select from former_emails",
        ],
    )
    .await;
    let own = [
        "select from users",
        "update users set zoho_contact_id = '1'",
        "update profiles_organizations set zoho_account_id = '1'",
        // What the CRM may say about somebody.
        "update profiles_parents set first_name = 'A', mailing_address = null",
        "select access_token from zoho_token",
        "delete from tasks",
        "update task_kinds set paused_until = null",
        // Of a parent who has left the roster meanwhile.
        "delete from gallery_alerts",
    ];
    let missing = allowed(&worker, &own).await;

    assert_eq!(stolen, [""; 0]);
    assert_eq!(foreign, [""; 0]);
    assert_eq!(missing, own);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_role_has_more_than_a_login_and_both_have_their_time_limited() {
    let system = System::start().await;

    let roles = system
        .rows(
            "select rolname::text, rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powers,
                 (select count(*) from pg_auth_members where member = pg_roles.oid) as memberships,
                 array(select unnest(rolconfig) order by 1) as settings
             from pg_roles where rolname in ('isoxp_api', 'isoxp_worker') order by rolname",
            &[],
        )
        .await;

    let settings: Vec<(String, bool, i64, Vec<String>)> =
        roles.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let limits = |idle: &str, lock: &str, statement: &str| {
        vec![
            format!("idle_in_transaction_session_timeout={idle}"),
            format!("lock_timeout={lock}"),
            format!("statement_timeout={statement}"),
        ]
    };
    assert_eq!(
        settings,
        [
            ("isoxp_api".to_owned(), false, 0, limits("10s", "3s", "5s")),
            ("isoxp_worker".to_owned(), false, 0, limits("60s", "10s", "60s")),
        ]
    );
    system.stop().await;
}
