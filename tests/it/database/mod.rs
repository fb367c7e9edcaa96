//! What the database itself guarantees, whichever code writes to it.

mod cascades;
mod constraints;
mod roles;
mod schema_names;
mod statements;

pub(crate) use statements::statements;
