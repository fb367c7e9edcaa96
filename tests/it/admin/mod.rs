//! What admins see of the traffic with other systems, and what they decide about it.

mod get_integrations;
mod hand_over;
mod list_conflicts;
mod list_deliveries;
mod list_failures;
mod list_users;
mod replay_tasks;
mod resend_deliveries;
mod send_held_alerts;
mod unverify_organization;
mod verify_organization;

use tests::{System, sheree};
use uuid::Uuid;

/// Nobody works on tasks, and there is an admin.
async fn with_an_admin(flags: &[&str]) -> System {
    let system = System::with(flags).await;
    system.stack().set_mappings_enabled(false).await;
    system.make_admin("ops").await;
    system
}

/// Nobody works on tasks; there are two admins, Sheree, and an endpoint that is told of people.
async fn with_make(flags: &[&str]) -> (System, Uuid) {
    let system = System::with(flags).await;
    system.stack().set_mappings_enabled(false).await;
    for admin in ["ops", "eve"] {
        system.make_admin(admin).await;
    }
    let user = system.register("sheree", &sheree("")).await.id("/user/id");
    for table in ["webhook_deliveries", "webhook_events", "tasks"] {
        system.rows(&format!("delete from {table}"), &[]).await;
    }
    system.endpoint("make", &["user.created", "user.updated"]).await;
    (system, user)
}
