//! Passwords of the database's roles are rotated while functions run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::{System, eventually, sheree};

const CONTEXT: &str = "/api/user/context";

/// A role of this test's own, since roles belong to the whole server: a member of the one that it stands for.
async fn own_role(system: &System, purpose: &str) -> String {
    let role = format!("isoxp_api_{purpose}_{}", std::process::id());
    // The owner takes its place to end its sessions.
    let make = format!("create role {role} login password 'first' in role isoxp_api; grant {role} to current_user");
    system.database.batch_execute(&make).await.expect("the owner may make roles");
    role
}

/// Ends the role's sessions, which it may do itself.
async fn end_sessions(system: &System, role: &str) {
    let end = format!(
        "set role {role}; select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'; reset role"
    );
    system.database.batch_execute(&end).await.expect("the role may end its own sessions");
    let sessions = format!("pg_stat_activity where usename = '{role}'");
    eventually("they have ended", || async { (system.count(&sessions).await == 0).then_some(()) }).await;
    // And the function, which does nothing else, has seen it.
    tokio::time::sleep(Duration::from_millis(200)).await;
}

async fn drop_role(system: &System, role: &str) {
    end_sessions(system, role).await;
    system.database.batch_execute(&format!("drop role {role}")).await.expect("nothing is the role's");
}

fn login(role: &str, password: &str) -> Value {
    json!({ "username": role, "password": password })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_rotated_under_load_and_no_request_notices() {
    let system = Arc::new(System::start().await);
    let role = own_role(&system, "load").await;
    system.change_secret("database/api", &login(&role, "first")).await;
    system.restart_functions().await;
    system.register("sheree", &sheree("")).await;
    let over = Arc::new(AtomicBool::new(false));
    let load = |_| {
        let (system, over) = (Arc::clone(&system), Arc::clone(&over));
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            while !over.load(Ordering::Relaxed) {
                statuses.push(system.get(CONTEXT, "sheree").await.status);
            }
            statuses
        })
    };
    let load: Vec<_> = (0..3).map(load).collect();

    // As the runbook says: the secret first, then migrate-database, which gives the role what stands there.
    system.change_secret("database/api", &login(&role, "second")).await;
    system.restart_functions().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let migrated = system.invoke("migrate-database", &json!({})).await;
    system.restart_functions().await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    over.store(true, Ordering::Relaxed);
    let mut statuses = Vec::new();
    for one in load {
        statuses.extend(one.await.unwrap());
    }
    assert_eq!(migrated["passwords_set"], json!([role]));
    assert!(statuses.len() > 20 && statuses.iter().all(|status| *status == 200), "{statuses:?}");
    drop_role(&system, &role).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_function_whose_connection_drops_after_a_rotation_logs_in_with_the_new_password() {
    let system = System::start().await;
    let role = own_role(&system, "warm").await;
    system.change_secret("database/api", &login(&role, "first")).await;
    system.restart_functions().await;
    system.register("sheree", &sheree("")).await;
    assert_eq!(system.get(CONTEXT, "sheree").await.status, 200);
    system.change_secret("database/api", &login(&role, "second")).await;
    system.invoke("migrate-database", &json!({})).await;

    end_sessions(&system, &role).await;
    let after = system.get(CONTEXT, "sheree").await;

    assert_eq!(after.status, 200);
    drop_role(&system, &role).await;
    system.stop().await;
}
