//! A statement as a value: its text and the types of its parameters, in a `static` beside the function that sends it. A test
//! finds every one of them in the sources and prepares it on the migrated database, so none is put together while the
//! program runs.

use tokio_postgres::types::Type;

/// A statement with so many parameters. Their types are given, not asked for: a custom enum as a parameter would make the
/// client look it up first, so labels go as text and are cast in SQL (`$1::text::user_role`).
#[derive(Debug)]
pub struct Statement<const N: usize> {
    sql: &'static str,
    types: [Type; N],
}

impl<const N: usize> Statement<N> {
    pub(in crate::db) const fn new(sql: &'static str, types: [Type; N]) -> Self {
        Self { sql, types }
    }
}

/// A statement, however many parameters it has.
pub trait AnyStatement: Sync {
    fn sql(&self) -> &'static str;
    fn types(&self) -> &[Type];
}

impl<const N: usize> AnyStatement for Statement<N> {
    fn sql(&self) -> &'static str {
        self.sql
    }

    fn types(&self) -> &[Type] {
        &self.types
    }
}

/// Statements that are worth preparing before the first event: those on the usual path of the functions that use a module
/// of `db`, each of which has its list.
pub type Hot = &'static [&'static dyn AnyStatement];
