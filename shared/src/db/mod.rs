//! PostgreSQL: SQL beside its row types, one file per entity. Reads take any [`Session`], writes take a
//! [`Transaction`]; nothing here commits, and no HTTP call is made while a transaction is open.
//!
//! Each statement is a `static` beside the function that sends it. What a function of the API or a worker usually sends is
//! in the lists `HOT` of the modules that it uses, and is prepared when the function starts ([`Database::ready`]).

pub mod addresses;
pub mod alerts;
pub mod athletes;
pub mod audit;
mod column;
pub mod context;
pub mod effects;
pub mod erasures;
pub mod galleries;
pub mod hand_overs;
pub mod health;
pub mod inbox;
pub mod join_codes;
pub mod left_to_middleware;
pub mod login;
pub mod migrations;
pub mod operations;
pub mod organizations;
pub mod people;
pub mod pool;
pub mod profiles;
pub mod referrals;
pub mod retention;
pub mod roles;
pub mod rosters;
pub mod seniors;
pub mod session;
mod silence;
mod statement;
pub mod strangers;
pub mod sync_conflicts;
pub mod taken_over;
pub mod tasks;
pub mod unlinked;
pub mod users;
pub mod verification;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod webhook_events;
pub mod webhook_subjects;
pub mod zoho_budget;
pub mod zoho_cursors;
pub mod zoho_intentions;
pub mod zoho_links;
pub mod zoho_owners;
pub mod zoho_token;
pub mod zoho_watch;

pub use column::{Loaded, Unreadable};
pub use deadpool_postgres::Transaction;
pub use login::{Login, Logins};
pub use pool::{Connection, Database, DatabaseSettings};
pub use session::{Session, insist, once_more};
pub use statement::{AnyStatement, Hot, Statement};
