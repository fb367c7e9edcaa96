//! How statements are sent, decided in one place: prepared once per connection and cached, which costs one
//! round trip and no parsing or planning from the second time on.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::pool::Connection;
use crate::error::Error;

/// Parameters with their types. The types are given, not asked for: a custom enum as a parameter would make
/// the client look it up first, so labels go as text and are cast in SQL (`$1::text::user_role`).
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A connection or a transaction that statements can be sent on.
pub trait Session: Sync {
    fn rows(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + Send;

    /// The only row, if there is one.
    fn row(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> impl Future<Output = Result<Option<Row>, tokio_postgres::Error>> + Send {
        async move { Ok(self.rows(sql, parameters).await?.into_iter().next()) }
    }
}

impl Session for Connection {
    async fn rows(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
        let (types, values) = split(parameters);
        let statement = self.prepare_typed_cached(sql, &types).await?;
        self.query(&statement, &values).await
    }
}

impl Session for Transaction<'_> {
    async fn rows(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
        let (types, values) = split(parameters);
        let statement = self.prepare_typed_cached(sql, &types).await?;
        self.query(&statement, &values).await
    }
}

fn split(parameters: Parameters<'_>) -> (Vec<Type>, Vec<&(dyn ToSql + Sync)>) {
    parameters.iter().map(|(value, kind)| (kind.clone(), *value)).unzip()
}

/// Runs a transaction again, once, when Postgres ended it as a deadlock or a serialisation failure.
pub async fn once_more<T, F: Future<Output = Result<T, Error>>>(transaction: impl Fn() -> F) -> Result<T, Error> {
    match transaction().await {
        Err(error) if is_retryable(&error) => transaction().await,
        outcome => outcome,
    }
}

/// Runs a transaction that records what has happened outside, up to three times, also on a new connection where
/// the first one broke: what it says is true whenever it is said, and must not get lost.
pub async fn insist<T, F: Future<Output = Result<T, Error>>>(transaction: impl Fn() -> F) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match transaction().await {
            Err(error) if tries < 3 && (is_retryable(&error) || matches!(error, Error::Unavailable { .. })) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_retryable(error: &Error) -> bool {
    let (Error::Internal { source, .. } | Error::Unavailable { source, .. }) = error else { return false };
    let code = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    matches!(code, Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE))
}

/// The name of the constraint that an insert ran into, for the place where it becomes a domain error.
pub fn violated_constraint(error: &tokio_postgres::Error) -> Option<&str> {
    error.as_db_error().and_then(tokio_postgres::error::DbError::constraint)
}
