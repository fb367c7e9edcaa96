//! Rosters of organisations, and the parents who join them.

mod find_organization;
mod join_roster;
