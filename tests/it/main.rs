//! The tests that run against the whole system, in one executable: a folder for each area, a file for each function or rule.

mod admin;
mod alerts;
mod api;
mod athletes;
mod crm;
mod database;
mod deliveries;
mod development;
mod galleries;
mod incoming_webhooks;
mod operations;
mod people;
mod rosters;
mod tasks;
