//! How the migrations are applied. Forward only: a mistake is mended by the next one.

use tokio_postgres::types::Type;

use super::pool::Connection;
use super::session::Session;
use super::statement::Statement;
use crate::error::Error;

/// Every file of `migrations/`, embedded when this crate is built; `build.rs` watches the folder.
mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// The key of the advisory lock under which migrations run: any constant that nobody else uses.
const LOCK: i64 = 0x6973_6f78_705f_6d67;

/// Applies what has not been applied, each file in a transaction of its own, and names it. Two deployments at
/// once take turns: refinery itself takes no lock.
pub async fn apply(connection: &mut Connection) -> Result<Vec<String>, Error> {
    connection.rows(&TAKE_LOCK, [&LOCK]).await?;
    let applied = run(connection).await;
    connection.rows(&RELEASE_LOCK, [&LOCK]).await?;
    applied
}

static TAKE_LOCK: Statement<1> = Statement::new("select pg_advisory_lock($1)", [Type::INT8]);

static RELEASE_LOCK: Statement<1> = Statement::new("select pg_advisory_unlock($1)", [Type::INT8]);

async fn run(connection: &mut Connection) -> Result<Vec<String>, Error> {
    let client: &mut tokio_postgres::Client = connection;
    let report = embedded::migrations::runner()
        .run_async(client)
        .await
        .map_err(|error| Error::internal("a migration failed", error))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::embedded;

    #[test]
    fn every_file_of_the_folder_is_a_migration_and_they_are_numbered_without_a_gap() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|file| !file.starts_with('.')).collect();
        files.sort();

        let runner = embedded::migrations::runner();

        let embedded = runner.get_migrations().iter().zip(1..).map(|(migration, n)| {
            assert_eq!(migration.version(), n, "{migration}");
            format!("V{n:04}__{}.sql", migration.name())
        });
        assert_eq!(embedded.collect::<Vec<_>>(), files);
    }
}
