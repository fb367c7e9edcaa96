//! What `sam deploy` would do: makes the template's queues and secrets and takes its functions up.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use bytes::Bytes;

use super::build;
use super::database::Database;
use super::flags::{self, Environments};
use super::options::Options;
use super::parameters::Parameters;
use super::provision::{Provisioned, provision};
use super::secrets::{Contents, Keys};
use crate::lambda::{FunctionSpec, InvokeError, Lambda};
use crate::services::aws::Account;
use crate::template::{Function, Template};

/// The function that brings a database up to date.
const MIGRATE: &str = "migrate-database";

/// What the functions of a deployment find around them.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) account: &'a Account,
    pub(super) database: &'a Database,
    pub(super) keys: &'a Keys,
    pub(super) api_url: &'a str,
    pub(super) issuer_url: &'a str,
    pub(super) zoho_url: &'a str,
    pub(super) receiver_url: &'a str,
    pub(super) logs: &'a Path,
}

/// The template, deployed.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) template: Template,
    pub(super) provisioned: Provisioned,
    pub(super) environments: Environments,
    pub(super) lambda: Lambda,
}

impl Deployment {
    pub(super) async fn make(
        parameters: &Parameters,
        options: &Options,
        around: &Surroundings<'_>,
    ) -> anyhow::Result<Deployment> {
        let template = parameters.template(around.api_url, around.issuer_url, around.database)?;
        let passwords = &around.database.server().passwords;
        let contents =
            Contents { passwords, keys: around.keys, zoho_url: around.zoho_url, receiver_url: around.receiver_url };
        let provisioned = provision(&template, around.account, &contents).await?;

        let own = template.functions.iter().map(|function| {
            let variables = function.environment(&provisioned.resources)?;
            Ok((function.name.clone(), variables))
        });
        let mut environments: Environments = own.collect::<anyhow::Result<_>>()?;
        flags::apply(&mut environments, &options.set);
        for variables in environments.values_mut() {
            variables.extend(around.account.environment());
        }

        let binaries = build::output_dir(options.release)?;
        let specs = template.functions.iter().map(|function| spec(function, &environments, &binaries, around.logs));
        let lambda = Lambda::start(specs.collect()).await?;
        Ok(Deployment { template, provisioned, environments, lambda })
    }

    /// Brings the database up to date and its roles' passwords in line with their secrets.
    pub(super) async fn migrate(&self, logs: &Path) -> anyhow::Result<()> {
        let log = logs.join(MIGRATE).with_extension("log");
        match self.lambda.invoke(MIGRATE, Bytes::from_static(b"{}")).await {
            Ok(_) => Ok(()),
            Err(error @ InvokeError::FunctionError { .. }) => {
                bail!("{MIGRATE} failed: {error}; its log is {}", log.display())
            }
            Err(error) => Err(error).with_context(|| format!("invoking {MIGRATE}")),
        }
    }
}

fn spec(function: &Function, environments: &Environments, binaries: &Path, logs: &Path) -> FunctionSpec {
    FunctionSpec {
        name: function.name.clone(),
        binary: binaries.join(&function.binary),
        timeout: function.timeout,
        memory_mb: function.memory_mb,
        reserved_concurrency: function.reserved_concurrency,
        environment: environments.get(&function.name).cloned().unwrap_or_else(BTreeMap::new),
        log: logs.join(&function.name).with_extension("log"),
    }
}
