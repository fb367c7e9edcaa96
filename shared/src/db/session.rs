//! How statements are sent, decided in one place: prepared once per connection and cached, which costs one
//! round trip and no parsing or planning from the second time on.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::pool::Connection;
use super::statement::{AnyStatement, Statement};
use crate::error::Error;

/// The values of a statement's parameters, in their order.
pub type Parameters<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// A connection or a transaction that statements can be sent on.
pub trait Session: Sync {
    fn rows<const N: usize>(
        &self,
        statement: &'static Statement<N>,
        parameters: Parameters<'_, N>,
    ) -> impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + Send;

    /// The only row, if there is one.
    fn row<const N: usize>(
        &self,
        statement: &'static Statement<N>,
        parameters: Parameters<'_, N>,
    ) -> impl Future<Output = Result<Option<Row>, tokio_postgres::Error>> + Send {
        async move { Ok(self.rows(statement, parameters).await?.into_iter().next()) }
    }
}

impl Session for Connection {
    async fn rows<const N: usize>(
        &self,
        statement: &'static Statement<N>,
        parameters: Parameters<'_, N>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let prepared = self.prepare_typed_cached(statement.sql(), statement.types()).await?;
        self.query(&prepared, &parameters).await
    }
}

impl Session for Transaction<'_> {
    async fn rows<const N: usize>(
        &self,
        statement: &'static Statement<N>,
        parameters: Parameters<'_, N>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let prepared = self.prepare_typed_cached(statement.sql(), statement.types()).await?;
        self.query(&prepared, &parameters).await
    }
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
