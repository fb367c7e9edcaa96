//! Locks that a test holds, so that a function stands still in the middle of its transaction.

use tokio_postgres::{Client, NoTls};

use crate::system::{System, eventually};

/// A table that can be read and not written, until it is released or dropped.
#[derive(Debug)]
pub struct TableLock {
    holder: Client,
    table: String,
}

impl System {
    /// Keeps everybody from writing to a table, and from locking its rows.
    pub async fn lock_table(&self, table: &str) -> TableLock {
        let (holder, connection) =
            tokio_postgres::connect(&self.endpoints().database_url, NoTls).await.expect("the database is there");
        tokio::spawn(connection);
        let lock = format!("begin; lock table {table} in exclusive mode");
        holder.batch_execute(&lock).await.expect("the table can be locked");
        TableLock { holder, table: table.to_owned() }
    }
}

impl TableLock {
    /// Waits until so many sessions stand before the lock.
    pub async fn waited_for_by(&self, sessions: i64) {
        eventually("the lock is waited for", || async {
            // The databases of all tests come from one template: their tables have the same numbers.
            let waiting = "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
                           where not granted and relation = $1::text::regclass and datname = current_database()";
            let row = self.holder.query_one(waiting, &[&self.table]).await.expect("the holder can look");
            (row.get::<_, i64>(0) >= sessions).then_some(())
        })
        .await;
    }

    /// Waits until so many sessions stand still, before the lock or behind somebody who stands there.
    pub async fn keeps_waiting(&self, sessions: i64) {
        eventually("everybody stands still", || async {
            // Not of pg_stat_activity: within one transaction it never changes.
            let waiting = "select count(distinct pid)
                           from pg_locks join pg_database on pg_database.oid = pg_locks.database
                           where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0";
            let row = self.holder.query_one(waiting, &[]).await.expect("the holder can look");
            (row.get::<_, i64>(0) >= sessions).then_some(())
        })
        .await;
    }

    pub async fn release(self) {
        self.holder.batch_execute("rollback").await.expect("the lock can be released");
    }
}
