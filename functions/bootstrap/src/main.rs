//! The one binary of all functions. Lambda sets `_HANDLER` from the function's `Handler` in `template.yaml`, which is the
//! name of its folder.

use shared::lambda::{Start, StartError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new();
    let function = start.environment.required("_HANDLER")?.to_owned();
    match &*function {
        "add-athlete" => add_athlete::start(start).await,
        "confirm-email" => confirm_email::start(start).await,
        "create-gallery" => create_gallery::start(start).await,
        "delete-user" => delete_user::start(start).await,
        "deliver-webhook" => deliver_webhook::start(start).await,
        "fan-out-gallery" => fan_out_gallery::start(start).await,
        "find-organization" => find_organization::start(start).await,
        "get-health" => get_health::start(start).await,
        "get-integrations" => get_integrations::start(start).await,
        "get-user" => get_user::start(start).await,
        "get-user-context" => get_user_context::start(start).await,
        "hand-over" => hand_over::start(start).await,
        "join-roster" => join_roster::start(start).await,
        "list-athletes" => list_athletes::start(start).await,
        "list-conflicts" => list_conflicts::start(start).await,
        "list-deliveries" => list_deliveries::start(start).await,
        "list-failures" => list_failures::start(start).await,
        "list-hosts" => list_hosts::start(start).await,
        "list-users" => list_users::start(start).await,
        "migrate-database" => migrate_database::start(start).await,
        "pull-zoho" => pull_zoho::start(start).await,
        "receive-webhook" => receive_webhook::start(start).await,
        "reconcile-zoho" => reconcile_zoho::start(start).await,
        "register-user" => register_user::start(start).await,
        "remove-athlete" => remove_athlete::start(start).await,
        "renew-zoho-watch" => renew_zoho_watch::start(start).await,
        "replay-tasks" => replay_tasks::start(start).await,
        "resend-deliveries" => resend_deliveries::start(start).await,
        "send-alerts" => send_alerts::start(start).await,
        "send-held-alerts" => send_held_alerts::start(start).await,
        "sweep-tasks" => sweep_tasks::start(start).await,
        "sync-zoho" => sync_zoho::start(start).await,
        "tag-seniors" => tag_seniors::start(start).await,
        "test-webhook" => test_webhook::start(start).await,
        "unverify-organization" => unverify_organization::start(start).await,
        "update-athlete" => update_athlete::start(start).await,
        "update-profile" => update_profile::start(start).await,
        "verify-organization" => verify_organization::start(start).await,
        _ => Err(StartError::from(format!(
            "there is no function {function}: Handler in template.yaml is the name of its folder"
        ))),
    }
}
