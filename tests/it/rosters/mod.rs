//! Rosters of organisations, and the parents who join them.

mod join_roster;
