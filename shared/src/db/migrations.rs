//! The migrations, in order, and how they are applied. Forward only: a mistake is mended by the next one.

use refinery::{Migration, Runner};
use tokio_postgres::types::Type;

use super::pool::Connection;
use super::session::Session;
use crate::error::Error;

/// Every file of `migrations/`; a test compares this list with the folder.
pub const FILES: [(&str, &str); 24] = [
    ("V0001__roles", include_str!("../../../migrations/V0001__roles.sql")),
    ("V0002__users_and_profiles", include_str!("../../../migrations/V0002__users_and_profiles.sql")),
    ("V0003__athletes_and_rosters", include_str!("../../../migrations/V0003__athletes_and_rosters.sql")),
    ("V0004__galleries", include_str!("../../../migrations/V0004__galleries.sql")),
    ("V0005__referrals_and_assignments", include_str!("../../../migrations/V0005__referrals_and_assignments.sql")),
    ("V0006__tasks", include_str!("../../../migrations/V0006__tasks.sql")),
    ("V0007__zoho", include_str!("../../../migrations/V0007__zoho.sql")),
    ("V0008__webhooks", include_str!("../../../migrations/V0008__webhooks.sql")),
    ("V0009__gallery_alerts", include_str!("../../../migrations/V0009__gallery_alerts.sql")),
    ("V0010__webhook_effects", include_str!("../../../migrations/V0010__webhook_effects.sql")),
    ("V0011__webhook_deliveries", include_str!("../../../migrations/V0011__webhook_deliveries.sql")),
    ("V0012__operations", include_str!("../../../migrations/V0012__operations.sql")),
    ("V0013__zoho_both_ways", include_str!("../../../migrations/V0013__zoho_both_ways.sql")),
    ("V0014__what_was_sent", include_str!("../../../migrations/V0014__what_was_sent.sql")),
    ("V0015__set_out_by_whom", include_str!("../../../migrations/V0015__set_out_by_whom.sql")),
    ("V0016__tags_set_out", include_str!("../../../migrations/V0016__tags_set_out.sql")),
    ("V0017__restored", include_str!("../../../migrations/V0017__restored.sql")),
    ("V0018__links_are_kept", include_str!("../../../migrations/V0018__links_are_kept.sql")),
    ("V0019__left_to_middleware", include_str!("../../../migrations/V0019__left_to_middleware.sql")),
    ("V0020__codes_compare", include_str!("../../../migrations/V0020__codes_compare.sql")),
    ("V0021__misuse_of_codes", include_str!("../../../migrations/V0021__misuse_of_codes.sql")),
    ("V0022__erasures_are_told", include_str!("../../../migrations/V0022__erasures_are_told.sql")),
    ("V0023__live_galleries", include_str!("../../../migrations/V0023__live_galleries.sql")),
    ("V0024__shortened", include_str!("../../../migrations/V0024__shortened.sql")),
];

/// The key of the advisory lock under which migrations run: any constant that nobody else uses.
const LOCK: i64 = 0x6973_6f78_705f_6d67;

/// Applies what has not been applied, each file in a transaction of its own, and names it. Two deployments at
/// once take turns: refinery itself takes no lock.
pub async fn apply(connection: &mut Connection) -> Result<Vec<String>, Error> {
    connection.rows("select pg_advisory_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    let applied = run(connection).await;
    connection.rows("select pg_advisory_unlock($1)", &[(&LOCK, Type::INT8)]).await?;
    applied
}

async fn run(connection: &mut Connection) -> Result<Vec<String>, Error> {
    let migrations = FILES
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::internal("a migration is misnamed", error))?;
    let client: &mut tokio_postgres::Client = connection;
    let report = Runner::new(&migrations)
        .run_async(client)
        .await
        .map_err(|error| Error::internal("a migration failed", error))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}
