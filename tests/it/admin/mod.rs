//! What admins see of the traffic with other systems, and what they decide about it.

mod get_integrations;
mod list_conflicts;
mod replay_tasks;
mod resend_deliveries;
mod send_held_alerts;
