//! The migrated database that the stacks of a test run copy.

use anyhow::Result;

use super::Directory;
use super::database::Database;
use super::deployment::{Deployment, Surroundings};
use super::options::Options;
use super::parameters::Parameters;
use super::secrets::Keys;
use crate::services::aws::Account;
use crate::services::{Addresses, random};

/// Makes it on the given services with the functions' own migration, and returns its name. The functions must be built.
pub async fn make_template_database(addresses: &Addresses, directory: &Directory) -> Result<String> {
    let options = Options::default();
    let parameters = Parameters::of_stage(&options.stage)?;
    let database = Database::open(addresses, directory).await?;
    let account = Account { endpoint: addresses.aws.clone(), number: random::account()? };
    let logs = directory.logs();
    let around = Surroundings {
        account: &account,
        database: &database,
        keys: &Keys::new()?,
        // A migration calls none of them.
        api_url: "http://127.0.0.1",
        issuer_url: "http://127.0.0.1",
        zoho_url: "http://127.0.0.1",
        receiver_url: "http://127.0.0.1",
        logs: &logs,
    };
    let deployment = Deployment::make(&parameters, &options, &around).await?;
    let migrated = deployment.migrate(&logs).await;
    deployment.lambda.shutdown().await;
    migrated?;
    database.server().close_database(database.name()).await?;
    Ok(database.name().to_owned())
}
