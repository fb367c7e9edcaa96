//! Users and their records in Zoho CRM: both ways of the sync, what interrupts it, and the route by Make or Zapier.

mod access_denied;
mod accounts;
mod backfill;
mod blocked_writes;
mod budget;
mod convergence;
mod erase;
mod faults;
mod middleware;
mod middleware_scenario;
mod pull_zoho;
mod reconcile_zoho;
mod renew_zoho_watch;
mod sync_zoho;
mod tag_seniors;
mod three_way_merge;
mod unique_email;
mod unknown_outcomes;
mod variants;
