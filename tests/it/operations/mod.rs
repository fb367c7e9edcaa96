//! What operators rely on: deployments, secrets, timeouts, private logs, and the template itself.

mod demo;
mod get_health;
mod init;
mod migrate_database;
mod password_rotation;
mod privacy;
mod template;
mod timeouts;
